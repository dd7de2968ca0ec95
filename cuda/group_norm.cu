/*
 * Group normalization of [n, positions, c], the SPI's GroupNormOps: group g of an image holds the
 * channels from g c / groups on (method.md section 10).
 *
 * All sums are in double and in an order that depends on sizes alone: a thread adds its own
 * elements in ascending order, then the threads of a block are added as a tree. No atomics. Block
 * (256, 1, 1) and no dynamic shared memory unless said otherwise.
 *
 * Bounds on a Titan RTX: 672 GB/s, 16.3 TFLOP/s, 255 G doubles/s. The statistics convert and add
 * four doubles an element, 64 G elements/s, less than the 168 G that bandwidth allows.
 *
 * Versions considered: partial sums of pieces of positions, as batch_norm.cu has them, fill a card
 * with one image too; here a group of each image has a block of its own, 16 images of 16 groups
 * fill 72 multiprocessors, and nothing but the results is stored. No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
constexpr unsigned kAll = 0xffffffffu;
/* Threads of wisp_group_norm_gradient_sums: 32 channels by 8 positions. */
constexpr int kLanes = 32;
constexpr int kRows = 8;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

/* The sum over the block's threads, in thread 0 only. part: one double a warp, shared. */
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

/* A group's mean and 1 / sqrt(variance + eps) from its sums of x - base and their squares. */
__device__ inline void group_statistics(double sum, double squares, double count, float base,
                                        float eps, float* mean, float* inv_std) {
  const double shift = sum / count, spread = squares / count - shift * shift;
  /* Rounding may leave a spread below 0; NaN stays NaN. */
  const double var = spread > 0 ? spread : spread * 0;
  *mean = static_cast<float>(base + shift);
  *inv_std = static_cast<float>(1 / sqrt(var + eps));
}

}  // namespace

/*
 * wisp_group_norm_statistics: mean and 1 / sqrt(var + eps) of each image's group over its positions
 * and channels, var with divisor count. Summed is x less the group's first value, which keeps the
 * variance of a group far from 0.
 *
 *   x        const float*  [n, positions, c], in
 *   mean     float*        [n, groups], out
 *   inv_std  float*        [n, groups], out
 *   n, positions, c, groups  long long, each at least 1; groups divides c
 *   eps      float
 *
 * Grid (n groups, 1, 1). wisp_group_norm_statistics_naive: grid (ceil(n groups / 256), 1, 1). 4
 * bytes an element; 4 operations in double. Bound: doubles.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_group_norm_statistics(const float* __restrict__ x, float* __restrict__ mean,
                               float* __restrict__ inv_std, long long n, long long positions,
                               long long c, long long groups, float eps) {
  __shared__ double part[2][kBlock / 32];
  const long long group = blockIdx.x, image = group / groups, width = c / groups;
  if (image >= n) return;
  const float* from = x + image * positions * c + (group - image * groups) * width;
  const double base = from[0];
  double sum = 0, squares = 0;
  /* The thread's element of the group, position and channel; the next one is kBlock further. */
  const long long rows = kBlock / width, columns = kBlock - rows * width;
  long long p = threadIdx.x / width, k = threadIdx.x - p * width;
  while (p < positions) {
    const double d = from[p * c + k] - base;
    sum += d;
    squares += d * d;
    p += rows;
    k += columns;
    if (k >= width) {
      k -= width;
      ++p;
    }
  }
  sum = block_sum(sum, part[0]);
  squares = block_sum(squares, part[1]);
  if (threadIdx.x == 0)
    group_statistics(sum, squares, static_cast<double>(positions * width), from[0], eps,
                     mean + group, inv_std + group);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_group_norm_statistics_naive(const float* __restrict__ x, float* __restrict__ mean,
                                     float* __restrict__ inv_std, long long n, long long positions,
                                     long long c, long long groups, float eps) {
  const long long group = thread_index(), image = group / groups, width = c / groups;
  if (image >= n) return;
  const float* from = x + image * positions * c + (group - image * groups) * width;
  double sum = 0, squares = 0;
  for (long long p = 0; p < positions; ++p)
    for (long long k = 0; k < width; ++k) {
      const double d = static_cast<double>(from[p * c + k]) - from[0];
      sum += d;
      squares += d * d;
    }
  group_statistics(sum, squares, static_cast<double>(positions * width), from[0], eps,
                   mean + group, inv_std + group);
}

