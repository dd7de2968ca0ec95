#include "device.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace {

using Handle = void*;

void* driver;
Handle module;
std::set<std::string> launched;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(2);
}

/* Calls a driver function by name and ends the program unless it returns 0. */
template <class... A>
void call(const char* function, A... arguments) {
  void* symbol = dlsym(driver, function);
  if (symbol == nullptr) fail(std::string(function) + " is missing from libcuda.so.1");
  const int status = reinterpret_cast<int (*)(A...)>(symbol)(arguments...);
  if (status == 0) return;
  const char* text = "?";
  void* describe = dlsym(driver, "cuGetErrorString");
  if (describe != nullptr) reinterpret_cast<int (*)(int, const char**)>(describe)(status, &text);
  fail(std::string(function) + ": " + std::to_string(status) + " " + text);
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read " + path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

}  // namespace

void open_device() {
  driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (driver == nullptr) fail(dlerror());
  int device = 0;
  Handle context = nullptr;
  call("cuInit", 0u);
  call("cuDeviceGet", &device, 0);
  call("cuDevicePrimaryCtxRetain", &context, device);
  call("cuCtxSetCurrent", context);
}

void load_module(const std::string& path) {
  const std::string text = read_text(path);
  if (module != nullptr) call("cuModuleUnload", module);
  call("cuModuleLoadData", &module, static_cast<const void*>(text.c_str()));
}

bool has_kernel(const char* kernel) {
  using Get = int (*)(Handle*, Handle, const char*);
  Handle function = nullptr;
  const Get get = reinterpret_cast<Get>(dlsym(driver, "cuModuleGetFunction"));
  return get != nullptr && get(&function, module, kernel) == 0;
}

std::vector<std::string> kernels_of(const std::string& path) {
  static const std::regex entry("\\.entry\\s+(\\w+)");
  const std::string text = read_text(path);
  std::vector<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), entry), end; at != end; ++at)
    names.push_back((*at)[1]);
  return names;
}

bool was_launched(const std::string& kernel) { return launched.count(kernel) > 0; }

Pointer allocate(size_t bytes) {
  Pointer pointer = 0;
  call("cuMemAlloc_v2", &pointer, bytes > 0 ? bytes : 1);
  return pointer;
}

void release(Pointer pointer) { call("cuMemFree_v2", pointer); }

void upload(Pointer to, const void* from, size_t bytes) {
  call("cuMemcpyHtoD_v2", to, from, bytes);
}

void download(void* to, Pointer from, size_t bytes) { call("cuMemcpyDtoH_v2", to, from, bytes); }

void launch_kernel(const char* kernel, Extent grid, Extent block, void** parameters) {
  Handle function = nullptr;
  call("cuModuleGetFunction", &function, module, kernel);
  launched.insert(kernel);
  void** no_extra = nullptr;
  Handle default_stream = nullptr;
  call("cuLaunchKernel", function, grid.x, grid.y, grid.z, block.x, block.y, block.z, 0u,
       default_stream, parameters, no_extra);
  call("cuCtxSynchronize");
}
