/* Pixel-adaptive mask refinement against the formula in double precision. */
#include "oracle.h"

namespace wisp_tests {
namespace {

const int kRow[] = {-1, -1, -1, 0, 0, 1, 1, 1}, kCol[] = {-1, 0, 1, -1, 1, -1, 0, 1};

int64_t clamped(int64_t at, int64_t size) { return at < 0 ? 0 : at >= size ? size - 1 : at; }

int64_t neighbour(const std::vector<int32_t>& dilations, int64_t q, int64_t y, int64_t x, int64_t h,
                  int64_t w) {
  const int64_t d = dilations[q / 8];
  return clamped(y + d * kRow[q % 8], h) * w + clamped(x + d * kCol[q % 8], w);
}

struct Setting {
  const char* name;
  int64_t n, h, w, c;
  std::vector<int32_t> dilations;
  std::vector<int32_t> classes; /* per image */
  int64_t iterations;
  float sigma;
};

struct Expected {
  std::vector<double> affinity, deviation, logit;
};

Expected naive_affinity(const Setting& t, Array<float>& guide) {
  const int64_t pixels = t.h * t.w, taps = 8 * static_cast<int64_t>(t.dilations.size());
  Expected e;
  e.affinity.resize(t.n * taps * pixels);
  e.logit.resize(t.n * taps * pixels);
  e.deviation.resize(t.n * t.c * pixels);
  for (int64_t b = 0; b < t.n; ++b)
    for (int64_t p = 0; p < pixels; ++p) {
      std::vector<double> logit(taps);
      for (int64_t ch = 0; ch < t.c; ++ch) {
        const auto value = [&](int64_t at) {
          return static_cast<double>(guide[(b * pixels + at) * t.c + ch]);
        };
        const double centre = value(p), copies = static_cast<double>(t.dilations.size());
        double mean = copies * centre, squares = 0;
        for (int64_t q = 0; q < taps; ++q) {
          mean += value(neighbour(t.dilations, q, p / t.w, p % t.w, t.h, t.w));
        }
        mean /= copies * 9;
        for (int64_t q = 0; q < taps; ++q) {
          squares +=
              std::pow(value(neighbour(t.dilations, q, p / t.w, p % t.w, t.h, t.w)) - mean, 2);
        }
        squares += copies * (centre - mean) * (centre - mean);
        const double deviation = std::sqrt(squares / (copies * 9 - 1));
        e.deviation[(b * t.c + ch) * pixels + p] = deviation;
        for (int64_t q = 0; q < taps; ++q) {
          const double d =
              value(neighbour(t.dilations, q, p / t.w, p % t.w, t.h, t.w)) - centre;
          logit[q] -= t.sigma > 0 ? d * d / (2.0 * t.sigma * t.sigma) / static_cast<double>(t.c)
                                  : std::fabs(d) / (1e-8 + 0.1 * deviation) /
                                        static_cast<double>(t.c);
        }
      }
      double largest = -INFINITY, total = 0;
      for (double l : logit) largest = std::fmax(largest, l);
      for (double l : logit) total += std::exp(l - largest);
      for (int64_t q = 0; q < taps; ++q) {
        e.logit[(b * taps + q) * pixels + p] = logit[q];
        e.affinity[(b * taps + q) * pixels + p] = std::exp(logit[q] - largest) / total;
      }
    }
  return e;
}

void check(const Setting& t, Random& random) {
  const std::string name = std::string("pamr ") + t.name;
  const int64_t pixels = t.h * t.w, taps = 8 * static_cast<int64_t>(t.dilations.size());
  const int64_t dilation_count = static_cast<int64_t>(t.dilations.size());
  Array<int32_t> dilations(t.dilations);
  Array<float> guide(t.n * pixels * t.c);
  random.fill(guide, 0, 1);
  /* A flat left part, in a colour whose sums round: logits must come out exactly 0 there. */
  for (int64_t p = 0; p < t.n * pixels; ++p)
    for (int64_t ch = 0; ch < t.c && p % t.w < t.w / 2; ++ch) guide[p * t.c + ch] = 0.456f;
  const Expected e = naive_affinity(t, guide);

  std::vector<int32_t> offsets_of(1, 0);
  for (int32_t classes : t.classes) offsets_of.push_back(offsets_of.back() + classes);
  Array<int32_t> offsets(offsets_of);
  const int64_t rows = offsets_of.back();
  Array<float> maps(rows * pixels);
  random.fill(maps, 0, 1);

  each_way(name, [&](const wisp::Kernels& kernels, const std::string& at, Bits& bits) {
    Array<float> affinity(t.n * taps * pixels), logit(t.n * taps * pixels);
    Array<float> deviation(t.n * t.c * pixels), out(rows * pixels);
    affinity.fill(NAN);
    logit.fill(NAN);
    deviation.fill(NAN);
    out.fill(NAN);
    kernels.pamr_affinity(guide.get(), t.n, t.h, t.w, t.c, dilations.get(), dilation_count,
                          t.sigma, affinity.get(), deviation.get(), logit.get());
    expect_near(affinity, e.affinity, 1e-5, at + "affinity");
    expect_near(deviation, e.deviation, 1e-6, at + "deviation");
    expect_near(logit, e.logit, 5e-5 * (t.sigma > 0 ? 1 / t.sigma : 1), at + "logit");
    for (int64_t i = 0; i < logit.size(); ++i) {
      if (e.logit[i] == 0) expect(logit[i] == 0, at + "a logit must be 0");
    }
    Array<float> alone(t.n * taps * pixels);
    kernels.pamr_affinity(guide.get(), t.n, t.h, t.w, t.c, dilations.get(), dilation_count,
                          t.sigma, alone.get(), nullptr, nullptr);
    expect_same(alone.copy(), affinity.copy(),
                at + "affinities with and without the other outputs");

    std::vector<double> now(rows * pixels);
    for (int64_t i = 0; i < rows * pixels; ++i) now[i] = maps[i];
    for (int64_t step = 0; step < t.iterations; ++step) {
      std::vector<double> next(rows * pixels);
      for (int64_t b = 0; b < t.n; ++b)
        for (int64_t k = offsets[b]; k < offsets[b + 1]; ++k)
          for (int64_t p = 0; p < pixels; ++p)
            for (int64_t q = 0; q < taps; ++q) {
              next[k * pixels + p] +=
                  static_cast<double>(affinity[(b * taps + q) * pixels + p]) *
                  now[k * pixels + neighbour(t.dilations, q, p / t.w, p % t.w, t.h, t.w)];
            }
      now = next;
    }
    kernels.pamr_steps(affinity.get(), t.h, t.w, dilations.get(), dilation_count,
                       t.iterations, maps.get(), t.n, offsets.get(), out.get());
    expect_near(out, now, 1e-5, at + "out");
    bits.compare(affinity.copy(), "affinities");
    bits.compare(out.copy(), "refined maps");
  });
}

void refusals() {
  float values[8] = {};
  const auto affinity = [&](const float* guide, int64_t h, int32_t dilation, int64_t count) {
    return wisp_pamr_affinity(guide, 1, h, 4, 1, &dilation, count, 0, values, nullptr, nullptr);
  };
  expect_refused(affinity(nullptr, 1, 1, 1), "no guide");
  expect_refused(affinity(values, 1, 0, 1), "dilation 0");
  expect_refused(affinity(values, 1, 1, 0), "no dilation");
  expect_refused(affinity(values, -1, 1, 1), "a negative size");
  expect_refused(affinity(values, INT64_MAX / 2, 1, 1), "a size beyond memory");
  const auto steps = [&](int64_t iterations, std::vector<int32_t> offsets) {
    const int32_t one = 1;
    return wisp_pamr_steps(values, 1, 1, &one, 1, iterations, values, 2, offsets.data(), values);
  };
  expect_refused(steps(-1, {0, 1, 2}), "a negative number of steps");
  expect_refused(steps(1, {0, 2, 1}), "descending rows");
  expect_refused(steps(1, {1, 1, 2}), "rows that begin with 1");
}

Check pamr("pamr", [] {
  Random random(15);
  const std::vector<int32_t> standard = {1, 2, 4, 8, 12, 24};
  const Setting cases[] = {
      {"one pixel", 1, 1, 1, 3, standard, {2}, 3, 0},
      {"one row", 1, 1, 37, 3, {1, 3}, {1}, 2, 0},
      {"one column", 1, 29, 1, 1, {1, 40}, {3}, 2, 0},
      {"dilation beyond the image", 1, 5, 7, 3, {100}, {2}, 2, 0},
      {"one vector", 1, 4, 16, 3, {1, 2}, {4}, 2, 0},
      {"one vector and one", 1, 4, 17, 3, {1, 2}, {5}, 2, 0},
      {"one short of a block", 1, 3, 63, 2, {2, 5}, {6}, 2, 0},
      {"blocks and a tail", 2, 5, 147, 3, standard, {7, 4}, 3, 0},
      {"an image without rows", 3, 9, 11, 4, {1, 2, 4}, {2, 0, 9}, 4, 0},
      {"no steps", 1, 6, 10, 3, {1}, {2}, 0, 0},
      {"gaussian", 1, 13, 19, 3, standard, {3}, 2, 0.1f},
  };
  for (const Setting& t : cases) check(t, random);
  float value = 0;
  int32_t one = 1, zero = 0;
  expect(wisp_pamr_affinity(&value, 0, 4, 4, 3, &one, 1, 0, &value, nullptr, nullptr) == WISP_OK,
         "no image is no failure");
  expect(wisp_pamr_steps(&value, 4, 4, &one, 1, 2, &value, 0, &zero, &value) == WISP_OK,
         "no image is no failure");
  refusals();
});

}  // namespace
}  // namespace wisp_tests
