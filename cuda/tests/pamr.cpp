#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kBlock = {128};
constexpr int kAll[] = {1, 2, 4, 8, 12, 24, 3};
constexpr int kMost = 6; /* dilations of the fast affinity */

struct Size {
  long long n, h, w, c;
  int dilations;

  long long pixels() const { return h * w; }
  long long taps() const { return 8 * dilations; }
  Ints reach() const { return Ints(kAll, kAll + dilations); }
  Extent grid() const { return {blocks(pixels(), 128), static_cast<unsigned>(n)}; }
};

std::string text(const Size& s, const std::string& what) {
  return what + " " + std::to_string(s.n) + "x" + std::to_string(s.h) + "x" +
         std::to_string(s.w) + "x" + std::to_string(s.c) + ", " + std::to_string(s.dilations) +
         " dilations";
}

/* Pixel of tap q around (y, x). */
long long neighbour(const Size& s, long long q, long long y, long long x) {
  constexpr int kRow[] = {-1, -1, -1, 0, 0, 1, 1, 1}, kCol[] = {-1, 0, 1, -1, 1, -1, 0, 1};
  const long long reach = kAll[q / 8];
  const long long row = std::clamp(y + reach * kRow[q % 8], 0LL, s.h - 1);
  const long long col = std::clamp(x + reach * kCol[q % 8], 0LL, s.w - 1);
  return row * s.w + col;
}

struct Exact {
  Doubles affinity, deviation, logit;
};

Exact affinity_exactly(const Size& s, const Floats& guide, float sigma) {
  const long long pixels = s.pixels(), taps = s.taps();
  Exact e{Doubles(s.n * taps * pixels), Doubles(s.n * s.c * pixels), Doubles(s.n * taps * pixels)};
  for (long long image = 0; image < s.n; ++image)
    for (long long p = 0; p < pixels; ++p) {
      Doubles logits(taps);
      for (long long ch = 0; ch < s.c; ++ch) {
        const auto value = [&](long long at) {
          return static_cast<double>(guide[(image * pixels + at) * s.c + ch]);
        };
        Doubles window(9 * s.dilations, value(p));
        for (long long q = 0; q < taps; ++q) window[q] = value(neighbour(s, q, p / s.w, p % s.w));
        double mean = 0, squares = 0;
        for (const double v : window) mean += v / window.size();
        const bool constant =
            std::all_of(window.begin(), window.end(), [&](double v) { return v == value(p); });
        for (const double v : window) squares += constant ? 0 : (v - mean) * (v - mean);
        const double deviation = std::sqrt(squares / (window.size() - 1));
        e.deviation[(image * s.c + ch) * pixels + p] = deviation;
        for (long long q = 0; q < taps; ++q) {
          const double d = window[q] - value(p), scale = sigma;
          logits[q] -= (sigma > 0 ? d * d / (2 * scale * scale)
                                  : std::fabs(d) / (1e-8 + 0.1 * deviation)) /
                       s.c;
        }
      }
      const double largest = *std::max_element(logits.begin(), logits.end());
      double total = 0;
      for (const double l : logits) total += std::exp(l - largest);
      for (long long q = 0; q < taps; ++q) {
        e.logit[(image * taps + q) * pixels + p] = logits[q];
        e.affinity[(image * taps + q) * pixels + p] = std::exp(logits[q] - largest) / total;
      }
    }
  return e;
}

