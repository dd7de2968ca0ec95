/*
 * For tests against a formula in double precision: guarded operands with an element type, and a
 * loop over everything that may change how a kernel computes.
 */
#ifndef WISP_TESTS_ORACLE_H
#define WISP_TESTS_ORACLE_H

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "harness.h"
#include "isa.h"
#include "wisp.h"

namespace wisp_tests {

/* An array that ends at an unmapped page. */
template <class T>
class Array {
 public:
  explicit Array(int64_t n) : n_(n), memory_(n * static_cast<int64_t>(sizeof(T))) {}
  Array(const std::vector<T>& values) : Array(static_cast<int64_t>(values.size())) {
    for (int64_t i = 0; i < n_; ++i) get()[i] = values[i];
  }

  T* get() { return static_cast<T*>(memory_.data()); }
  T& operator[](int64_t i) { return get()[i]; }
  int64_t size() const { return n_; }
  std::vector<T> copy() {
    std::vector<T> values;
    for (int64_t i = 0; i < n_; ++i) values.push_back(get()[i]);
    return values;
  }
  void fill(T value) {
    for (int64_t i = 0; i < n_; ++i) get()[i] = value;
  }

 private:
  int64_t n_;
  Guarded memory_;
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
  void fill(Array<float>& values, float low, float high) {
    for (int64_t i = 0; i < values.size(); ++i) values[i] = uniform(low, high);
  }

 private:
  uint64_t state_;
};

inline void expect_refused(int32_t status, const char* what) {
  expect(status == WISP_BAD_ARGUMENT, std::string(what) + " must be refused");
}

/* NaN must meet NaN; `tolerance` is absolute. */
inline void expect_near(Array<float>& actual, const std::vector<double>& expected,
                        double tolerance, const std::string& what) {
  double worst = 0;
  int64_t at = -1;
  for (int64_t i = 0; i < actual.size(); ++i) {
    const double value = static_cast<double>(actual[i]);
    double error = std::fabs(value - expected[i]);
    if (std::isnan(value) || std::isnan(expected[i])) {
      error = std::isnan(value) == std::isnan(expected[i]) ? 0 : INFINITY;
    }
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  expect(actual.size() == static_cast<int64_t>(expected.size()) && worst <= tolerance,
         what + " differs by " + std::to_string(worst) + " at " + std::to_string(at));
}

template <class T>
void expect_same(const std::vector<T>& a, const std::vector<T>& b, const std::string& what) {
  const size_t bytes = a.size() * sizeof(T);
  expect(a.size() == b.size() && (bytes == 0 || std::memcmp(a.data(), b.data(), bytes) == 0),
         what + " differ in bits");
}

/* Compares results bit by bit with those of the same tier on one thread. */
class Bits {
 public:
  explicit Bits(std::string prefix) : prefix_(std::move(prefix)) {}
  void rewind() { next_ = 0; }
  template <class T>
  void compare(const std::vector<T>& values, const char* what) {
    std::vector<char> bytes(values.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    if (next_ == first_.size()) first_.push_back(bytes);
    expect_same(bytes, first_[next_++], prefix_ + what + " of different thread counts");
  }

 private:
  std::string prefix_;
  std::vector<std::vector<char>> first_;
  size_t next_ = 0;
};

/*
 * Runs the body for each tier the machine has, with 1, 2 and 5 threads; `at` says where a failure
 * belongs.
 */
inline void each_way(const std::string& name,
                     const std::function<void(const wisp::Kernels& kernels, const std::string& at,
                                              Bits& bits)>& body) {
  for (wisp::Tier tier : {wisp::Tier::portable, wisp::Tier::avx2, wisp::Tier::avx512}) {
    if (tier > wisp::widest_tier()) continue;
    const std::string at = name + ", " + wisp::tier_name(tier) + ": ";
    Bits bits(at);
    for (int threads : {1, 2, 5}) {
      wisp_set_threads(threads);
      bits.rewind();
      body(wisp::kernels(tier), at, bits);
    }
  }
  wisp_set_threads(1);
}

}  // namespace wisp_tests

#endif
