/*
 * A small test harness. A case calls kernels of one tier on operands that end at an unmapped page,
 * so that touching one element too many ends the program; its outputs must have the same bits at
 * any thread count, and agree between tiers.
 */
#ifndef WISP_TESTS_HARNESS_H
#define WISP_TESTS_HARNESS_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels.h"

namespace wisp_tests {

/* Memory whose end is the end of a page, followed by a page that may not be touched. */
class Guarded {
 public:
  explicit Guarded(int64_t bytes);
  ~Guarded();
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  void* data() const { return data_; }

 private:
  void* mapping_;
  size_t mapped_;
  void* data_;
};

/* One run of a case: the kernels of a tier, and the operands it makes. */
class Run {
 public:
  explicit Run(const wisp::Kernels& tier) : kernels(tier) {}

  const wisp::Kernels& kernels;

  /* n values in [low, high), the same ones for the n-th operand of every run of the case. */
  float* input(int64_t n, float low = -1, float high = 1);
  /* n ints in [low, high). */
  int32_t* ints(int64_t n, int32_t low, int32_t high);
  /* n given ints. */
  int32_t* ints(const std::vector<int32_t>& values);
  uint8_t* bytes(int64_t n);
  /* Uninitialised results, poisoned with NaN, compared between tiers with `tolerance`. */
  float* output(int64_t n, double tolerance = 1e-4);
  /* Results whose values may differ between tiers (an index among near equals). */
  int32_t* output_ints(int64_t n, bool equal_across_tiers = true);
  uint8_t* output_bytes(int64_t n);
  /* An input that the kernel updates: recorded as an output too. */
  float* updated(int64_t n, float low = -1, float high = 1, double tolerance = 1e-4);

  struct Output {
    const void* data;
    int64_t count;
    char type; /* 'f', 'i' or 'b' */
    double tolerance;
    bool across_tiers;
  };
  const std::vector<Output>& outputs() const { return outputs_; }

 private:
  void* make(int64_t bytes);
  uint64_t state_ = 1;
  uint64_t next();
  std::vector<std::unique_ptr<Guarded>> memory_;
  std::vector<Output> outputs_;
};

using Body = void (*)(Run& run, int64_t size);

/* Registers a case that runs once for each size. */
struct Case {
  Case(const char* name, std::vector<int64_t> sizes, Body body);
};

/* Registers a test that is no kernel: it reports by calling expect(). */
struct Check {
  Check(const char* name, void (*body)());
};

void expect(bool holds, const std::string& what);

/* Around one vector, four vectors and one block of every tier. */
extern const std::vector<int64_t> kLengths;

}  // namespace wisp_tests

#endif