/*
 * wisp_group_norm_forward: y = act((x - mean) (gamma inv_std) + beta), each step rounded.
 *
 *   x        const float*  [n, positions, c], in
 *   gamma    const float*  [c], in
 *   beta     const float*  [c], in
 *   mean     const float*  [n, groups], in
 *   inv_std  const float*  [n, groups], in
 *   y        float*        [n, positions, c], out; does not overlap x
 *   n, positions, c, groups  long long, each at least 1; groups divides c
 *   relu     int           1: act is max(0, .), NaN stays NaN; 0: the identity
 *
 * Grid (ceil(n positions c / 256), 1, 1). 8 bytes, 5 operations an element. Bound: bandwidth, 84 G
 * elements/s. No naive sibling: this is one thread an element already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_group_norm_forward(const float* __restrict__ x, const float* __restrict__ gamma,
                            const float* __restrict__ beta, const float* __restrict__ mean,
                            const float* __restrict__ inv_std, float* __restrict__ y, long long n,
                            long long positions, long long c, long long groups, int relu) {
  const long long i = thread_index();
  if (i >= n * positions * c) return;
  const long long p = i / c, k = i - p * c;
  const long long group = p / positions * groups + k / (c / groups);
  const float v = (x[i] - mean[group]) * (gamma[k] * inv_std[group]) + beta[k];
  y[i] = relu && v <= 0.0f ? 0.0f : v;
}

/*
 * wisp_group_norm_gradient_sums: of each image's channel, over its positions, the sums of dy and of
 * dy xhat, xhat = (x - mean) inv_std.
 *
 *   x        const float*  [n, positions, c], in
 *   dy       const float*  [n, positions, c], in
 *   mean     const float*  [n, groups], in
 *   inv_std  const float*  [n, groups], in
 *   sums     double*       [n, 2, c], out
 *   n, positions, c, groups  long long, each at least 1; groups divides c
 *
 * Grid (n ceil(c / 32), 1, 1), block (32, 8, 1): a warp reads 32 neighbouring channels of a
 * position, 8 warps take every 8th position each. wisp_group_norm_gradient_sums_naive: grid (ceil(n
 * c / 256), 1, 1), block (256, 1, 1). 8 bytes, 7 operations in double an element. Bound: doubles,
 * 36 G elements/s.
 */
