/*
 * Means over positions and the losses of the SPI's PointwiseOps.
 *
 * All sums are in double and in an order that depends on sizes alone: a thread adds its own
 * elements in ascending order, then the threads of a block are added as a tree, then blocks in
 * ascending order by a second kernel. No atomics. Block (256, 1, 1) and no dynamic shared memory
 * unless said otherwise.
 *
 * Double costs: a Titan RTX (and X, Xp) adds or converts 1/32 as many doubles as floats a second,
 * about 255 G. One conversion and one addition an element are 127 G elements/s, a little under the
 * 168 G that 672 GB/s deliver at 4 bytes each. A Titan V has half-rate doubles: bandwidth alone
 * counts there.
 *
 * Versions considered: float runs added to double now and then would reach the bandwidth, but the
 * operation promises sums in double. One pass with the last block adding the parts needs a counter
 * that somebody must clear. No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
constexpr unsigned kAll = 0xffffffffu;
/* Threads of spatial_mean: 32 channels by 16 positions. */
constexpr int kLanes = 32;
constexpr int kRows = 16;
/* Elements one block of mean_absolute_difference_sums covers; part of the workspace's formula. */
constexpr int kPiece = 4096;

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

/*
 * One score's part of the loss, log(1 + e^-|z|) + max(z, 0) - z y, which does not overflow; and its
 * gradient (s(z) - y) / count where there is a place for it.
 */
__device__ inline double margin_loss(double z, double y, double count, float* gradient) {
  const double tail = exp(-fabs(z));
  if (gradient != nullptr)
    *gradient = static_cast<float>(((z >= 0 ? 1.0 : tail) / (1 + tail) - y) / count);
  return log1p(tail) + (z > 0 ? z : 0.0) - z * y;
}

/* sign(d) * share; sign(0) = 0, and NaN stays NaN. */
__device__ inline float signed_share(float d, float share) {
  return d > 0.0f ? share : d < 0.0f ? -share : d == 0.0f ? 0.0f : d;
}

}  // namespace

/*
 * wisp_spatial_mean: out[b, k] = (1 / positions) sum over p of x[b, p, k].
 *
 *   x          const float*  [n, positions, c], in
 *   out        float*        [n, c], out
 *   n          long long
 *   positions  long long     h w, at least 1
 *   c          long long
 *
 * Grid (n ceil(c / 32), 1, 1), block (32, 16, 1): a warp reads 32 neighbouring channels of a
 * position, 16 warps take every 16th position each. wisp_spatial_mean_naive: grid (ceil(n c / 256),
 * 1, 1), block (256, 1, 1). 4 bytes, 2 operations an element of x.
 */
