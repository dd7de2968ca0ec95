/*
 * Losses over pairs of nearby positions and the straight paths between them, of the SPI's IrnOps
 * (IRN, Ahn, Cho and Kwak, CVPR 2019; method.md section 10).
 *
 * A path is offsets (dy, dx) from a source: its first leads to the destination, its last is (0, 0).
 * Sources are the positions from which every path stays in the map: rows 0 .. h - margin - 1,
 * columns margin .. w - margin - 1. A pair whose labels are both in 0 .. classes is
 * background-positive (both 0), foreground-positive (equal, not 0) or negative.
 *
 * Nothing of the size pairs times positions is stored. Losses: a thread for each source runs over
 * its paths. Gradients: a thread for each position gathers what the pairs through it give, in
 * ascending path, so that there are no atomics and the same bits every run. All sums are in double.
 *
 * Common to all: block (256, 1, 1), no dynamic shared memory; maps [n, h, w]; grid.y is the image,
 * at most 65535. Radius 10 has 152 paths of 9 offsets on average. For 16 maps of 128 x 128 on a
 * Titan RTX (16.3 TFLOP/s, 255 G doubles/s): the affinity loss reads 3.6 G boundaries from the L1
 * cache, compares as many and takes 40 M logarithms, some 0.5 ms; its gradient leaves a path at the
 * first value above the position's own, about as much again; displacements are 600 M operations in
 * double, 2.4 ms each way.
 *
 * Versions considered: storing where each path is highest spares the gradient's search and moves 5
 * MB a map; a tile of boundaries in shared memory wants a halo of 9 on three sides. No run on a GPU
 * has been made.
 */

namespace {

constexpr int kBlock = 256;
constexpr unsigned kAll = 0xffffffffu;
constexpr float kLogEps = 1e-5f;

/* Kinds of pairs, and the places of their sums. */
constexpr int kBackground = 0, kForeground = 1, kNegative = 2, kNone = 3;
constexpr int kKinds = 3;

/* The maps of one image and the paths in them. */
struct Pairs {
  const int* label;
  const int* offsets;
  const int2* coordinates;
  int h, w, margin, paths, classes;

  /* Whether a position is a source. */
  __device__ bool source(int y, int x) const {
    return y >= 0 && y < h - margin && x >= margin && x < w - margin;
  }

  __device__ int kind(int a, int b) const {
    if (a < 0 || a > classes || b < 0 || b > classes) return kNone;
    return a != b ? kNegative : a == 0 ? kBackground : kForeground;
  }

  /* Of the pair of source (y, x) on a path. */
  __device__ int kind(int y, int x, int path) const {
    const int2 to = end(path);
    return kind(label[y * w + x], label[(y + to.x) * w + x + to.y]);
  }

  /* The destination's offset: x holds dy, y holds dx. */
  __device__ int2 end(int path) const { return coordinates[offsets[path]]; }
};

/* The maps of image blockIdx.y. */
__device__ inline Pairs pairs_of(const int* label, const int* offsets, const int* coordinates,
                                 int h, int w, int margin, int paths, int classes) {
  return {label + static_cast<long long>(blockIdx.y) * h * w,
          offsets,
          reinterpret_cast<const int2*>(coordinates),
          h,
          w,
          margin,
          paths,
          classes};
}

/* A NaN is the largest. */
__device__ inline bool above(float a, float b) { return a > b || (a != a && b == b); }

/* The largest boundary on a path. */
__device__ inline float highest(const Pairs& pairs, const float* boundary, int y, int x,
                                int path) {
  float best = 0.0f;
  for (int k = pairs.offsets[path]; k < pairs.offsets[path + 1]; ++k) {
    const int2 at = pairs.coordinates[k];
    const float value = boundary[(y + at.x) * pairs.w + x + at.y];
    if (k == pairs.offsets[path] || above(value, best)) best = value;
  }
  return best;
}

/*
 * What a pair's logarithm is taken of, a + 1e-5 or 1 + 1e-5 - a with a = 1 - boundary: exact but
 * for two roundings in float32, since the ones of the negative cancel.
 */
__device__ inline float inside(int kind, float boundary) {
  return kind == kNegative ? boundary + kLogEps : (1.0f - boundary) + kLogEps;
}

/* One source's three sums. */
struct Sums {
  double of[kKinds];
};

__device__ inline void count_pairs(const Pairs& pairs, int y, int x, Sums* sums) {
  int count[kKinds] = {0, 0, 0};
  for (int path = 0; path < pairs.paths; ++path) {
    const int kind = pairs.kind(y, x, path);
    /* Compared one by one: an index would put the counters into local memory. */
#pragma unroll
    for (int k = 0; k < kKinds; ++k) count[k] += kind == k ? 1 : 0;
  }
#pragma unroll
  for (int k = 0; k < kKinds; ++k) sums->of[k] += count[k];
}

__device__ inline void affinity_losses(const Pairs& pairs, const float* boundary, int y, int x,
                                       Sums* sums) {
  for (int path = 0; path < pairs.paths; ++path) {
    const int kind = pairs.kind(y, x, path);
    if (kind == kNone) continue;
    const float loss = -logf(inside(kind, highest(pairs, boundary, y, x, path)));
#pragma unroll
    for (int k = 0; k < kKinds; ++k)
      if (kind == k) sums->of[k] += loss;
  }
}

/* How far a pair's displacements, source less destination, are off along one axis. */
__device__ inline double displaced(int kind, float source, float destination, int offset) {
  const double difference = static_cast<double>(source) - destination;
  return kind == kForeground ? difference - offset : difference;
}

__device__ inline void displacement_losses(const Pairs& pairs, const float2* displacement, int y,
                                           int x, Sums* sums) {
  const float2 here = displacement[y * pairs.w + x];
  for (int path = 0; path < pairs.paths; ++path) {
    const int kind = pairs.kind(y, x, path);
    if (kind > kForeground) continue;
    const int2 to = pairs.end(path);
    const float2 there = displacement[(y + to.x) * pairs.w + x + to.y];
    const double loss =
        fabs(displaced(kind, here.x, there.x, to.x)) + fabs(displaced(kind, here.y, there.y, to.y));
#pragma unroll
    for (int k = 0; k < kNegative; ++k)
      if (kind == k) sums->of[k] += loss;
  }
}

/* sign(0) = 0, and NaN stays NaN. */
__device__ inline double sign(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }

__device__ inline double block_sum(double value, double* part) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(kAll, value, step);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (lane == 0) part[warp] = value;
  __syncthreads();
  if (warp == 0) {
    value = lane < kBlock / 32 ? part[lane] : 0.0;
    for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(kAll, value, step);
  }
  return value;
}