extern "C" __global__ void __launch_bounds__(kLanes* kRows)
    wisp_group_norm_gradient_sums(const float* __restrict__ x, const float* __restrict__ dy,
                                  const float* __restrict__ mean,
                                  const float* __restrict__ inv_std, double* __restrict__ sums,
                                  long long n, long long positions, long long c,
                                  long long groups) {
  __shared__ double part[2][kRows][kLanes];
  const long long tiles = (c + kLanes - 1) / kLanes;
  const long long image = blockIdx.x / tiles, tile = blockIdx.x - image * tiles;
  const long long k = tile * kLanes + threadIdx.x;
  if (image >= n) return;
  double first = 0, second = 0;
  if (k < c) {
    const long long group = image * groups + k / (c / groups);
    const double centre = mean[group], inverse = inv_std[group];
    for (long long p = threadIdx.y; p < positions; p += kRows) {
      const long long i = (image * positions + p) * c + k;
      const double gradient = dy[i];
      first += gradient;
      second += gradient * ((x[i] - centre) * inverse);
    }
  }
  part[0][threadIdx.y][threadIdx.x] = first;
  part[1][threadIdx.y][threadIdx.x] = second;
  __syncthreads();
  for (int half = kRows / 2; half > 0; half /= 2) {
    if (threadIdx.y < half)
      for (int s = 0; s < 2; ++s)
        part[s][threadIdx.y][threadIdx.x] += part[s][threadIdx.y + half][threadIdx.x];
    __syncthreads();
  }
  if (threadIdx.y < 2 && k < c)
    sums[(2 * image + threadIdx.y) * c + k] = part[threadIdx.y][0][threadIdx.x];
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_group_norm_gradient_sums_naive(const float* __restrict__ x, const float* __restrict__ dy,
                                        const float* __restrict__ mean,
                                        const float* __restrict__ inv_std,
                                        double* __restrict__ sums, long long n,
                                        long long positions, long long c, long long groups) {
  const long long i = thread_index();
  if (i >= n * c) return;
  const long long image = i / c, k = i - image * c;
  const long long group = image * groups + k / (c / groups);
  double first = 0, second = 0;
  for (long long p = 0; p < positions; ++p) {
    const long long at = (image * positions + p) * c + k;
    const double xhat = (static_cast<double>(x[at]) - mean[group]) * inv_std[group];
    first += dy[at];
    second += dy[at] * xhat;
  }
  sums[2 * image * c + k] = first;
  sums[(2 * image + 1) * c + k] = second;
}

/*
 * wisp_group_norm_parameters: d_beta[k] and d_gamma[k] = the sums of dy and of dy xhat over images.
 *
 *   sums     const double*  [n, 2, c], in: of wisp_group_norm_gradient_sums
 *   d_gamma  float*         [c], out
 *   d_beta   float*         [c], out
 *   n, c     long long
 *
 * Grid (ceil(c / 256), 1, 1). 16 bytes, 2 operations in double a channel and image. No naive
 * sibling: a thread adds what is its channel's, image after image.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_group_norm_parameters(const double* __restrict__ sums, float* __restrict__ d_gamma,
                               float* __restrict__ d_beta, long long n, long long c) {
  const long long k = thread_index();
  if (k >= c) return;
  double first = 0, second = 0;
  for (long long image = 0; image < n; ++image) {
    first += sums[2 * image * c + k];
    second += sums[(2 * image + 1) * c + k];
  }
  d_beta[k] = static_cast<float>(first);
  d_gamma[k] = static_cast<float>(second);
}

/*
 * wisp_group_norm_means: of each image's group the means of gamma dy and of gamma dy xhat.
 *
 *   sums    const double*  [n, 2, c], in: of wisp_group_norm_gradient_sums
 *   gamma   const float*   [c], in
 *   means   float2*        [n, groups], out
 *   n, positions, c, groups  long long, each at least 1; groups divides c
 *
 * Grid (ceil(n groups / 256), 1, 1). 20 bytes, 5 operations in double a channel and image. No naive
 * sibling: a thread adds what is its group's, channel after channel.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_group_norm_means(const double* __restrict__ sums, const float* __restrict__ gamma,
                          float2* __restrict__ means, long long n, long long positions,
                          long long c, long long groups) {
  const long long i = thread_index(), image = i / groups, width = c / groups;
  if (image >= n) return;
  const long long begin = (i - image * groups) * width;
  const double count = static_cast<double>(positions * width);
  double first = 0, second = 0;
  for (long long k = begin; k < begin + width; ++k) {
    first += gamma[k] * sums[2 * image * c + k];
    second += gamma[k] * sums[(2 * image + 1) * c + k];
  }
  means[i] = make_float2(static_cast<float>(first / count), static_cast<float>(second / count));
}

/*
 * wisp_group_norm_backward: dx = inv_std (gamma dy - mean(gamma dy) - xhat mean(gamma dy xhat)),
 * the means over the image's group.
 *
 *   x        const float*   [n, positions, c], in
 *   dy       const float*   [n, positions, c], in
 *   gamma    const float*   [c], in
 *   mean     const float*   [n, groups], in
 *   inv_std  const float*   [n, groups], in
 *   means    const float2*  [n, groups], in: of wisp_group_norm_means
 *   dx       float*         [n, positions, c], out; overlaps neither x nor dy
 *   n, positions, c, groups  long long, each at least 1; groups divides c
 *
 * Grid (ceil(n positions c / 256), 1, 1). 12 bytes, 7 operations an element. Bound: bandwidth, 56 G
 * elements/s. No naive sibling: this is one thread an element already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_group_norm_backward(const float* __restrict__ x, const float* __restrict__ dy,
                             const float* __restrict__ gamma, const float* __restrict__ mean,
                             const float* __restrict__ inv_std, const float2* __restrict__ means,
                             float* __restrict__ dx, long long n, long long positions, long long c,
                             long long groups) {
  const long long i = thread_index();
  if (i >= n * positions * c) return;
  const long long p = i / c, k = i - p * c;
  const long long group = p / positions * groups + k / (c / groups);
  const float inverse = inv_std[group], xhat = (x[i] - mean[group]) * inverse;
  const float2 of = means[group];
  dx[i] = inverse * (gamma[k] * dy[i] - of.x - xhat * of.y);
}
