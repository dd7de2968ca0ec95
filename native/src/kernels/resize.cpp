#include "kernels.h"
#include "kernels/bilinear.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

void copy_channels(const float* source, float* target, int64_t positions, int64_t c, int64_t out_c,
                   int64_t offset) {
  parallel_ranges(positions, kStreamGrain / c + 1, [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const float* from = source + p * c;
      float* to = target + p * out_c + offset;
      for (int64_t k = 0; k < c; ++k) to[k] = from[k];
    }
  });
}

/* One output row with at least a vector of channels: vectors run along the channels. */
void wide_row(const float* top, const float* bottom, float ty, const Tap* taps, int64_t out_w,
              int64_t c, float* to, int64_t out_c) {
  for (int64_t x = 0; x < out_w; ++x, to += out_c) {
    const Tap tap = taps[x];
    const float *a = top + tap.low * c, *b = top + tap.high * c;
    const float *d = bottom + tap.low * c, *e = bottom + tap.high * c;
    const vf tx = splat(tap.t), tv = splat(ty);
    int64_t k = 0;
    for (; k + kLanes <= c; k += kLanes)
      store(to + k,
            mix(mix(load(a + k), load(b + k), tx), mix(load(d + k), load(e + k), tx), tv));
    for (; k < c; ++k) to[k] = mix(mix(a[k], b[k], tap.t), mix(d[k], e[k], tap.t), ty);
  }
}

/* One output row of few channels: the two source rows are mixed first, as vectors. */
void narrow_row(const float* top, const float* bottom, float ty, const Tap* taps, int64_t in_w,
                int64_t out_w, int64_t c, float* to, int64_t out_c, float* mixed) {
  for (int64_t i = 0; i < in_w * c; ++i) mixed[i] = mix(top[i], bottom[i], ty);
  for (int64_t x = 0; x < out_w; ++x) {
    const Tap tap = taps[x];
    for (int64_t k = 0; k < c; ++k)
      to[x * out_c + k] = mix(mixed[tap.low * c + k], mixed[tap.high * c + k], tap.t);
  }
}

}  // namespace

void resize_bilinear(const float* source, float* target, int64_t n, int64_t in_h, int64_t in_w,
                     int64_t c, int64_t out_h, int64_t out_w, int64_t out_c, int64_t offset,
                     int32_t align_corners) {
  if (in_h == out_h && in_w == out_w) {
    copy_channels(source, target, n * in_h * in_w, c, out_c, offset);
    return;
  }
  Scratch<Tap> rows(out_h), columns(out_w);
  fill_taps(rows.get(), in_h, out_h, align_corners);
  fill_taps(columns.get(), in_w, out_w, align_corners);
  const bool narrow = c < kLanes;
  const int64_t row_length = in_w * c;
  Scratch<float> mixed(narrow ? row_length * threads() : 0);
  const Tap *down = rows.get(), *across = columns.get();
  float* mixed_rows = mixed.get();
  /* Several rows a task: a planar map's row alone is too little work. */
  const int64_t grain = kStreamGrain / (out_w * c) + 1;
  parallel_workers(block_count(n * out_h, grain), [=](int worker, int64_t block) {
    for (int64_t r = block * grain; r < lesser((block + 1) * grain, n * out_h); ++r) {
      const Tap tap = down[r % out_h];
      const float* image = source + r / out_h * in_h * row_length;
      const float *top = image + tap.low * row_length, *bottom = image + tap.high * row_length;
      float* to = target + r * out_w * out_c + offset;
      if (narrow)
        narrow_row(top, bottom, tap.t, across, in_w, out_w, c, to, out_c,
                   mixed_rows + worker * row_length);
      else
        wide_row(top, bottom, tap.t, across, out_w, c, to, out_c);
    }
  });
}

void resize_bilinear_backward(const float* d_target, float* d_source, int64_t n, int64_t in_h,
                              int64_t in_w, int64_t c, int64_t out_h, int64_t out_w, int64_t out_c,
                              int64_t offset, int32_t align_corners) {
  const int64_t row_length = in_w * c;
  if (in_h == out_h && in_w == out_w) {
    parallel_ranges(n * in_h * in_w, kStreamGrain / c + 1, [=](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        for (int64_t k = 0; k < c; ++k) d_source[p * c + k] = d_target[p * out_c + offset + k];
    });
    return;
  }
  Scratch<Tap> rows(out_h), columns(out_w);
  fill_taps(rows.get(), in_h, out_h, align_corners);
  fill_taps(columns.get(), in_w, out_w, align_corners);
  const Tap *down = rows.get(), *across = columns.get();
  /* Each task gathers one source row from the target rows that read it, in ascending order. */
  parallel_for(n * in_h, [=](int64_t r) {
    const int64_t y = r % in_h, image = r / in_h;
    float* to = d_source + r * row_length;
    for (int64_t i = 0; i < row_length; ++i) to[i] = 0;
    for (int64_t oy = 0; oy < out_h; ++oy) {
      const Tap tap = down[oy];
      const float weight = (tap.low == y ? 1 - tap.t : 0.0f) + (tap.high == y ? tap.t : 0.0f);
      if (tap.low > y) break;
      if (tap.low != y && tap.high != y) continue;
      const float* from = d_target + (image * out_h + oy) * out_w * out_c + offset;
      for (int64_t ox = 0; ox < out_w; ++ox, from += out_c) {
        const float high = weight * across[ox].t, low = weight - high;
        float* left = to + across[ox].low * c;
        float* right = to + across[ox].high * c;
        for (int64_t k = 0; k < c; ++k) left[k] += low * from[k];
        for (int64_t k = 0; k < c; ++k) right[k] += high * from[k];
      }
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
