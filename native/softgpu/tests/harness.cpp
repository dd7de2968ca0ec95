#include "harness.h"

#include <cstdio>
#include <cstdlib>

#include "softgpu.h"

namespace softgpu_tests {
namespace {

struct Entry {
  std::string name;
  void (*body)();
};

std::vector<Entry>& checks() {
  static std::vector<Entry> all;
  return all;
}

std::string current;
int failures = 0, skipped = 0;

}  // namespace

Check::Check(const char* name, void (*body)()) { checks().push_back({name, body}); }

void expect(bool holds, const std::string& what) {
  if (holds) return;
  ++failures;
  std::printf("FAIL %s: %s\n", current.c_str(), what.c_str());
}

void expect_equal(uint64_t found, uint64_t wanted, const std::string& what) {
  if (found == wanted) return;
  char text[96];
  std::snprintf(text, sizeof text, ": found 0x%llx (%lld), wanted 0x%llx (%lld)",
                static_cast<unsigned long long>(found), static_cast<long long>(found),
                static_cast<unsigned long long>(wanted), static_cast<long long>(wanted));
  expect(false, what + text);
}

void expect_contains(const std::string& text, const std::string& part) {
  expect(text.find(part) != std::string::npos, "'" + part + "' is missing in: " + text);
}

void skip(const std::string& why) {
  ++skipped;
  std::printf("SKIPPED %s: %s\n", current.c_str(), why.c_str());
}

std::string ptx(const std::string& body, int target) {
  return ".version 7.0\n.target sm_" + std::to_string(target) + "\n.address_size 64\n" + body;
}

std::string last_report() {
  std::string text(softgpu_last_report(nullptr, 0) + 1, '\0');
  softgpu_last_report(&text[0], text.size());
  text.pop_back();
  return text;
}

Order::Order(bool random, uint64_t seed) { softgpu_order(random, seed); }

Order::~Order() {
  const char* order = std::getenv("WISP_SOFTGPU_ORDER");
  const bool random = order && *order && std::string(order) != "plain";
  softgpu_order(random, random ? std::strtoull(order, nullptr, 0) : 0);
}

Session::Session(int device) {
  must(cuInit(0), "cuInit");
  must(cuCtxCreate_v2(&context_, 0, device), "cuCtxCreate");
  softgpu_clear_report();
}

Session::~Session() { must(cuCtxDestroy_v2(context_), "cuCtxDestroy"); }

void Session::must(int code, const std::string& what) {
  if (code == 0) return;
  const char* name = "?";
  cuGetErrorName(code, &name);
  std::printf("FAIL %s: %s: %s\n%s\n", current.c_str(), what.c_str(), name, last_report().c_str());
  std::exit(1);
}

void* Session::load(const std::string& text) {
  void* module = nullptr;
  must(cuModuleLoadData(&module, text.c_str()), "module:\n" + text);
  return module;
}

void* Session::kernel(const std::string& text, const char* name) {
  void* function = nullptr;
  must(cuModuleGetFunction(&function, load(text), name), name);
  return function;
}

DevicePointer Session::allocate(size_t bytes) {
  DevicePointer p = 0;
  must(cuMemAlloc_v2(&p, bytes), "cuMemAlloc");
  return p;
}

int launch_with(void* kernel, Dim grid, Dim block, unsigned shared, std::vector<void*> params) {
  return cuLaunchKernel(kernel, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared, nullptr, params.data(),
                        nullptr);
}

}  // namespace softgpu_tests

/* Runs the checks whose name begins with the argument, or all. */
int main(int count, char** arguments) {
  using namespace softgpu_tests;
  const std::string prefix = count > 1 ? arguments[1] : "";
  /* Reports of planted bugs go to a file of this run, not among the results. */
  setenv("WISP_SOFTGPU_REPORT", "/dev/null", 0);
  setenv("WISP_SOFTGPU_DEVICES", "90,75", 0);
  int run = 0;
  for (const Entry& check : checks()) {
    if (check.name.rfind(prefix, 0) != 0) continue;
    current = check.name;
    check.body();
    ++run;
  }
  std::printf("%d checks, %d skipped, %d failures\n", run, skipped, failures);
  return failures > 0 || run == 0 ? 1 : 0;
}
