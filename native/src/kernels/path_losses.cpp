#include "kernels.h"
#include "kernels/paths.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Kinds of pairs, and the places of their sums. */
constexpr int kBackground = 0, kForeground = 1, kNegative = 2, kNone = 3;

constexpr double kLogEps = 1e-5;

/* Paths are shared out in so many parts an image; a size of its own, so that results keep. */
constexpr int64_t kParts = 4;

/* A batch of maps and the pairs in them. */
struct Pairs {
  const int32_t* label;
  int64_t n, h, w, margin;
  Paths paths;
  int32_t classes;

  int64_t rows() const { return h > margin ? h - margin : 0; }
  int64_t columns() const { return w > 2 * margin ? w - 2 * margin : 0; }

  int kind(int32_t a, int32_t b) const {
    if (a < 0 || a > classes || b < 0 || b > classes) return kNone;
    return a != b ? kNegative : a == 0 ? kBackground : kForeground;
  }
};

/*
 * Runs `sum(part, path, row, sums, gradient)` for every path and every row of sources: `row` is the
 * position of its first source in the batch, sums [terms] and gradient (of the part's image, `width`
 * values a position, or null) are the part's own. Then adds the parts in order.
 */
template <class Sum>
void sum_pairs(const Pairs& pairs, int64_t terms, int64_t width, float* losses, float* gradient,
               const Sum& sum) {
  const int64_t parts = lesser(kParts, pairs.paths.count), plane = pairs.h * pairs.w * width;
  Scratch<double> partial(pairs.n * parts * terms);
  Scratch<double> slopes(gradient ? pairs.n * parts * plane : 0);
  double* sums = partial.get();
  double* all = slopes.get();
  parallel_for(pairs.n * parts, [&, sums, all](int64_t part) {
    double* own = sums + part * terms;
    double* slope = gradient ? all + part * plane : nullptr;
    for (int64_t t = 0; t < terms; ++t) own[t] = 0;
    for (int64_t i = 0; slope && i < plane; ++i) slope[i] = 0;
    for (int64_t path = part % parts; path < pairs.paths.count; path += parts)
      for (int64_t y = 0; y < pairs.rows(); ++y)
        sum(part, path, (part / parts * pairs.h + y) * pairs.w + pairs.margin, own,
            slope ? slope + (y * pairs.w + pairs.margin) * width : nullptr);
  });
  for (int64_t i = 0; i < pairs.n * terms; ++i) {
    double total = 0;
    for (int64_t p = 0; p < parts; ++p)
      total += sums[(i / terms * parts + p) * terms + i % terms];
    losses[i] = static_cast<float>(total);
  }
  if (!gradient) return;
  parallel_ranges(pairs.n * plane, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double total = 0;
      for (int64_t p = 0; p < parts; ++p) total += all[(i / plane * parts + p) * plane + i % plane];
      gradient[i] = static_cast<float>(total);
    }
  });
}

/* Sum of logarithms: products of a few factors share one logarithm. */
class LogSum {
 public:
  void add(double factor) {
    product_ *= factor >= 0 ? factor : __builtin_nan("");
    if (++count_ == 16) flush();
  }

  double total() {
    flush();
    return sum_;
  }

 private:
  void flush() {
    if (count_ > 0) sum_ += __builtin_log(product_);
    product_ = 1;
    count_ = 0;
  }

  double sum_ = 0, product_ = 1;
  int count_ = 0;
};

}  // namespace

void pair_counts(const int32_t* label, int64_t n, int64_t h, int64_t w, int64_t radius,
                 const int32_t* path_offsets, const int32_t* path_coordinates, int64_t paths,
                 int32_t classes, float* counts) {
  const Pairs pairs{label, n, h, w, radius - 1, {path_offsets, path_coordinates, paths}, classes};
  sum_pairs(pairs, 3, 0, counts, nullptr,
            [&](int64_t, int64_t path, int64_t row, double* sums, double*) {
              const int32_t* from = label + row;
              const int32_t* to = from + pairs.paths.shift(pairs.paths.begin(path), w);
              int64_t found[4] = {0, 0, 0, 0};
              for (int64_t x = 0; x < pairs.columns(); ++x) ++found[pairs.kind(from[x], to[x])];
              for (int k = 0; k < 3; ++k) sums[k] += static_cast<double>(found[k]);
            });
}

