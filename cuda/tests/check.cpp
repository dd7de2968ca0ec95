#include "check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "device.h"

namespace {

int checks, failures;

void fail(const std::string& what, size_t at, double got, double want, double allowed) {
  ++failures;
  std::printf("FAILED %s: [%zu] is %.9g, expected %.9g, tolerance %.3g\n", what.c_str(), at, got,
              want, allowed);
}

double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double d = std::fabs(a - b);
  return std::isnan(d) ? INFINITY : d;
}

template <class T>
void compare(const std::string& what, const std::vector<T>& got, const std::vector<T>& want) {
  ++checks;
  if (got.size() != want.size()) {
    fail(what + " (sizes)", 0, static_cast<double>(got.size()), static_cast<double>(want.size()),
         0);
    return;
  }
  for (size_t i = 0; i < want.size(); ++i)
    if (distance(got[i], want[i]) != 0) {
      fail(what, i, got[i], want[i], 0);
      return;
    }
}

}  // namespace

std::mt19937& generator() {
  static std::mt19937 shared(15);
  return shared;
}

Floats uniform(size_t count, float low, float high) {
  std::uniform_real_distribution<float> distribution(low, high);
  Floats values(count);
  for (float& value : values) value = distribution(generator());
  return values;
}

Floats coarse(size_t count) {
  Floats values(count);
  for (float& value : values) value = static_cast<float>(generator()() % 4) / 4;
  return values;
}

void expect_close(const std::string& what, const Floats& fast, const Floats& naive,
                  const Doubles& exact, double scale) {
  ++checks;
  double largest = scale, plain = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    if (std::isfinite(exact[i])) largest = std::max(largest, std::fabs(exact[i]));
    plain = std::max(plain, distance(naive[i], exact[i]));
  }
  const double unit = std::ldexp(largest, -23);
  /* The sibling itself must be near: a float32 sum of some thousand products is. */
  const double sane = std::max(1e-4 * largest, 2 * unit);
  for (size_t i = 0; i < exact.size(); ++i) {
    if (!(distance(naive[i], exact[i]) <= sane)) {
      fail(what + " (naive)", i, naive[i], exact[i], sane);
      return;
    }
    const double allowed = 2 * plain + 2 * unit;
    if (!(distance(fast[i], exact[i]) <= allowed)) {
      fail(what, i, fast[i], exact[i], allowed);
      return;
    }
  }
}

void expect_zeros(const std::string& what, const Floats& got, const Doubles& exact) {
  ++checks;
  for (size_t i = 0; i < exact.size(); ++i)
    if (exact[i] == 0 && got[i] != 0) {
      fail(what, i, got[i], 0, 0);
      return;
    }
}

void expect_equal(const std::string& what, const Floats& got, const Floats& want) {
  compare(what, got, want);
}

void expect_equal(const std::string& what, const Ints& got, const Ints& want) {
  compare(what, got, want);
}

void expect_launched(const std::string& folder) {
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".ptx") continue;
    ++checks;
    const std::vector<std::string> kernels = kernels_of(file.path());
    bool all = !kernels.empty();
    if (!all) std::printf("FAILED %s has no kernel\n", file.path().c_str());
    for (const std::string& kernel : kernels)
      if (!was_launched(kernel)) {
        all = false;
        std::printf("FAILED %s: %s was never launched\n", file.path().c_str(), kernel.c_str());
      }
    failures += !all;
  }
}

int report() {
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures;
}
