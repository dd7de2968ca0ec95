/* What only this device has: softgpu_* (softgpu.h). */
#include "softgpu.h"

#include <algorithm>
#include <cstring>

#include "api/state.h"

using namespace softgpu;

namespace {

size_t put(const std::string& from, char* text, size_t bytes) {
  if (text && bytes) {
    const size_t length = std::min(bytes - 1, from.size());
    std::memcpy(text, from.data(), length);
    text[length] = '\0';
  }
  return from.size();
}

template <class F>
auto locked(F f) {
  Driver& driver = Driver::get();
  const std::lock_guard<std::recursive_mutex> hold(driver.lock);
  return f(driver);
}

}  // namespace

SOFTGPU_API size_t softgpu_last_report(char* text, size_t bytes) {
  return locked([&](Driver& d) { return put(d.report, text, bytes); });
}

SOFTGPU_API void softgpu_clear_report(void) {
  locked([](Driver& d) { d.report.clear(); });
}

SOFTGPU_API int softgpu_fail(const char* plan) {
  return locked([&](Driver& d) { return parse_failures(plan ? plan : "", d.failures) ? 0 : 1; });
}

SOFTGPU_API void softgpu_restore(void) {
  locked([](Driver& d) {
    for (const auto& device : d.devices) device->lost = false;
  });
}

SOFTGPU_API void softgpu_order(int random, uint64_t seed) {
  locked([&](Driver& d) { d.random = random != 0, d.seed = seed; });
}

SOFTGPU_API int softgpu_write_counts(const char* path) {
  return locked([&](Driver&) { return path && write_counts(path) ? 0 : 1; });
}

SOFTGPU_API size_t softgpu_counts(char* text, size_t bytes) {
  return locked([&](Driver&) { return put(counts_json(), text, bytes); });
}

SOFTGPU_API size_t softgpu_calls(char* text, size_t bytes) {
  return locked([&](Driver&) { return put(calls_json(), text, bytes); });
}

SOFTGPU_API void softgpu_reset_counts(void) {
  locked([](Driver& d) { d.counts.clear(), d.calls.clear(); });
}