void path_affinity_loss(const float* boundary, const int32_t* label, int64_t n, int64_t h,
                        int64_t w, int64_t radius, const int32_t* path_offsets,
                        const int32_t* path_coordinates, int64_t paths, int32_t classes,
                        const float* weights, float* losses, float* d_boundary) {
  const Pairs pairs{label, n, h, w, radius - 1, {path_offsets, path_coordinates, paths}, classes};
  const int64_t columns = pairs.columns(), buffer = whole_vectors(columns);
  const int64_t parts = n * lesser(kParts, paths);
  Scratch<float> values(parts * buffer);
  Scratch<int32_t> places(parts * buffer);
  float* all_highest = values.get();
  int32_t* all_which = places.get();
  sum_pairs(pairs, 3, 1, losses, d_boundary,
            [&](int64_t part, int64_t path, int64_t row, double* sums, double* slopes) {
              float* highest = all_highest + part * buffer;
              int32_t* which = all_which + part * buffer;
              path_maxima(boundary + row, w, pairs.paths, path, columns, highest, which);
              const int64_t begin = pairs.paths.begin(path);
              const int32_t* from = label + row;
              const int32_t* to = from + pairs.paths.shift(begin, w);
              LogSum logs[3];
              for (int64_t x = 0; x < columns; ++x) {
                const int kind = pairs.kind(from[x], to[x]);
                if (kind == kNone) continue;
                const double affinity = 1 - static_cast<double>(highest[x]);
                const double inside =
                    kind == kNegative ? 1 + kLogEps - affinity : affinity + kLogEps;
                logs[kind].add(inside);
                if (slopes) {
                  const double slope = weights[kind] / inside;
                  slopes[x + pairs.paths.shift(begin + which[x], w)] +=
                      kind == kNegative ? -slope : slope;
                }
              }
              for (int k = 0; k < 3; ++k) sums[k] -= logs[k].total();
            });
}

void displacement_loss(const float* displacement, const int32_t* label, int64_t n, int64_t h,
                       int64_t w, int64_t radius, const int32_t* path_offsets,
                       const int32_t* path_coordinates, int64_t paths, int32_t classes,
                       const float* weights, float* losses, float* d_displacement) {
  const Pairs pairs{label, n, h, w, radius - 1, {path_offsets, path_coordinates, paths}, classes};
  sum_pairs(pairs, 2, 2, losses, d_displacement,
            [&](int64_t, int64_t path, int64_t row, double* sums, double* slopes) {
              const int64_t shift = pairs.paths.shift(pairs.paths.begin(path), w);
              const int32_t* from = label + row;
              const double offset[2] = {static_cast<double>(pairs.paths.dy(path)),
                                        static_cast<double>(pairs.paths.dx(path))};
              for (int64_t x = 0; x < pairs.columns(); ++x) {
                const int kind = pairs.kind(from[x], from[x + shift]);
                if (kind > kForeground) continue;
                const float* source = displacement + (row + x) * 2;
                for (int axis = 0; axis < 2; ++axis) {
                  const double difference =
                      static_cast<double>(source[axis]) - source[2 * shift + axis];
                  const double off = kind == kForeground ? difference - offset[axis] : difference;
                  sums[kind] += __builtin_fabs(off);
                  if (slopes) {
                    const double sign = off > 0 ? 1 : off < 0 ? -1 : off;
                    slopes[2 * x + axis] += weights[kind] * sign;
                    slopes[2 * (x + shift) + axis] -= weights[kind] * sign;
                  }
                }
              }
            });
}

}  // namespace WISP_TIER
}  // namespace wisp
