#include "nvrtc.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace softgpu_tests {
namespace {

using Program = void*;

struct Nvrtc {
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*ptx_size)(Program, size_t*) = nullptr;
  int (*ptx)(Program, char*) = nullptr;
  int (*log_size)(Program, size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  int (*destroy)(Program*) = nullptr;
  bool found = false;

  Nvrtc() {
    const char* folder = std::getenv("WISP_NVRTC");
    const std::string prefix = folder && *folder ? std::string(folder) + "/" : "";
    /* The builtins are looked for by name when a program is compiled. */
    for (const char* name : {"libnvrtc-builtins.so.12.9", "libnvrtc-builtins.so.12.6"})
      dlopen((prefix + name).c_str(), RTLD_NOW);
    void* library = dlopen((prefix + "libnvrtc.so.12").c_str(), RTLD_NOW);
    if (!library) return;
    auto bind = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    found = bind(create, "nvrtcCreateProgram") && bind(compile, "nvrtcCompileProgram") &&
            bind(ptx_size, "nvrtcGetPTXSize") && bind(ptx, "nvrtcGetPTX") &&
            bind(log_size, "nvrtcGetProgramLogSize") && bind(log, "nvrtcGetProgramLog") &&
            bind(destroy, "nvrtcDestroyProgram");
  }
};

const Nvrtc& nvrtc() {
  static const Nvrtc library;
  return library;
}

}  // namespace

bool has_nvrtc() { return nvrtc().found; }

std::string kernel_source(const std::string& file) {
  std::ifstream in(std::string(SOFTGPU_TEST_KERNELS) + "/" + file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string compile(const std::string& file, int architecture) {
  const Nvrtc& n = nvrtc();
  const std::string source = kernel_source(file), target = "--gpu-architecture=compute_" + std::to_string(architecture);
  const char* options[] = {target.c_str(), "--fmad=false", "-lineinfo", "--std=c++17"};
  Program program = nullptr;
  size_t size = 0;
  if (n.create(&program, source.c_str(), file.c_str(), 0, nullptr, nullptr) != 0 || n.compile(program, 4, options) != 0) {
    n.log_size(program, &size);
    std::string words(size, ' ');
    n.log(program, &words[0]);
    std::printf("FAIL compiling %s: %s\n", file.c_str(), words.c_str());
    std::exit(1);
  }
  n.ptx_size(program, &size);
  std::string text(size, ' ');
  n.ptx(program, &text[0]);
  n.destroy(&program);
  return text;
}

}  // namespace softgpu_tests