/*
 * Adds term(y, x, sums) over a piece of an image's positions that are sources, a position a thread,
 * and stores the sums of the block.
 */
template <class Term>
__device__ inline void sum_piece(const Pairs& pairs, double* sums, const Term& term) {
  __shared__ double part[kKinds][kBlock / 32];
  const int p = blockIdx.x * kBlock + threadIdx.x, y = p / pairs.w, x = p - y * pairs.w;
  Sums own = {{0, 0, 0}};
  if (pairs.source(y, x)) term(y, x, &own);
  double* to = sums + (static_cast<long long>(blockIdx.y) * gridDim.x + blockIdx.x) * kKinds;
#pragma unroll
  for (int k = 0; k < kKinds; ++k) {
    const double total = block_sum(own.of[k], part[k]);
    if (threadIdx.x == 0) to[k] = total;
  }
}

/* The same by one thread: position after position of a piece, `pieces` of them an image. */
template <class Term>
__device__ inline void sum_piece_naive(const Pairs& pairs, double* sums, int pieces,
                                       const Term& term) {
  const int piece = blockIdx.x * kBlock + threadIdx.x;
  if (piece >= pieces) return;
  Sums own = {{0, 0, 0}};
  for (int p = piece * kBlock; p < (piece + 1) * kBlock; ++p) {
    const int y = p / pairs.w, x = p - y * pairs.w;
    if (pairs.source(y, x)) term(y, x, &own);
  }
  double* to = sums + (static_cast<long long>(blockIdx.y) * pieces + piece) * kKinds;
#pragma unroll
  for (int k = 0; k < kKinds; ++k) to[k] = own.of[k];
}

}  // namespace

