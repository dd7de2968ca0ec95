#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

inline int64_t pooled(int64_t size) { return size > 0 ? (size - 1) / 2 + 1 : 0; }

/* Whether v beats the best so far: larger, or the first NaN. */
inline bool beats(float v, float best) { return v > best || (v != v && best == best); }

/* One tap of a window: the channels where it beats the best so far take its value and position. */
void offer(const float* from, int32_t position, float* best, int32_t* at, int64_t c) {
  int64_t k = 0;
  const vi here = position - vi{};
  for (; k + kLanes <= c; k += kLanes) {
    const vf v = load(from + k), b = load(best + k);
    const vi wins = (v > b) | ((v != v) & (b == b));
    store(best + k, wins ? v : b);
    if (at) store(at + k, wins ? here : load(at + k));
  }
  for (; k < c; ++k)
    if (beats(from[k], best[k])) {
      best[k] = from[k];
      if (at) at[k] = position;
    }
}

}  // namespace

void max_pool(const float* x, float* y, int32_t* index, int64_t n, int64_t h, int64_t w,
              int64_t c) {
  const int64_t out_h = pooled(h), out_w = pooled(w);
  parallel_for(n * out_h, [=](int64_t row) {
    const int64_t image = row / out_h, oy = row % out_h;
    const float* from = x + image * h * w * c;
    const int64_t top = oy > 0 ? 2 * oy - 1 : 0, bottom = lesser(2 * oy + 1, h - 1);
    for (int64_t ox = 0; ox < out_w; ++ox) {
      float* best = y + (row * out_w + ox) * c;
      int32_t* at = index ? index + (row * out_w + ox) * c : nullptr;
      const int64_t left = ox > 0 ? 2 * ox - 1 : 0, right = lesser(2 * ox + 1, w - 1);
      const int32_t corner = static_cast<int32_t>(top * w + left);
      for (int64_t k = 0; k < c; ++k) best[k] = from[corner * c + k];
      if (at)
        for (int64_t k = 0; k < c; ++k) at[k] = corner;
      for (int64_t iy = top; iy <= bottom; ++iy)
        for (int64_t ix = iy == top ? left + 1 : left; ix <= right; ++ix)
          offer(from + (iy * w + ix) * c, static_cast<int32_t>(iy * w + ix), best, at, c);
    }
  });
}

void max_pool_backward(const float* dy, const int32_t* index, float* dx, int64_t n, int64_t h,
                       int64_t w, int64_t c) {
  const int64_t out_h = pooled(h), out_w = pooled(w);
  /* Each task gathers one input row from the (at most two) output rows whose windows hold it. */
  parallel_for(n * h, [=](int64_t row) {
    const int64_t image = row / h, iy = row % h;
    float* to = dx + row * w * c;
    for (int64_t i = 0; i < w * c; ++i) to[i] = 0;
    const int64_t last = lesser((iy + 1) / 2, out_h - 1);
    for (int64_t oy = iy / 2; oy <= last; ++oy) {
      const int64_t begin = (image * out_h + oy) * out_w * c;
      for (int64_t ox = 0; ox < out_w; ++ox)
        for (int64_t k = 0; k < c; ++k) {
          const int64_t ix = index[begin + ox * c + k] - iy * w;
          if (ix >= 0 && ix < w) to[ix * c + k] += dy[begin + ox * c + k];
        }
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
