/* Bilinear interpolation: where an output coordinate reads, and how two values mix. */
#ifndef WISP_BILINEAR_H
#define WISP_BILINEAR_H

#include "simd.h"

namespace wisp {
namespace WISP_TIER {

/* Where an output coordinate reads along one axis: low + t (high - low), t in [0, 1]. */
struct Tap {
  int64_t low, high;
  float t;
};

static inline void fill_taps(Tap* taps, int64_t in, int64_t out, int32_t align_corners) {
  const float scale = align_corners
                          ? (out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1) : 0)
                          : static_cast<float>(in) / static_cast<float>(out);
  for (int64_t o = 0; o < out; ++o) {
    float at = align_corners ? static_cast<float>(o) * scale
                             : (static_cast<float>(o) + 0.5f) * scale - 0.5f;
    if (!(at > 0)) at = 0;
    int64_t low = static_cast<int64_t>(at);
    if (low > in - 1) low = in - 1;
    const float t = at - static_cast<float>(low);
    /* With t = 0 the next value is not read: it may be NaN. */
    taps[o] = {low, t > 0 && low + 1 < in ? low + 1 : low, t < 1 ? t : 1.0f};
  }
}

/* a + t (b - a): equal ends give that value exactly, whatever t. */
static inline vf mix(vf a, vf b, vf t) { return a + t * (b - a); }
static inline float mix(float a, float b, float t) { return a + t * (b - a); }

}  // namespace WISP_TIER
}  // namespace wisp

#endif