/*
 * wisp_pair_counts: pairs of each kind of each piece of 256 positions.
 *
 *   label        const int*  [n, h, w], in
 *   offsets      const int*  [paths + 1], in: first coordinate of each path, ascending
 *   coordinates  const int*  [.., 2], in: (dy, dx) of every path's offsets
 *   sums         double*     [n, pieces, 3], out, pieces = ceil(h w / 256)
 *   h, w         int         h w below 2^31 - 256
 *   margin       int         farthest reach of a path along an axis
 *   paths, classes  int
 *
 * Grid (pieces, n, 1). wisp_pair_counts_naive, a thread for each piece: grid (ceil(pieces / 256),
 * n, 1). 4 bytes a position; 10 operations a pair. Bound: operations.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_pair_counts(const int* __restrict__ label, const int* __restrict__ offsets,
                     const int* __restrict__ coordinates, double* __restrict__ sums, int h, int w,
                     int margin, int paths, int classes) {
  const Pairs pairs = pairs_of(label, offsets, coordinates, h, w, margin, paths, classes);
  sum_piece(pairs, sums, [&](int y, int x, Sums* own) { count_pairs(pairs, y, x, own); });
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_pair_counts_naive(const int* __restrict__ label, const int* __restrict__ offsets,
                           const int* __restrict__ coordinates, double* __restrict__ sums, int h,
                           int w, int margin, int paths, int classes) {
  const Pairs pairs = pairs_of(label, offsets, coordinates, h, w, margin, paths, classes);
  sum_piece_naive(pairs, sums, (h * w + kBlock - 1) / kBlock,
                  [&](int y, int x, Sums* own) { count_pairs(pairs, y, x, own); });
}

/*
 * wisp_path_affinity: the losses of each piece, kind by kind: -log(a + 1e-5) of a positive pair,
 * -log(1 + 1e-5 - a) of a negative one, a = 1 - the largest boundary on the path.
 *
 *   boundary     const float*  [n, h, w], in, in 0..1
 *   label, offsets, coordinates, sums, h, w, margin, paths, classes  as wisp_pair_counts
 *
 * Grid as wisp_pair_counts; so wisp_path_affinity_naive. 8 bytes a position; 2 operations an offset
 * of a path, 25 a pair. Bound: operations.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_path_affinity(const float* __restrict__ boundary, const int* __restrict__ label,
                       const int* __restrict__ offsets, const int* __restrict__ coordinates,
                       double* __restrict__ sums, int h, int w, int margin, int paths,
                       int classes) {
  const Pairs pairs = pairs_of(label, offsets, coordinates, h, w, margin, paths, classes);
  const float* map = boundary + static_cast<long long>(blockIdx.y) * h * w;
  sum_piece(pairs, sums, [&](int y, int x, Sums* own) { affinity_losses(pairs, map, y, x, own); });
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_path_affinity_naive(const float* __restrict__ boundary, const int* __restrict__ label,
                             const int* __restrict__ offsets, const int* __restrict__ coordinates,
                             double* __restrict__ sums, int h, int w, int margin, int paths,
                             int classes) {
  const Pairs pairs = pairs_of(label, offsets, coordinates, h, w, margin, paths, classes);
  const float* map = boundary + static_cast<long long>(blockIdx.y) * h * w;
  sum_piece_naive(pairs, sums, (h * w + kBlock - 1) / kBlock,
                  [&](int y, int x, Sums* own) { affinity_losses(pairs, map, y, x, own); });
}

/*
 * wisp_path_affinity_backward: the weighted losses' gradient. A pair gives weight / (a + 1e-5), or
 * -weight / (1 + 1e-5 - a) if negative, to the first largest boundary on its path (a NaN is the
 * largest).
 *
 *   boundary, label, offsets, coordinates, h, w, margin, paths, classes  as wisp_path_affinity
 *   d_boundary   float*        [n, h, w], out
 *   background, foreground, negative  float, the weights
 *
 * Grid (ceil(h w / 256), n, 1). 12 bytes a position; a comparison or a few for each offset of each
 * path, 12 operations a pair. Bound: operations. No naive sibling: a thread looks at each path
 * through its position, one after another.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_path_affinity_backward(const float* __restrict__ boundary, const int* __restrict__ label,
                                const int* __restrict__ offsets,
                                const int* __restrict__ coordinates,
                                float* __restrict__ d_boundary, int h, int w, int margin,
                                int paths, int classes, float background, float foreground,
                                float negative) {
  const int p = blockIdx.x * kBlock + threadIdx.x, y = p / w, x = p - y * w;
  if (p >= h * w) return;
  const Pairs pairs = pairs_of(label, offsets, coordinates, h, w, margin, paths, classes);
  const float* map = boundary + static_cast<long long>(blockIdx.y) * h * w;
  const float own = map[p];
  /* What a pair of each kind gives whose largest is this position. */
  const double empty = background / inside(kBackground, own);
  const double alike = foreground / inside(kForeground, own);
  const double apart = -negative / inside(kNegative, own);
  double total = 0;
  for (int path = 0; path < paths; ++path) {
    const int begin = offsets[path], end = offsets[path + 1];
    for (int k = begin; k < end; ++k) {
      const int2 at = pairs.coordinates[k];
      const int sy = y - at.x, sx = x - at.y;
      if (!pairs.source(sy, sx)) continue;
      const int kind = pairs.kind(sy, sx, path);
      if (kind == kNone) continue;
      /* The first largest: above all before it, and none behind it is above. */
      bool first = true;
      for (int j = begin; j < end && first; ++j) {
        const int2 other = pairs.coordinates[j];
        const float value = map[(sy + other.x) * w + sx + other.y];
        first = j < k ? above(own, value) : !above(value, own);
      }
      if (!first) continue;
      total += kind == kNegative ? apart : kind == kForeground ? alike : empty;
    }
  }
  d_boundary[static_cast<long long>(blockIdx.y) * h * w + p] = static_cast<float>(total);
}

