#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"
#include "taps.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Classes that share one load of the affinity, and vectors of x a block covers: together they fill
   the registers with independent sums. */
constexpr int kClasses = 4;
constexpr int kBlock = kLanes == 16 ? 4 : 2;

struct Step {
  const float* affinity; /* of one image: [taps, h, w] */
  int64_t h, w, taps;
  const float* now; /* [classes, h, stride] */
  float* next;
  int64_t classes;
  PaddedRows rows;
};

/* R classes at X vectors from column x on; `lanes` < kLanes * X only with X = 1. */
template <int R, int X>
inline void step_block(const Step& s, const float* now, float* next, const float* affinity,
                       const int64_t* at, int64_t lanes) {
  const int64_t plane = s.h * s.rows.stride, pixels = s.h * s.w;
  vf sums[R][X];
  for (int r = 0; r < R; ++r)
    for (int i = 0; i < X; ++i) sums[r][i] = vf{};
  for (int64_t q = 0; q < s.taps; ++q) {
    const float* weights = affinity + q * pixels;
    const float* taps = now + at[q];
    vf weight[X];
    for (int i = 0; i < X; ++i) {
      weight[i] = X > 1 || lanes == kLanes ? load(weights + i * kLanes) : load_part(weights, lanes);
    }
    for (int r = 0; r < R; ++r)
      for (int i = 0; i < X; ++i)
        sums[r][i] = fma(weight[i], load(taps + r * plane + i * kLanes), sums[r][i]);
  }
  for (int r = 0; r < R; ++r)
    for (int i = 0; i < X; ++i) store(next + r * plane + at[s.taps] + i * kLanes, sums[r][i]);
}

template <int R>
inline void step_classes(const Step& s, int64_t first, int64_t y, const int64_t* at) {
  const int64_t plane = s.h * s.rows.stride;
  const float* now = s.now + first * plane;
  float* next = s.next + first * plane;
  const float* affinity = s.affinity + y * s.w;
  int64_t x = 0;
  for (; x + kBlock * kLanes <= s.w; x += kBlock * kLanes)
    step_block<R, kBlock>(s, now + x, next + x, affinity + x, at, kLanes * kBlock);
  for (; x < s.w; x += kLanes)
    step_block<R, 1>(s, now + x, next + x, affinity + x, at, lesser(kLanes, s.w - x));
  for (int r = 0; r < R; ++r) s.rows.extend(next + r * plane + y * s.rows.stride);
}

void step_row(const Step& s, int64_t y, const int64_t* at) {
  int64_t k = 0;
  for (; k + kClasses <= s.classes; k += kClasses) step_classes<kClasses>(s, k, y, at);
  switch (s.classes - k) {
    case 3: step_classes<3>(s, k, y, at); break;
    case 2: step_classes<2>(s, k, y, at); break;
    case 1: step_classes<1>(s, k, y, at); break;
    default: break;
  }
}

void copy_row(const float* source, float* target, int64_t n) {
  for (int64_t i = 0; i < n; ++i) target[i] = source[i];
}

}  // namespace

void pamr_steps(const float* affinity, int64_t h, int64_t w, const int32_t* dilations,
                int64_t dilation_count, int64_t iterations, const float* maps, int64_t n,
                const int32_t* offsets, float* out) {
  if (h == 0 || w == 0) return;
  const PaddedRows rows(w, dilations, dilation_count);
  const int64_t taps = kWindow * dilation_count, plane = h * rows.stride;
  int64_t most = 0;
  for (int64_t b = 0; b < n; ++b) {
    const int64_t classes = offsets[b + 1] - offsets[b];
    most = classes > most ? classes : most;
  }
  Scratch<float> front(most * plane), back(most * plane);
  Scratch<int64_t> at(h * (taps + 1));
  for (int64_t y = 0; y < h; ++y) {
    rows.locate(y, h, dilations, dilation_count, at.get() + y * (taps + 1));
  }
  /* One image after the other: its affinities then stay in the cache from step to step. */
  for (int64_t b = 0; b < n; ++b) {
    const int64_t classes = offsets[b + 1] - offsets[b];
    const float* source = maps + offsets[b] * h * w;
    float* target = out + offsets[b] * h * w;
    float* now = front.get();
    float* next = back.get();
    parallel_for(h, [&](int64_t y) {
      for (int64_t k = 0; k < classes; ++k) {
        float* row = now + k * plane + y * rows.stride;
        copy_row(source + (k * h + y) * w, row + rows.pad, w);
        rows.extend(row);
      }
    });
    for (int64_t step = 0; step < iterations; ++step) {
      const Step s{affinity + b * taps * h * w, h, w, taps, now, next, classes, rows};
      parallel_for(h, [&](int64_t y) { step_row(s, y, at.get() + y * (taps + 1)); });
      float* swap = now;
      now = next;
      next = swap;
    }
    parallel_for(h, [&](int64_t y) {
      for (int64_t k = 0; k < classes; ++k) {
        copy_row(now + k * plane + y * rows.stride + rows.pad, target + (k * h + y) * w, w);
      }
    });
  }
}

}  // namespace WISP_TIER
}  // namespace wisp
