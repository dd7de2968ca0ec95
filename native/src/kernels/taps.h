/* The neighbours of pixel-adaptive mask refinement and rows padded for them. */
#ifndef WISP_TAPS_H
#define WISP_TAPS_H

#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {

constexpr int kWindow = 8;

/* NW N NE W E SW S SE */
constexpr int kTapRow[kWindow] = {-1, -1, -1, 0, 0, 1, 1, 1};
constexpr int kTapCol[kWindow] = {-1, 0, 1, -1, 1, -1, 0, 1};

/*
 * Rows of w values with every clamped neighbour to the left and right stored, so that a tap is one
 * unaligned load. A step of w - 1 or more reaches the border from everywhere, so the padding is at
 * most that. The right side is filled up to whole vectors.
 */
struct PaddedRows {
  int64_t w, pad, stride;

  PaddedRows(int64_t width, const int32_t* dilations, int64_t count) : w(width), pad(0) {
    for (int64_t i = 0; i < count; ++i) pad = dilations[i] > pad ? dilations[i] : pad;
    pad = lesser(pad, w - 1);
    stride = (w + kLanes - 1) / kLanes * kLanes + 2 * pad;
  }

  /* Repeats the border values of a row whose w values, from row + pad on, are set. */
  void extend(float* row) const {
    const float left = row[pad], right = row[pad + w - 1];
    for (int64_t i = 0; i < pad; ++i) row[i] = left;
    for (int64_t i = pad + w; i < stride; ++i) row[i] = right;
  }

  /*
   * For output row y of a plane of h rows: where the taps of x = 0 lie, relative to the plane, in
   * the order of the affinity; then where the centre lies.
   */
  void locate(int64_t y, int64_t h, const int32_t* dilations, int64_t count, int64_t* at) const {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t dx = lesser(dilations[i], w - 1), dy = lesser(dilations[i], h - 1);
      for (int t = 0; t < kWindow; ++t) {
        int64_t row = y + dy * kTapRow[t];
        row = row < 0 ? 0 : lesser(row, h - 1);
        at[i * kWindow + t] = row * stride + pad + dx * kTapCol[t];
      }
    }
    at[count * kWindow] = y * stride + pad;
  }
};

}  // namespace WISP_TIER
}  // namespace wisp

#endif