/*
 * wisp_displacement: the losses of each piece; the third sum of each piece is 0. With (p_y, p_x)
 * the source's displacement less the destination's, a foreground-positive pair loses |p_y - dy| +
 * |p_x - dx|, a background-positive one |p_y| + |p_x|.
 *
 *   displacement  const float2*  [n, h, w], in: y, then x
 *   label, offsets, coordinates, sums, h, w, margin, paths, classes  as wisp_pair_counts
 *
 * Grid as wisp_pair_counts; so wisp_displacement_naive. 12 bytes a position; 12 operations in
 * double a positive pair. Bound: doubles.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_displacement(const float2* __restrict__ displacement, const int* __restrict__ label,
                      const int* __restrict__ offsets, const int* __restrict__ coordinates,
                      double* __restrict__ sums, int h, int w, int margin, int paths,
                      int classes) {
  const Pairs pairs = pairs_of(label, offsets, coordinates, h, w, margin, paths, classes);
  const float2* map = displacement + static_cast<long long>(blockIdx.y) * h * w;
  sum_piece(pairs, sums,
            [&](int y, int x, Sums* own) { displacement_losses(pairs, map, y, x, own); });
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_displacement_naive(const float2* __restrict__ displacement, const int* __restrict__ label,
                            const int* __restrict__ offsets, const int* __restrict__ coordinates,
                            double* __restrict__ sums, int h, int w, int margin, int paths,
                            int classes) {
  const Pairs pairs = pairs_of(label, offsets, coordinates, h, w, margin, paths, classes);
  const float2* map = displacement + static_cast<long long>(blockIdx.y) * h * w;
  sum_piece_naive(pairs, sums, (h * w + kBlock - 1) / kBlock,
                  [&](int y, int x, Sums* own) { displacement_losses(pairs, map, y, x, own); });
}

/*
 * wisp_displacement_backward: the weighted losses' gradient, of each position as a source and as a
 * destination of its positive pairs.
 *
 *   displacement, label, offsets, coordinates, h, w, margin, paths, classes  as wisp_displacement
 *   d_displacement  float2*  [n, h, w], out
 *   background, foreground   float, the weights
 *
 * Grid (ceil(h w / 256), n, 1). 20 bytes a position; 10 operations in double for each end of a
 * positive pair. Bound: doubles. No naive sibling: a thread adds its position's pairs, path after
 * path.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_displacement_backward(const float2* __restrict__ displacement,
                               const int* __restrict__ label, const int* __restrict__ offsets,
                               const int* __restrict__ coordinates,
                               float2* __restrict__ d_displacement, int h, int w, int margin,
                               int paths, int classes, float background, float foreground) {
  const int p = blockIdx.x * kBlock + threadIdx.x, y = p / w, x = p - y * w;
  if (p >= h * w) return;
  const Pairs pairs = pairs_of(label, offsets, coordinates, h, w, margin, paths, classes);
  const float2* map = displacement + static_cast<long long>(blockIdx.y) * h * w;
  const float2 here = map[p];
  double down = 0, across = 0;
  for (int path = 0; path < paths; ++path) {
    const int2 to = pairs.end(path);
    for (const bool source : {true, false}) {
      const int sy = source ? y : y - to.x, sx = source ? x : x - to.y;
      if (!pairs.source(sy, sx)) continue;
      const int kind = pairs.kind(sy, sx, path);
      if (kind > kForeground) continue;
      const float2 other = map[source ? (y + to.x) * w + x + to.y : sy * w + sx];
      const float2 from = source ? here : other, end = source ? other : here;
      const double weight = (source ? 1.0 : -1.0) * (kind == kForeground ? foreground : background);
      down += weight * sign(displaced(kind, from.x, end.x, to.x));
      across += weight * sign(displaced(kind, from.y, end.y, to.y));
    }
  }
  d_displacement[static_cast<long long>(blockIdx.y) * h * w + p] =
      make_float2(static_cast<float>(down), static_cast<float>(across));
}

/*
 * wisp_pair_totals: totals[b, t] = the sum over pieces of sums[b, piece, t], in ascending order.
 *
 *   sums    const double*  [n, pieces, 3], in
 *   totals  float*         [n, terms], out
 *   n       long long
 *   pieces  int
 *   terms   int            1 to 3
 *
 * Grid (ceil(n terms / 256), 1, 1). 8 bytes, 1 operation a sum. No naive sibling: a thread adds one
 * total.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_pair_totals(const double* __restrict__ sums, float* __restrict__ totals, long long n,
                     int pieces, int terms) {
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x, image = i / terms;
  if (image >= n) return;
  double total = 0;
  for (int piece = 0; piece < pieces; ++piece)
    total += sums[(image * pieces + piece) * kKinds + (i - image * terms)];
  totals[i] = static_cast<float>(total);
}
