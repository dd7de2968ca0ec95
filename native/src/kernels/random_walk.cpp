#include "kernels.h"
#include "kernels/paths.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

constexpr int kDoubles = kLanes / 2;
typedef double vd __attribute__((vector_size(kDoubles * 8)));

inline vd load(const double* p) {
  vd v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

inline void store(double* p, vd v) { __builtin_memcpy(p, &v, sizeof v); }

/* Maps walked together: an affinity is loaded once for all of them. */
constexpr int kTogether = 4;

/*
 * A map with zeros around it, as wide as paths reach and rows of whole vectors: nothing that leaves
 * the map needs a test. Position (0, 0) is element `origin`.
 */
struct Grid {
  int64_t h, w, stride, size, origin;

  Grid(int64_t h, int64_t w, int64_t margin)
      : h(h),
        w(w),
        stride(whole_vectors(w) + 2 * margin),
        size((h + 2 * margin) * stride),
        origin(margin * stride + margin) {}

  int64_t at(int64_t y, int64_t x) const { return origin + y * stride + x; }
};

/* The transition's weights: affinities [paths, grid] of sources, and 1 / column sum [grid]. */
class Walk {
 public:
  Walk(const Grid& grid, const Paths& paths)
      : grid_(grid), paths_(paths), affinity_(paths.count * grid.size), inverse_(grid.size) {}

  void build(const float* boundary, double beta) {
    const Grid grid = grid_;
    const Paths paths = paths_;
    double* affinity = affinity_.get();
    double* inverse = inverse_.get();
    const int64_t buffer = whole_vectors(grid.w);
    Scratch<float> values(paths.count * buffer);
    Scratch<int32_t> places(paths.count * buffer);
    float* all_highest = values.get();
    int32_t* all_which = places.get();
    parallel_for(paths.count, [=](int64_t path) {
      double* to = affinity + path * grid.size;
      for (int64_t i = 0; i < grid.size; ++i) to[i] = 0;
      const int64_t dy = paths.dy(path), dx = paths.dx(path), left = dx < 0 ? -dx : 0;
      const int64_t sources = grid.w - (dx < 0 ? -dx : dx);
      float* highest = all_highest + path * buffer;
      for (int64_t y = 0; y + dy < grid.h && sources > 0; ++y) {
        path_maxima(boundary + y * grid.w + left, grid.w, paths, path, sources, highest,
                    all_which + path * buffer);
        for (int64_t x = 0; x < sources; ++x)
          to[grid.at(y, left + x)] =
              __builtin_pow(1 - static_cast<double>(highest[x]), beta);
      }
    });
    parallel_for(grid.h, [=](int64_t y) {
      for (int64_t x = 0; x < whole_vectors(grid.w); ++x) {
        const int64_t p = grid.at(y, x);
        double sum = 1;
        for (int64_t path = 0; path < paths.count; ++path) {
          const double* from = affinity + path * grid.size;
          sum += from[p] + from[p - paths.shift(paths.begin(path), grid.stride)];
        }
        inverse[p] = x < grid.w ? 1 / sum : 0;
      }
    });
  }

  /* to = from T for kTogether grids one after the other. */
  void step(const double* from, double* to) {
    const Grid grid = grid_;
    const Paths paths = paths_;
    const double* affinity = affinity_.get();
    const double* inverse = inverse_.get();
    parallel_for(grid.h, [=](int64_t y) {
      for (int64_t x = 0; x < grid.w; x += kDoubles) {
        const int64_t p = grid.at(y, x);
        vd sum[kTogether];
        for (int m = 0; m < kTogether; ++m) sum[m] = load(from + m * grid.size + p);
        for (int64_t path = 0; path < paths.count; ++path) {
          const int64_t shift = paths.shift(paths.begin(path), grid.stride);
          const double* weight = affinity + path * grid.size + p;
          const vd forth = load(weight), back = load(weight - shift);
          for (int m = 0; m < kTogether; ++m) {
            const double* value = from + m * grid.size + p;
            sum[m] += forth * load(value + shift) + back * load(value - shift);
          }
        }
        for (int m = 0; m < kTogether; ++m)
          store(to + m * grid.size + p, sum[m] * load(inverse + p));
      }
    });
  }

 private:
  Grid grid_;
  Paths paths_;
  Scratch<double> affinity_;
  Scratch<double> inverse_;
};

}  // namespace

void random_walk(const float* boundary, const float* maps, int64_t c, int64_t h, int64_t w,
                 int64_t radius, const int32_t* path_offsets, const int32_t* path_coordinates,
                 int64_t paths, float beta, int64_t steps, float* out) {
  if (c == 0 || h == 0 || w == 0) return;
  const Grid grid(h, w, radius - 1);
  Walk walk(grid, Paths{path_offsets, path_coordinates, paths});
  walk.build(boundary, beta);
  Scratch<double> now(2 * kTogether * grid.size);
  for (int64_t first = 0; first < c; first += kTogether) {
    const int64_t count = lesser(kTogether, c - first);
    double* from = now.get();
    double* to = from + kTogether * grid.size;
    for (int64_t i = 0; i < 2 * kTogether * grid.size; ++i) from[i] = 0;
    for (int64_t m = 0; m < count; ++m)
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x)
          from[m * grid.size + grid.at(y, x)] =
              static_cast<double>(maps[((first + m) * h + y) * w + x]) *
              (1 - static_cast<double>(boundary[y * w + x]));
    for (int64_t s = 0; s < steps; ++s) {
      walk.step(from, to);
      double* swap = from;
      from = to;
      to = swap;
    }
    for (int64_t m = 0; m < count; ++m)
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x)
          out[((first + m) * h + y) * w + x] =
              static_cast<float>(from[m * grid.size + grid.at(y, x)]);
  }
}

}  // namespace WISP_TIER
}  // namespace wisp
