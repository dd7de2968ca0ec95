/* Straight paths between nearby positions of a map (IRN); see wisp.h. Included by kernels only. */
#ifndef WISP_KERNELS_PATHS_H
#define WISP_KERNELS_PATHS_H

#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* All paths: coordinates [.., 2] hold (dy, dx), a path's first one is its destination. */
struct Paths {
  const int32_t* offsets;
  const int32_t* coordinates;
  int64_t count;

  int64_t begin(int64_t path) const { return offsets[path]; }
  int64_t length(int64_t path) const { return offsets[path + 1] - offsets[path]; }
  int64_t dy(int64_t path) const { return coordinates[2 * begin(path)]; }
  int64_t dx(int64_t path) const { return coordinates[2 * begin(path) + 1]; }
  /* Distance of a coordinate from the source in a map of width w. */
  int64_t shift(int64_t coordinate, int64_t w) const {
    return coordinates[2 * coordinate] * w + coordinates[2 * coordinate + 1];
  }
};

/* Elements of a row buffer that whole vectors may be stored to. */
inline int64_t whole_vectors(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

/*
 * For sources row[0 .. sources - 1] the largest value on one path, a NaN being the largest, and the
 * number of the first coordinate that has it. Both outputs hold whole_vectors(sources) elements.
 */
inline void path_maxima(const float* row, int64_t w, const Paths& paths, int64_t path,
                        int64_t sources, float* highest, int32_t* which) {
  const int64_t begin = paths.begin(path), length = paths.length(path);
  for (int64_t x = 0; x < sources; x += kLanes) {
    const int64_t left = sources - x;
    const float* from = row + x;
    const auto at = [=](int64_t shift) {
      return left >= kLanes ? load(from + shift) : load_part(from + shift, left);
    };
    vf best = at(paths.shift(begin, w));
    vi first{};
    for (int64_t k = 1; k < length; ++k) {
      const vf value = at(paths.shift(begin + k, w));
      const vi wins = (value > best) | ((value != value) & (best == best));
      best = wins ? value : best;
      first = wins ? static_cast<int32_t>(k) - vi{} : first;
    }
    store(highest + x, best);
    store(which + x, first);
  }
}

}  // namespace
}  // namespace WISP_TIER
}  // namespace wisp

#endif
