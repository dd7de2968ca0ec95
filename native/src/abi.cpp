#include "abi.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "parallel.h"
#include "scratch.h"

#ifdef WISP_STD_THREADS
#include <thread>
#else
#include <omp.h>
#endif

namespace wisp {

namespace {

constexpr int64_t kAlignment = 64;

thread_local std::string last_error;
thread_local int chosen_threads = 0;

int available_threads() {
#ifdef WISP_STD_THREADS
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#else
  return std::max(1, omp_get_max_threads());
#endif
}

}  // namespace

int threads() { return chosen_threads > 0 ? chosen_threads : available_threads(); }

int32_t fail(int32_t status, const char* function, const char* what) noexcept {
  try {
    last_error = std::string(function) + ": " + what;
  } catch (...) {
    last_error.clear();
  }
  return status;
}

int64_t product(std::initializer_list<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes) {
    require(size >= 0, "a size is negative");
    require(!__builtin_mul_overflow(result, size, &result) && result <= (int64_t(1) << 60),
            "sizes are larger than any memory");
  }
  return result;
}

void* allocate_aligned(int64_t bytes) {
  if (bytes < 0 || bytes > (int64_t(1) << 60)) throw std::bad_alloc();
  const size_t rounded =
      static_cast<size_t>((std::max<int64_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment);
  void* memory = std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void free_aligned(void* memory) { std::free(memory); }

}  // namespace wisp

using namespace wisp;

extern "C" {

int32_t wisp_abi(void) { return WISP_ABI; }

const char* wisp_error_message(void) { return last_error.c_str(); }

int32_t wisp_isa(const char** name) {
  return guarded("wisp_isa", [&] {
    require(name != nullptr, "name is null");
    *name = tier_name(active_tier());
  });
}

int32_t wisp_set_threads(int32_t count) {
  return guarded("wisp_set_threads", [&] {
    require(count >= 1 && count <= 4096, "the number of threads must be in 1..4096");
    chosen_threads = count;
#ifndef WISP_STD_THREADS
    omp_set_dynamic(0);
    omp_set_num_threads(count);
#endif
  });
}

int32_t wisp_threads(void) { return threads(); }

int32_t wisp_alloc(int64_t bytes, void** memory) {
  return guarded("wisp_alloc", [&] {
    require(memory != nullptr, "memory is null");
    require(bytes >= 0, "bytes is negative");
    *memory = allocate_aligned(bytes);
  });
}

void wisp_free(void* memory) { free_aligned(memory); }
}
