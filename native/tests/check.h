/*
 * What the native tests share: operands that end at an unmapped page, a seeded generator, checks
 * that count. A program returns finish() from main: nonzero after a failure or without a check.
 */
#ifndef WISP_TESTS_CHECK_H
#define WISP_TESTS_CHECK_H

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "wisp.h"

namespace test {

inline long checks = 0;
inline long failures = 0;
inline std::string where;

inline void expect(bool holds, const std::string& what) {
  ++checks;
  if (!holds) {
    ++failures;
    std::fprintf(stderr, "FAILED %s: %s\n", where.c_str(), what.c_str());
  }
}

inline void expect_ok(int32_t status) { expect(status == WISP_OK, wisp_error_message()); }

inline void expect_refused(int32_t status) {
  expect(status == WISP_BAD_ARGUMENT, "expected a refusal");
}

inline int finish() {
  const char* isa = "";
  if (wisp_isa(&isa) != WISP_OK) return 1;
  std::printf("%s: %ld checks, %ld failures\n", isa, checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}

/* Memory whose last element is followed, and whose first is preceded, by an unmapped page. */
template <class T>
class Guarded {
 public:
  explicit Guarded(int64_t n) : n_(n) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = static_cast<size_t>(n) * sizeof(T);
    length_ = (bytes + page - 1) / page * page + 2 * page;
    base_ = static_cast<char*>(
        mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_, page, PROT_NONE) != 0 ||
        mprotect(base_ + length_ - page, page, PROT_NONE) != 0) {
      std::perror("guard page");
      std::exit(2);
    }
    data_ = reinterpret_cast<T*>(base_ + length_ - page - bytes);
  }
  Guarded(const std::vector<T>& values) : Guarded(static_cast<int64_t>(values.size())) {
    for (int64_t i = 0; i < n_; ++i) data_[i] = values[i];
  }
  ~Guarded() { munmap(base_, length_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* get() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }
  int64_t size() const { return n_; }
  std::vector<T> copy() const { return std::vector<T>(data_, data_ + n_); }
  void fill(T value) {
    for (int64_t i = 0; i < n_; ++i) data_[i] = value;
  }

 private:
  int64_t n_;
  size_t length_;
  char* base_;
  T* data_;
};

/* splitmix64 */
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  float uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(next() >> 40) / 16777216.0f;
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  void fill(Guarded<float>& values, float low, float high) {
    for (int64_t i = 0; i < values.size(); ++i) values[i] = uniform(low, high);
  }

 private:
  uint64_t state_;
};

/* NaN must meet NaN; `tolerance` is absolute. */
inline void expect_near(const Guarded<float>& actual, const std::vector<double>& expected,
                        double tolerance, const char* what) {
  double worst = 0;
  int64_t at = -1;
  const std::vector<float> values = actual.copy();
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    double error = std::fabs(value - expected[i]);
    if (std::isnan(value) || std::isnan(expected[i])) {
      error = std::isnan(value) == std::isnan(expected[i]) ? 0 : INFINITY;
    }
    if (error > worst) {
      worst = error;
      at = static_cast<int64_t>(i);
    }
  }
  expect(values.size() == expected.size() && worst <= tolerance,
         std::string(what) + " differs by " + std::to_string(worst) + " at " + std::to_string(at));
}

template <class T>
void expect_same(const std::vector<T>& a, const std::vector<T>& b, const char* what) {
  expect(a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0,
         std::string(what) + " differ in bits");
}

/* Runs the body with 1, 2 and 5 threads. */
inline void with_thread_counts(const std::function<void(int)>& body) {
  for (int count : {1, 2, 5}) {
    expect_ok(wisp_set_threads(count));
    body(count);
  }
}

}  // namespace test

#endif