void affinity(const Size& s, const Floats& guide, float sigma, const std::string& what) {
  const Exact exact = affinity_exactly(s, guide, sigma);
  const long long maps = s.n * s.taps() * s.pixels();
  const Array<float> image(guide);
  const Array<int> reach(s.reach());
  Floats results[2][3];
  for (const bool naive : {true, false}) {
    const char* kernel = naive || s.dilations > kMost ? "wisp_pamr_affinity_naive"
                                                      : "wisp_pamr_affinity";
    const Array<float> alpha(maps), only(maps), deviation(s.n * s.c * s.pixels()), logit(maps);
    launch(kernel, s.grid(), kBlock, Pointer(image), Pointer(reach), Pointer(alpha),
           Pointer(deviation), Pointer(logit), s.n, s.h, s.w, s.c, s.dilations, sigma);
    launch(kernel, s.grid(), kBlock, Pointer(image), Pointer(reach), Pointer(only), kNull, kNull,
           s.n, s.h, s.w, s.c, s.dilations, sigma);
    results[naive][0] = alpha.host();
    results[naive][1] = deviation.host();
    results[naive][2] = logit.host();
    expect_equal(text(s, what + " affinity alone"), only.host(), alpha.host());
  }
  expect_close(text(s, what + " affinity"), results[0][0], results[1][0], exact.affinity);
  expect_close(text(s, what + " deviation"), results[0][1], results[1][1], exact.deviation);
  expect_zeros(text(s, what + " deviation"), results[0][1], exact.deviation);
  expect_close(text(s, what + " logit"), results[0][2], results[1][2], exact.logit);
  expect_zeros(text(s, what + " logit"), results[0][2], exact.logit);
}

void steps(const Size& s, const Ints& rows_of_image, int iterations) {
  Ints offsets{0};
  for (const int rows : rows_of_image) offsets.push_back(offsets.back() + rows);
  const long long rows = offsets.back(), pixels = s.pixels(), taps = s.taps();
  Floats alpha = uniform(s.n * taps * pixels, 0, 2.0f / taps);
  const Floats maps = uniform(rows * pixels, 0, 1);
  Doubles now(maps.begin(), maps.end()), next(now.size());
  for (int step = 0; step < iterations; ++step) {
    for (long long image = 0; image < s.n; ++image)
      for (long long row = offsets[image]; row < offsets[image + 1]; ++row)
        for (long long p = 0; p < pixels; ++p) {
          double sum = 0;
          for (long long q = 0; q < taps; ++q)
            sum += static_cast<double>(alpha[(image * taps + q) * pixels + p]) *
                   now[row * pixels + neighbour(s, q, p / s.w, p % s.w)];
          next[row * pixels + p] = sum;
        }
    std::swap(now, next);
  }
  const Array<float> weights(alpha), source(maps);
  const Array<int> reach(s.reach()), first(offsets);
  Floats results[2];
  for (const bool naive : {true, false}) {
    const Array<float> buffers[2] = {Array<float>(maps.size()), Array<float>(maps.size())};
    Pointer from = source;
    for (int step = 0; step < iterations; ++step) {
      const Pointer to = buffers[step % 2];
      launch(naive ? "wisp_pamr_step_naive" : "wisp_pamr_step", s.grid(), kBlock,
             Pointer(weights), Pointer(reach), from, Pointer(first), to, s.n, s.h, s.w,
             s.dilations);
      from = to;
    }
    results[naive] = buffers[(iterations - 1) % 2].host();
  }
  expect_close(text(s, "step " + std::to_string(rows) + " rows"), results[0], results[1], now);
}

Floats half_constant(const Size& s) {
  Floats guide = uniform(s.n * s.pixels() * s.c, 0, 1);
  for (size_t i = 0; i < guide.size(); ++i)
    if (static_cast<long long>(i) / s.c % s.w >= s.w / 2) guide[i] = 0.456f;
  return guide;
}

}  // namespace

void check_pamr(const std::string& folder) {
  load_module(folder + "/pamr_affinity.ptx");
  for (const Size& s : {Size{1, 1, 1, 3, 6}, Size{2, 7, 5, 3, 3}, Size{1, 5, 61, 3, 6},
                        Size{1, 13, 17, 1, 2}, Size{2, 11, 13, 5, 6}, Size{1, 7, 9, 3, 7}})
    for (const float sigma : {0.0f, 0.1f}) {
      affinity(s, uniform(s.n * s.pixels() * s.c, 0, 1), sigma, "noise");
      affinity(s, half_constant(s), sigma, "half constant");
    }
  load_module(folder + "/pamr_steps.ptx");
  steps({1, 1, 1, 3, 6}, {1}, 1);
  steps({2, 7, 5, 3, 3}, {2, 3}, 2);
  steps({3, 9, 17, 3, 6}, {1, 8, 7}, 3);
  steps({2, 11, 13, 3, 1}, {4, 5}, 1);
  steps({2, 3, 5, 3, 2}, {81, 21}, 1);
  steps({1, 16, 8, 3, 7}, {6}, 1);
}
