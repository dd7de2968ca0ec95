/*
 * Prototype pooling and its gradient (SIPE, Chen et al., CVPR 2022, section 3.3). Of n images with
 * P positions and D channels, for every row k of every image:
 *   P_k = (1 / P) sum over positions i with seed k of f_i;  backward: dF_i += dP_seed(i) / P.
 * A seed is a class id; an id without a row in its image, and -1, are passed over. A row without
 * seeds gets 0.
 */

namespace {

typedef long long int64;

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kRows = 16; /* rows whose sums are in shared memory at a time */
constexpr int kAhead = 8; /* features a thread loads before it adds them */
constexpr unsigned kAll = 0xffffffffu;

/* The place of a seed among the ascending ids of an image's rows, or -1. */
__device__ __forceinline__ int place_of(int seed, const int* __restrict__ ids, int count) {
  int begin = 0, end = count;
  while (begin < end) {
    const int middle = (begin + end) / 2;
    if (ids[middle] < seed) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin < count && ids[begin] == seed ? begin : -1;
}

}  // namespace

/*
 * Pooling. Parameters of both kernels, in order:
 *   const float* feature     [n, P, D]                          in
 *   const int*   seeds       [n, P]                             in
 *   const int*   offsets     [n + 1], rows of each image        in
 *   const int*   ids         [rows], class of each row, ascending in an image  in
 *   float*       prototypes  [rows, D]                          out
 *   long long    n, P, D     n <= 65535
 * Grid (ceil(D / 32), n), block 256, no dynamic shared memory, 17 KB of static: a lane a channel, a
 * warp every eighth group of 32 positions. Each warp adds its positions in order to sums of its
 * own, the eight are added in order: no atomics. Sixteen rows at a time; a position is read in the
 * pass that has its row, so features are read once whatever the number of rows.
 * wisp_prototypes_naive: a thread an element, grid (ceil(rows * D / 256)).
 *
 * Per feature element of a position with a seed: reads 4 bytes, one addition; seeds are read D / 32
 * times, out of the cache. Bound by memory: 16 images of 32 x 32 positions and 771 channels, all
 * with a seed, 51 MB, 75 us at a Titan RTX's 672 GB/s.
 * Versions considered: a thread a row and channel reads the seeds rows * D times and has only
 * rows * D / 256 blocks to wait for memory with; sorting the positions by row first (the CPU's
 * way) is two more launches for 4 KB of seeds an image.
 */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_prototypes(const float* __restrict__ feature, const int* __restrict__ seeds,
                    const int* __restrict__ offsets, const int* __restrict__ ids,
                    float* __restrict__ prototypes, long long n, long long positions,
                    long long d) {
  __shared__ float sums[kWarps][kRows][32];
  __shared__ int places[kThreads];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int64 image = blockIdx.y, c = blockIdx.x * static_cast<int64>(32) + lane;
  const int64 first = offsets[image];
  const int rows = static_cast<int>(offsets[image + 1] - first);
  const float* own = feature + image * positions * d + c;
  for (int low = 0; low < rows; low += kRows) {
    for (int r = 0; r < kRows; ++r) sums[warp][r][lane] = 0.0f;
    for (int64 begin = 0; begin < positions; begin += kThreads) {
      const int64 i = begin + threadIdx.x;
      __syncthreads();
      const int place =
          i < positions ? place_of(seeds[image * positions + i], ids + first, rows) - low : -1;
      places[threadIdx.x] = place < kRows ? place : -1;
      __syncthreads();
      for (int j = warp * 32; j < warp * 32 + 32; j += kAhead) {
        float f[kAhead];
#pragma unroll
        for (int k = 0; k < kAhead; ++k) {
          f[k] = places[j + k] >= 0 && c < d ? own[(begin + j + k) * d] : 0.0f;
        }
#pragma unroll
        for (int k = 0; k < kAhead; ++k) {
          if (places[j + k] >= 0) sums[warp][places[j + k]][lane] += f[k];
        }
      }
    }
    __syncthreads();
    for (int r = warp; r < kRows && low + r < rows; r += kWarps) {
      float sum = sums[0][r][lane];
      for (int w = 1; w < kWarps; ++w) sum += sums[w][r][lane];
      if (c < d) prototypes[(first + low + r) * d + c] = sum / static_cast<float>(positions);
    }
    __syncthreads();
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_prototypes_naive(const float* feature, const int* seeds, const int* offsets,
                          const int* ids, float* prototypes, long long n, long long positions,
                          long long d) {
  const int64 at = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  if (at >= offsets[n] * d) return;
  const int64 row = at / d, c = at % d;
  int64 image = 0;
  while (row >= offsets[image + 1]) ++image;
  float sum = 0.0f;
  for (int64 i = image * positions; i < (image + 1) * positions; ++i) {
    if (seeds[i] == ids[row]) sum = sum + feature[i * d + c];
  }
  prototypes[at] = sum / static_cast<float>(positions);
}

/*
 * Gradient. Parameters of both kernels, in order:
 *   const float* d_prototypes  [rows, D]                      in
 *   const int*   seeds         [n, P]                         in
 *   const int*   offsets       [n + 1], rows of each image    in
 *   const int*   ids           [rows], ascending in an image  in
 *   float*       d_feature     [n, P, D]                      in, out: added to
 *   long long    n, P, D       n <= 65535
 * Grid (ceil(P / 8), n), block 256, no dynamic shared memory: a warp a position, a lane every 32nd
 * channel.
 * wisp_prototypes_backward_naive: a thread an element, grid (ceil(P * D / 256), n).
 *
 * Per feature element of a position with a seed: reads 4 bytes of d_feature (d_prototypes comes out
 * of the cache), writes 4, two operations; other positions cost nothing. Bound by memory.
 */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_prototypes_backward(const float* __restrict__ d_prototypes,
                             const int* __restrict__ seeds, const int* __restrict__ offsets,
                             const int* __restrict__ ids, float* __restrict__ d_feature,
                             long long n, long long positions, long long d) {
  const int lane = threadIdx.x % 32;
  const int64 image = blockIdx.y;
  const int64 position = blockIdx.x * static_cast<int64>(kWarps) + threadIdx.x / 32;
  if (position >= positions) return;
  const int64 at = image * positions + position;
  const int seed = seeds[at], end = offsets[image + 1];
  int row = -1;
  for (int first = offsets[image]; first < end && row < 0; first += 32) {
    const bool found = first + lane < end && ids[first + lane] == seed;
    const unsigned lanes = __ballot_sync(kAll, found);
    if (lanes != 0) row = first + __ffs(lanes) - 1;
  }
  if (row < 0) return;
  const float* gradient = d_prototypes + row * d;
  float* target = d_feature + at * d;
  for (int64 c = lane; c < d; c += 32) target[c] += gradient[c] / static_cast<float>(positions);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_prototypes_backward_naive(const float* d_prototypes, const int* seeds,
                                   const int* offsets, const int* ids, float* d_feature,
                                   long long n, long long positions, long long d) {
  const int64 at = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x, image = blockIdx.y;
  if (at >= positions * d) return;
  const int64 i = image * positions + at / d, c = at % d;
  for (int64 row = offsets[image]; row < offsets[image + 1]; ++row) {
    if (ids[row] == seeds[i]) {
      d_feature[i * d + c] += d_prototypes[row * d + c] / static_cast<float>(positions);
    }
  }
}