extern "C" __global__ void __launch_bounds__(kLanes* kRows)
    wisp_spatial_mean(const float* __restrict__ x, float* __restrict__ out, long long n,
                      long long positions, long long c) {
  __shared__ double part[kRows][kLanes];
  const long long tiles = (c + kLanes - 1) / kLanes;
  const long long image = blockIdx.x / tiles, tile = blockIdx.x - image * tiles;
  const long long k = tile * kLanes + threadIdx.x;
  if (image >= n) return;
  double sum = 0;
  if (k < c) {
    const float* from = x + image * positions * c + k;
    for (long long p = threadIdx.y; p < positions; p += kRows) sum += from[p * c];
  }
  part[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  for (int half = kRows / 2; half > 0; half /= 2) {
    if (threadIdx.y < half)
      part[threadIdx.y][threadIdx.x] += part[threadIdx.y + half][threadIdx.x];
    __syncthreads();
  }
  if (threadIdx.y == 0 && k < c)
    out[image * c + k] = static_cast<float>(part[0][threadIdx.x] / static_cast<double>(positions));
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_spatial_mean_naive(const float* __restrict__ x, float* __restrict__ out, long long n,
                            long long positions, long long c) {
  const long long i = thread_index();
  if (i >= n * c) return;
  const long long image = i / c, k = i - image * c;
  double sum = 0;
  for (long long p = 0; p < positions; ++p) sum += x[(image * positions + p) * c + k];
  out[i] = static_cast<float>(sum / static_cast<double>(positions));
}

/*
 * wisp_spatial_mean_backward: dx[b, p, k] += d_out[b, k] / positions.
 *
 *   d_out      const float*  [n, c], in; does not overlap dx
 *   dx         float*        [n, positions, c], in and out
 *   n          long long
 *   positions  long long     at least 1
 *   c          long long
 *
 * Grid (ceil(n positions c / 256), 1, 1). 8 bytes and 2 operations an element: 84 G elements/s. No
 * naive sibling: this is one thread an element already; it runs once a step on the cam.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_spatial_mean_backward(const float* __restrict__ d_out, float* __restrict__ dx, long long n,
                               long long positions, long long c) {
  const long long i = thread_index();
  if (i >= n * positions * c) return;
  const long long pixel = i / c, k = i - pixel * c;
  dx[i] += d_out[pixel / positions * c + k] / static_cast<float>(positions);
}

/*
 * wisp_soft_margin_loss: the multi-label soft margin loss (method.md section 2)
 *   loss = (1 / elements) sum of -(y log s(z) + (1 - y) log s(-z))
 *   d_score = (s(z) - y) / elements
 * with s the logistic function, all in double.
 *
 *   score     const float*  [elements], in: z
 *   label     const float*  [elements], in: y, 0 or 1
 *   loss      float*        [1], out
 *   d_score   float*        [elements], out; or null for none
 *   elements  long long     images times classes, at least 1
 *
 * Grid (1, 1, 1): a batch has some hundred scores, one block is done before a second kernel could
 * start. wisp_soft_margin_loss_naive: grid (1, 1, 1), block (1, 1, 1). 12 bytes, about 200
 * operations in double an element: 1280 elements are 2 microseconds of one SM's doubles.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_soft_margin_loss(const float* __restrict__ score, const float* __restrict__ label,
                          float* __restrict__ loss, float* __restrict__ d_score,
                          long long elements) {
  __shared__ double part[kBlock / 32];
  const double count = static_cast<double>(elements);
  double sum = 0;
  for (long long i = threadIdx.x; i < elements; i += kBlock)
    sum += margin_loss(score[i], label[i], count, d_score == nullptr ? nullptr : d_score + i);
  sum = block_sum(sum, part);
  if (threadIdx.x == 0) *loss = static_cast<float>(sum / count);
}

extern "C" __global__ void __launch_bounds__(1)
    wisp_soft_margin_loss_naive(const float* __restrict__ score, const float* __restrict__ label,
                                float* __restrict__ loss, float* __restrict__ d_score,
                                long long elements) {
  const double count = static_cast<double>(elements);
  double sum = 0;
  for (long long i = 0; i < elements; ++i)
    sum += margin_loss(score[i], label[i], count, d_score == nullptr ? nullptr : d_score + i);
  *loss = static_cast<float>(sum / count);
}

/*
 * wisp_mean_absolute_difference_sums: first of two kernels of the general seed consistency
 * (method.md section 7): the sum of |a - b| of each piece of 4096 elements, and the gradient
 * da = sign(a - b) / divisor, sign(0) = 0.
 *
 *   a         const float*  [elements], in: maps of the present classes, absent ones count as equal
 *   b         const float*  [elements], in
 *   da        float*        [elements], out; or null for none
 *   sums      double*       [ceil(elements / 4096)], out
 *   elements  long long     rows h w
 *   divisor   double        n total h w, all classes counted
 *
 * Grid (ceil(elements / 4096), 1, 1); the naive sibling (one thread a piece) (ceil(ceil(elements /
 * 4096) / 256), 1, 1). 8 bytes an element, 12 with da; 4 operations, two of them in double.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_mean_absolute_difference_sums(const float* __restrict__ a, const float* __restrict__ b,
                                       float* __restrict__ da, double* __restrict__ sums,
                                       long long elements, double divisor) {
  __shared__ double part[kBlock / 32];
  const float share = static_cast<float>(1 / divisor);
  const long long begin = static_cast<long long>(blockIdx.x) * kPiece;
  double sum = 0;
  for (int j = threadIdx.x; j < kPiece && begin + j < elements; j += kBlock) {
    const float d = a[begin + j] - b[begin + j];
    sum += fabsf(d);
    if (da != nullptr) da[begin + j] = signed_share(d, share);
  }
  sum = block_sum(sum, part);
  if (threadIdx.x == 0 && begin < elements) sums[blockIdx.x] = sum;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_mean_absolute_difference_sums_naive(const float* __restrict__ a,
                                             const float* __restrict__ b, float* __restrict__ da,
                                             double* __restrict__ sums, long long elements,
                                             double divisor) {
  const long long begin = thread_index() * kPiece;
  if (begin >= elements) return;
  const float share = static_cast<float>(1 / divisor);
  double sum = 0;
  for (long long i = begin; i < elements && i < begin + kPiece; ++i) {
    const float d = a[i] - b[i];
    sum += fabsf(d);
    if (da != nullptr) da[i] = signed_share(d, share);
  }
  sums[thread_index()] = sum;
}

/*
 * wisp_mean_absolute_difference: second of two kernels: loss = (sum of sums) / divisor.
 *
 *   sums     const double*  [count], in: from wisp_mean_absolute_difference_sums
 *   loss     float*         [1], out
 *   count    long long      ceil(elements / 4096)
 *   divisor  double         as there
 *
 * Grid (1, 1, 1); wisp_mean_absolute_difference_naive: grid (1, 1, 1), block (1, 1, 1). 8 bytes and
 * 1 operation a piece: the launch is the time.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_mean_absolute_difference(const double* __restrict__ sums, float* __restrict__ loss,
                                  long long count, double divisor) {
  __shared__ double part[kBlock / 32];
  double sum = 0;
  for (long long i = threadIdx.x; i < count; i += kBlock) sum += sums[i];
  sum = block_sum(sum, part);
  if (threadIdx.x == 0) *loss = static_cast<float>(sum / divisor);
}

extern "C" __global__ void __launch_bounds__(1)
    wisp_mean_absolute_difference_naive(const double* __restrict__ sums, float* __restrict__ loss,
                                        long long count, double divisor) {
  double sum = 0;
  for (long long i = 0; i < count; ++i) sum += sums[i];
  *loss = static_cast<float>(sum / divisor);
}
