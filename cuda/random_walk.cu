/*
 * The random walk of the SPI's IrnOps over a map whose boundaries hold it back (method.md section
 * 10), in double: out = (maps (1 - boundary)) T^steps, T_ij = A_ij / sum_i A_ij, A symmetric with
 * ones on its diagonal, A_ij = (1 - the largest boundary on the path from i to j)^beta.
 *
 * A is sparse: of each position as a source, one affinity for each path (path_losses.cu says what a
 * path is), [paths, h, w]; it never exists as a matrix of positions by positions. A step gathers,
 * so that there are no atomics and the same bits every run.
 *
 * Common to all: block (256, 1, 1), no shared memory; h w below 2^31 - 256. No naive siblings: a
 * thread takes one element, path after path. Bounds on a Titan RTX (672 GB/s, 255 G doubles/s) for
 * 152 paths, 128 x 128 positions and 4 maps: a step reads the affinities, 20 MB, twice, of which
 * the caches hold a part: 60 us; its 304 products and sums of a position and map are 40 M
 * operations, 160 us. 256 steps: 41 ms. Bound: doubles.
 *
 * Versions considered: floats would be 32 times the operations a second on this card, but the
 * operation promises double: T^256 multiplies a relative error of the column sums by 256. One map a
 * thread reads the affinities once for each. No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
/* Maps that a thread of a step walks together: an affinity is loaded once for all of them. */
constexpr int kTogether = 4;

/* A NaN is the largest. */
__device__ inline bool above(float a, float b) { return a > b || (a != a && b == b); }

__device__ inline bool inside(int y, int x, int h, int w) {
  return y >= 0 && y < h && x >= 0 && x < w;
}

}  // namespace

/*
 * wisp_walk_affinities: of each path and source, the affinity with its destination; 0 where the
 * destination lies outside.
 *
 *   boundary     const float*  [h, w], in, in 0..1
 *   offsets      const int*    [paths + 1], in: first coordinate of each path
 *   coordinates  const int2*   [..], in: (dy, dx) of every path's offsets, its destination first
 *   affinity     double*       [paths, h, w], out
 *   h, w, paths  int; paths at most 65535
 *   beta         double
 *
 * Grid (ceil(h w / 256), paths, 1). 4 bytes read an offset, 8 written a pair; a power in double.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_walk_affinities(const float* __restrict__ boundary, const int* __restrict__ offsets,
                         const int2* __restrict__ coordinates, double* __restrict__ affinity,
                         int h, int w, int paths, double beta) {
  const int p = blockIdx.x * kBlock + threadIdx.x, path = blockIdx.y;
  if (p >= h * w || path >= paths) return;
  const int y = p / w, x = p - y * w, begin = offsets[path];
  const int2 to = coordinates[begin];
  double value = 0;
  if (inside(y + to.x, x + to.y, h, w)) {
    float best = boundary[(y + to.x) * w + x + to.y];
    for (int k = begin + 1; k < offsets[path + 1]; ++k) {
      const int2 at = coordinates[k];
      const float next = boundary[(y + at.x) * w + x + at.y];
      if (above(next, best)) best = next;
    }
    value = pow(1 - static_cast<double>(best), beta);
  }
  affinity[static_cast<long long>(path) * h * w + p] = value;
}

/*
 * wisp_walk_inverse: 1 / the sum of a position's affinities in both directions and its own 1.
 *
 *   affinity     const double*  [paths, h, w], in
 *   offsets      const int*     [paths + 1], in
 *   coordinates  const int2*    [..], in
 *   inverse      double*        [h, w], out
 *   h, w, paths  int
 *
 * Grid (ceil(h w / 256), 1, 1). 16 bytes, 2 operations in double a pair.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_walk_inverse(const double* __restrict__ affinity, const int* __restrict__ offsets,
                      const int2* __restrict__ coordinates, double* __restrict__ inverse, int h,
                      int w, int paths) {
  const int p = blockIdx.x * kBlock + threadIdx.x, y = p / w, x = p - y * w;
  if (p >= h * w) return;
  double sum = 1;
  for (int path = 0; path < paths; ++path) {
    const int2 to = coordinates[offsets[path]];
    const double* of = affinity + static_cast<long long>(path) * h * w;
    sum += of[p];
    if (inside(y - to.x, x - to.y, h, w)) sum += of[p - to.x * w - to.y];
  }
  inverse[p] = 1 / sum;
}

/*
 * wisp_walk_start: now[c, p] = maps[c, p] (1 - boundary[p]).
 *
 *   boundary   const float*  [positions], in
 *   maps       const float*  [c, positions], in
 *   now        double*       [c, positions], out
 *   c, positions  long long
 *
 * Grid (ceil(c positions / 256), 1, 1). 16 bytes, 2 operations in double an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_walk_start(const float* __restrict__ boundary, const float* __restrict__ maps,
                    double* __restrict__ now, long long c, long long positions) {
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= c * positions) return;
  now[i] = static_cast<double>(maps[i]) * (1 - static_cast<double>(boundary[i % positions]));
}

/*
 * wisp_walk_step: to = from T, up to four maps a thread.
 *
 *   from         const double*  [c, h, w], in
 *   affinity     const double*  [paths, h, w], in
 *   inverse      const double*  [h, w], in
 *   offsets      const int*     [paths + 1], in
 *   coordinates  const int2*    [..], in
 *   to           double*        [c, h, w], out; does not overlap from
 *   c, h, w, paths  int
 *
 * Grid (ceil(h w / 256), ceil(c / 4), 1). 16 bytes of affinities a pair and four maps, 16 a
 * position and map; 4 operations in double a pair and map. Bound: doubles.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_walk_step(const double* __restrict__ from, const double* __restrict__ affinity,
                   const double* __restrict__ inverse, const int* __restrict__ offsets,
                   const int2* __restrict__ coordinates, double* __restrict__ to, int c, int h,
                   int w, int paths) {
  const int p = blockIdx.x * kBlock + threadIdx.x, y = p / w, x = p - y * w;
  if (p >= h * w) return;
  const int first = blockIdx.y * kTogether;
  const long long plane = static_cast<long long>(h) * w;
  const double* map[kTogether];
  double sum[kTogether];
#pragma unroll
  for (int m = 0; m < kTogether; ++m) {
    /* A map too many repeats the last one, and is not stored. */
    map[m] = from + min(first + m, c - 1) * plane + p;
    sum[m] = *map[m];
  }
  for (int path = 0; path < paths; ++path) {
    const int2 end = coordinates[offsets[path]];
    const int shift = end.x * w + end.y;
    const double* of = affinity + path * plane + p;
    if (inside(y + end.x, x + end.y, h, w)) {
      const double forth = *of;
#pragma unroll
      for (int m = 0; m < kTogether; ++m) sum[m] += forth * map[m][shift];
    }
    if (inside(y - end.x, x - end.y, h, w)) {
      const double back = of[-shift];
#pragma unroll
      for (int m = 0; m < kTogether; ++m) sum[m] += back * map[m][-shift];
    }
  }
#pragma unroll
  for (int m = 0; m < kTogether; ++m)
    if (first + m < c) to[(first + m) * plane + p] = sum[m] * inverse[p];
}

/*
 * wisp_walk_finish: out[i] = now[i], rounded.
 *
 *   now  const double*  [n], in
 *   out  float*         [n], out
 *   n    long long
 *
 * Grid (ceil(n / 256), 1, 1). 12 bytes, a conversion an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_walk_finish(const double* __restrict__ now, float* __restrict__ out, long long n) {
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i < n) out[i] = static_cast<float>(now[i]);
}
