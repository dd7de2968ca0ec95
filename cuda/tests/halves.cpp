#include "half.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "check.h"
#include "device.h"

double widened(unsigned short bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                      : exponent == 0 ? std::ldexp(fraction, -24)
                                      : std::ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -size : size;
}

unsigned short nearest(float value) {
  if (std::isnan(value)) return 0x7fff;
  unsigned short best = 0x7c00;
  if (std::fabs(value) < 65520) {
    best = 0;
    double error = std::fabs(value);
    for (unsigned bits = 1; bits < 0x7c00; ++bits) {
      const double next = std::fabs(widened(bits) - std::fabs(value));
      if (next < error || (next == error && bits % 2 == 0)) best = bits, error = next;
    }
  }
  return best | (std::signbit(value) ? 0x8000 : 0);
}

namespace {

using Bits = std::vector<unsigned short>;

constexpr Extent kFlat = {256};
constexpr int kSpan = 2048;

Bits rounded(const Floats& values) {
  Bits bits;
  for (const float value : values) bits.push_back(nearest(value));
  return bits;
}

Floats wide(const Bits& bits) {
  Floats values;
  for (const unsigned short b : bits) values.push_back(static_cast<float>(widened(b)));
  return values;
}

Ints ints(const Bits& bits) { return Ints(bits.begin(), bits.end()); }

std::string text(const char* kernel, long long n, size_t shift, bool naive) {
  return std::string(kernel) + (naive ? "_naive " : " ") + std::to_string(n) +
         (shift ? " misaligned" : "");
}

/* Sums of a few thousandths to 3, and what overflows float16. */
Floats some(long long n) {
  Floats values = uniform(n, -3, 3);
  if (n > 6) values[n / 2] = 65504, values[n / 3] = -INFINITY;
  return values;
}

void elementwise(long long n, size_t shift) {
  const Bits x = rounded(some(n)), y = rounded(some(n)), extra = rounded(some(n));
  const Floats xs = wide(x), ys = wide(y), extras = wide(extra);
  for (const bool naive : {false, true}) {
    const Extent grid = {blocks(n, naive ? 256 : kSpan)};
    Array<unsigned short> from(x, shift), other(y, shift), second(extra, shift), to(x, shift);
    Floats want(n);

    launch(naive ? "wisp_half_add_scaled_naive" : "wisp_half_add_scaled", grid, kFlat,
           Pointer(other), Pointer(to), n, -0.7f);
    for (long long i = 0; i < n; ++i) want[i] = xs[i] + static_cast<float>(-0.7f * ys[i]);
    expect_equal(text("half_add_scaled", n, shift, naive), ints(to.host()), ints(rounded(want)));

    const char* kernel = naive ? "wisp_half_relu_backward_naive" : "wisp_half_relu_backward";
    for (long long i = 0; i < n; ++i) want[i] = ys[i] > 0 ? xs[i] + extras[i] : 0;
    const Ints sums = ints(rounded(want));
    launch(kernel, grid, kFlat, Pointer(other), Pointer(from), Pointer(second), Pointer(to), n);
    expect_equal(text("half_relu_backward", n, shift, naive), ints(to.host()), sums);
    launch(kernel, grid, kFlat, Pointer(other), Pointer(from), Pointer(second), Pointer(second), n);
    expect_equal(text("half_relu_backward in place", n, shift, naive), ints(second.host()), sums);
    for (long long i = 0; i < n; ++i) want[i] = ys[i] > 0 ? xs[i] : 0;
    launch(kernel, grid, kFlat, Pointer(other), Pointer(from), kNull, Pointer(to), n);
    expect_equal(text("half_relu_backward without extra", n, shift, naive), ints(to.host()),
                 ints(rounded(want)));
  }
}

/* All of bias, residual and ReLU, or none; the result in the product's and the residual's place. */
void finish(long long positions, int channels, bool all, size_t shift) {
  const long long n = positions * channels;
  const Bits product = rounded(some(n)), residual = rounded(some(n));
  const Floats products = wide(product), rest = wide(residual), bias = uniform(channels);
  Floats want = products;
  for (long long i = 0; all && i < n; ++i) {
    want[i] += bias[i % channels];
    want[i] += rest[i];
    if (want[i] <= 0) want[i] = 0;
  }
  const Ints expected = ints(rounded(want));
  const int relu = all;
  const Array<float> add(bias);
  for (const bool naive : {false, true}) {
    const char* kernel = naive ? "wisp_half_finish_naive" : "wisp_half_finish";
    const Extent grid = {blocks(n, naive ? 256 : kSpan)};
    const Pointer plus = all ? Pointer(add) : kNull;
    const char* const places[] = {"", " over residual", " over product"};
    for (int place = 0; place < 3; ++place) {
      if (place == 1 && !all) continue;
      Array<unsigned short> from(product, shift), other(residual, shift), y(n, shift);
      const Array<unsigned short>& to = place == 0 ? y : place == 1 ? other : from;
      launch(kernel, grid, kFlat, Pointer(from), plus, all ? Pointer(other) : kNull, Pointer(to),
             positions, channels, relu);
      expect_equal(text("half_finish", n, shift, naive) + places[place], ints(to.host()), expected);
    }
  }
}

/* Of numbers whose sums are exact in any order. */
void bias_sums(long long positions, long long channels, size_t shift) {
  const long long chunks = std::max(1LL, std::min(512LL, (positions + 255) / 256));
  const long long piece = (positions + chunks - 1) / chunks;
  const Floats values = coarse(positions * channels);
  Floats want(chunks * channels);
  for (long long p = 0; p < positions; ++p)
    for (long long o = 0; o < channels; ++o)
      want[p / piece * channels + o] += values[p * channels + o];
  const Array<unsigned short> dy(rounded(values), shift);
  for (const bool naive : {false, true}) {
    Array<double> sums(want.size());
    if (naive)
      launch("wisp_half_bias_sums_naive", {blocks(chunks * channels, 256)}, kFlat, Pointer(dy),
             Pointer(sums), positions, channels, chunks);
    else
      launch("wisp_half_bias_sums", {static_cast<unsigned>(chunks) * blocks(channels, 64)}, {32, 8},
             Pointer(dy), Pointer(sums), positions, channels, chunks);
    const Doubles got = sums.host();
    expect_equal(text("half_bias_sums", positions * channels, shift, naive),
                 Floats(got.begin(), got.end()), want);
  }
}

void max_pool(long long n, int h, int w, int c, size_t shift, bool hostile) {
  const int out_h = (h - 1) / 2 + 1, out_w = (w - 1) / 2 + 1;
  const long long in = n * h * w * c, out = n * out_h * out_w * c;
  Floats values = coarse(in);
  if (hostile)
    for (float& value : values) {
      const unsigned dice = generator()() % 12;
      value = dice == 0 ? NAN : dice == 1 ? -INFINITY : -1 - value;
    }
  Floats want(out);
  Ints index_want(out);
  for (long long b = 0; b < n; ++b)
    for (int oy = 0; oy < out_h; ++oy)
      for (int ox = 0; ox < out_w; ++ox)
        for (int k = 0; k < c; ++k) {
          int winner = -1;
          float best = 0;
          for (int y = std::max(0, 2 * oy - 1); y <= std::min(h - 1, 2 * oy + 1); ++y)
            for (int x = std::max(0, 2 * ox - 1); x <= std::min(w - 1, 2 * ox + 1); ++x) {
              const float value = values[((b * h + y) * w + x) * c + k];
              if (winner >= 0 && !(value > best) && !(std::isnan(value) && !std::isnan(best)))
                continue;
              winner = y * w + x;
              best = value;
            }
          const long long at = ((b * out_h + oy) * out_w + ox) * c + k;
          want[at] = best;
          index_want[at] = winner;
        }
  const Array<unsigned short> x(rounded(values), shift);
  for (const bool naive : {false, true})
    for (const unsigned cap : {65535u, 1u}) {
      if (naive && cap == 1) continue;
      Array<unsigned short> y(out, shift), alone(out, shift);
      Array<int> index(out, shift);
      const char* kernel = naive ? "wisp_half_max_pool_naive" : "wisp_half_max_pool";
      const Extent grid = naive ? Extent{blocks(out, 256)}
                                : Extent{blocks(static_cast<long long>(out_w) * c, 256),
                                         std::min(blocks(n * out_h, 8), cap)};
      const Extent block = naive ? kFlat : Extent{32, 8};
      launch(kernel, grid, block, Pointer(x), Pointer(y), Pointer(index), n, h, w, c);
      expect_equal(text("half_max_pool", out, shift, naive), wide(y.host()), want);
      expect_equal(text("half_max_pool index", out, shift, naive), index.host(), index_want);
      launch(kernel, grid, block, Pointer(x), Pointer(alone), kNull, n, h, w, c);
      expect_equal(text("half_max_pool without index", out, shift, naive), wide(alone.host()),
                   want);
    }
}

}  // namespace

void check_halves(const std::string& folder) {
  load_module(folder + "/half_activations.ptx");
  for (const size_t shift : {0, 1}) {
    for (const long long n : {1, 7, 8, 2049}) elementwise(n, shift);
    for (const bool all : {false, true}) {
      finish(1, 1, all, shift);
      finish(9, 15, all, shift);
      finish(33, 16, all, shift);
    }
    bias_sums(1, 1, shift);
    bias_sums(77, 65, shift);
    bias_sums(700, 66, shift);
    bias_sums(513, 2, shift);
  }
  load_module(folder + "/half_pooling.ptx");
  for (const size_t shift : {0, 1})
    for (const bool hostile : {false, true}) {
      max_pool(1, 1, 1, 1, shift, hostile);
      max_pool(1, 2, 2, 3, shift, hostile);
      max_pool(2, 7, 5, 15, shift, hostile);
      max_pool(1, 16, 17, 16, shift, hostile);
      max_pool(3, 9, 11, 8, shift, hostile);
    }
}
