#include "products.h"

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "softgpu.h"

namespace softcudnn {
namespace {

constexpr int kRows = 4, kColumns = 8; /* of sums held in registers */
constexpr int kTile = 32;              /* pixels of a task */
constexpr double kProductsOfAThread = 2e6; /* fewer are not worth one */

/* f(task) for tasks 0 .. tasks-1, on several threads where `products` is large. */
template <class F>
void in_parallel(int tasks, double products, F f) {
  const double useful = std::min<double>(tasks, products / kProductsOfAThread);
  const unsigned threads = std::min(softgpu_threads(), static_cast<unsigned>(useful));
  std::atomic<int> next{0};
  const auto work = [&] {
    for (int task = next++; task < tasks; task = next++) f(task);
  };
  std::vector<std::thread> others;
  for (unsigned t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& t : others) t.join();
}

int blocks(int size, int block) { return (size + block - 1) / block; }

/* sums[i][0..8) += sum over t of left[i][t] * right[t][0..8), for kRows rows or one. */
template <int rows>
inline void add_products(double* const* sums, const double* const* left, const double* right, int length) {
  __m256d low[rows], high[rows];
  for (int i = 0; i < rows; ++i) low[i] = _mm256_loadu_pd(sums[i]), high[i] = _mm256_loadu_pd(sums[i] + 4);
  for (int t = 0; t < length; ++t, right += kColumns) {
    const __m256d a = _mm256_loadu_pd(right), b = _mm256_loadu_pd(right + 4);
    for (int i = 0; i < rows; ++i) {
      const __m256d factor = _mm256_broadcast_sd(left[i] + t);
      low[i] = _mm256_fmadd_pd(factor, a, low[i]);
      high[i] = _mm256_fmadd_pd(factor, b, high[i]);
    }
  }
  for (int i = 0; i < rows; ++i) _mm256_storeu_pd(sums[i], low[i]), _mm256_storeu_pd(sums[i] + 4, high[i]);
}

/* A gather: out[pixel][m] = sum over taps and t of in[source(pixel, tap)][t] * weight(tap, m, t),
   for a range of channels of either side; source -1 is padding. */
struct Side {
  int channels, first, total; /* of a group, its first, and of the tensor */
};

template <class Source, class Weight>
void gather(Values& out, int pixels, Side to, const Values& in, Side from, int taps, Source source, Weight weight) {
  const int panels = blocks(to.channels, kColumns), width = panels * kColumns;
  const size_t panel_size = static_cast<size_t>(from.channels) * kColumns;
  Values packed(static_cast<size_t>(taps * panels) * panel_size); /* [tap][panel][t][8] */
  for (int tap = 0; tap < taps; ++tap)
    for (int m = 0; m < to.channels; ++m) {
      double* const panel = &packed[static_cast<size_t>(tap * panels + m / kColumns) * panel_size];
      for (int t = 0; t < from.channels; ++t) panel[t * kColumns + m % kColumns] = weight(tap, m, t);
    }
  const double products = double(pixels) * taps * from.channels * to.channels;
  in_parallel(blocks(pixels, kTile), products, [&](int tile) {
    const int first = tile * kTile, last = std::min(pixels, first + kTile);
    Values sums(static_cast<size_t>(kTile * width));
    const double* rows[kTile];
    double* targets[kTile];
    for (int tap = 0; tap < taps; ++tap) {
      int valid = 0;
      for (int pixel = first; pixel < last; ++pixel) {
        const int64_t at = source(pixel, tap);
        if (at < 0) continue;
        rows[valid] = &in[static_cast<size_t>(at * from.total + from.first)];
        targets[valid++] = &sums[static_cast<size_t>((pixel - first) * width)];
      }
      for (int panel = 0; panel < panels && valid > 0; ++panel) {
        const double* const right = &packed[static_cast<size_t>(tap * panels + panel) * panel_size];
        int i = 0;
        for (; i + kRows <= valid; i += kRows) add_products<kRows>(targets + i, rows + i, right, from.channels);
        for (; i < valid; ++i) add_products<1>(targets + i, rows + i, right, from.channels);
        for (i = 0; i < valid; ++i) targets[i] += kColumns;
      }
    }
    for (int pixel = first; pixel < last; ++pixel)
      std::copy_n(&sums[static_cast<size_t>((pixel - first) * width)], to.channels,
                  &out[static_cast<size_t>(int64_t{pixel} * to.total + to.first)]);
  });
}

/* The input's pixel of an output's pixel and a tap, or -1. */
int64_t input_pixel(const Geometry& g, int64_t pixel, int tap) {
  const int64_t q = pixel % g.q, p = pixel / g.q % g.p, n = pixel / g.q / g.p;
  const int64_t h = p * g.stride_h - g.pad_h + tap / g.s * g.dilation_h;
  const int64_t w = q * g.stride_w - g.pad_w + tap % g.s * g.dilation_w;
  return h < 0 || w < 0 || h >= g.h || w >= g.w ? -1 : (n * g.h + h) * g.w + w;
}

/* The output's pixel to which an input's pixel contributes by a tap, or -1. */
int64_t output_pixel(const Geometry& g, int64_t pixel, int tap) {
  const int64_t w = pixel % g.w, h = pixel / g.w % g.h, n = pixel / g.w / g.h;
  const int64_t p = h + g.pad_h - tap / g.s * g.dilation_h, q = w + g.pad_w - tap % g.s * g.dilation_w;
  if (p < 0 || q < 0 || p % g.stride_h || q % g.stride_w) return -1;
  const int64_t row = p / g.stride_h, column = q / g.stride_w;
  return row >= g.p || column >= g.q ? -1 : (n * g.p + row) * g.q + column;
}

/* Where the filter holds the weights of a tap. */
size_t filter_tap(const Geometry& g, int tap) {
  return static_cast<size_t>(g.flipped ? g.r * g.s - 1 - tap : tap);
}
size_t filter_at(const Geometry& g, int k, int tap, int c) {
  const auto taps = static_cast<size_t>(g.r * g.s);
  return (static_cast<size_t>(k) * taps + filter_tap(g, tap)) * static_cast<size_t>(g.group_c()) +
         static_cast<size_t>(c);
}

/* Channels of a group as panels [panel][pixel][width], zero where the last panel has no channel. */
Values panels_of(const Values& values, int pixels, Side side, int width) {
  const int panels = blocks(side.channels, width);
  Values out(static_cast<size_t>(int64_t{panels} * pixels * width));
  for (int channel = 0; channel < side.channels; ++channel)
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
      out[static_cast<size_t>((int64_t{channel / width} * pixels + pixel) * width + channel % width)] =
          values[static_cast<size_t>(pixel * side.total + side.first + channel)];
  return out;
}

struct Pair {
  int input, output;
};

/* sums[i][j] = sum over the pairs of left[output][i] * right[input][j] */
void add_pairs(double sums[kRows][kColumns], const std::vector<Pair>& pairs, const double* left,
               const double* right) {
  __m256d low[kRows], high[kRows];
  for (int i = 0; i < kRows; ++i) low[i] = high[i] = _mm256_setzero_pd();
  for (const Pair& pair : pairs) {
    const double* const l = left + int64_t{pair.output} * kRows;
    const double* const r = right + int64_t{pair.input} * kColumns;
    const __m256d a = _mm256_loadu_pd(r), b = _mm256_loadu_pd(r + 4);
    for (int i = 0; i < kRows; ++i) {
      const __m256d factor = _mm256_broadcast_sd(l + i);
      low[i] = _mm256_fmadd_pd(factor, a, low[i]);
      high[i] = _mm256_fmadd_pd(factor, b, high[i]);
    }
  }
  for (int i = 0; i < kRows; ++i) _mm256_storeu_pd(sums[i], low[i]), _mm256_storeu_pd(sums[i] + 4, high[i]);
}

}  // namespace

Values products_forward(const Geometry& g, const Values& x, const Values& filter) {
  Values y(static_cast<size_t>(int64_t{g.n} * g.p * g.q * g.k));
  for (int group = 0; group < g.groups; ++group)
    gather(
        y, g.n * g.p * g.q, {g.group_k(), group * g.group_k(), g.k}, x, {g.group_c(), group * g.group_c(), g.c},
        g.r * g.s, [&](int pixel, int tap) { return input_pixel(g, pixel, tap); },
        [&](int tap, int k, int c) { return filter[filter_at(g, group * g.group_k() + k, tap, c)]; });
  return y;
}

Values products_backward_data(const Geometry& g, const Values& dy, const Values& filter) {
  Values dx(static_cast<size_t>(int64_t{g.n} * g.h * g.w * g.c));
  for (int group = 0; group < g.groups; ++group)
    gather(
        dx, g.n * g.h * g.w, {g.group_c(), group * g.group_c(), g.c}, dy, {g.group_k(), group * g.group_k(), g.k},
        g.r * g.s, [&](int pixel, int tap) { return output_pixel(g, pixel, tap); },
        [&](int tap, int c, int k) { return filter[filter_at(g, group * g.group_k() + k, tap, c)]; });
  return dx;
}

Values products_backward_filter(const Geometry& g, const Values& x, const Values& dy) {
  const int inputs = g.n * g.h * g.w, outputs = g.n * g.p * g.q, taps = g.r * g.s;
  std::vector<std::vector<Pair>> pairs(static_cast<size_t>(taps));
  double products = 0;
  for (int tap = 0; tap < taps; ++tap) {
    auto& list = pairs[static_cast<size_t>(tap)];
    for (int pixel = 0; pixel < outputs; ++pixel) {
      const int64_t input = input_pixel(g, pixel, tap);
      if (input >= 0) list.push_back({static_cast<int>(input), pixel});
    }
    products += double(list.size()) * g.group_k() * g.group_c();
  }
  Values dw(static_cast<size_t>(int64_t{g.k} * taps * g.group_c()));
  for (int group = 0; group < g.groups; ++group) {
    const Values left = panels_of(dy, outputs, {g.group_k(), group * g.group_k(), g.k}, kRows);
    const Values right = panels_of(x, inputs, {g.group_c(), group * g.group_c(), g.c}, kColumns);
    const int rows = blocks(g.group_k(), kRows), columns = blocks(g.group_c(), kColumns);
    in_parallel(taps * columns, products, [&](int task) {
      const int tap = task / columns, column = task % columns;
      const double* const r = &right[static_cast<size_t>(int64_t{column} * inputs * kColumns)];
      for (int row = 0; row < rows; ++row) {
        double sums[kRows][kColumns];
        add_pairs(sums, pairs[static_cast<size_t>(tap)], &left[static_cast<size_t>(int64_t{row} * outputs * kRows)],
                  r);
        const int last_k = std::min(kRows, g.group_k() - row * kRows);
        const int last_c = std::min(kColumns, g.group_c() - column * kColumns);
        for (int i = 0; i < last_k; ++i)
          for (int j = 0; j < last_c; ++j)
            dw[filter_at(g, group * g.group_k() + row * kRows + i, tap, column * kColumns + j)] = sums[i][j];
      }
    });
  }
  return dw;
}

}  // namespace softcudnn
