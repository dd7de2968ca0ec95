/*
 * Batch norm with the batch's own statistics over [positions, c], forward and backward (the SPI's
 * batchNormForward, batchNormBackward, batchNormUpdate; used while pretraining).
 *
 * Forward is three kernels in this order: wisp_batch_norm_sums, wisp_batch_norm_statistics,
 * wisp_batch_norm_forward. Backward is three: wisp_batch_norm_gradient_sums,
 * wisp_batch_norm_gradients, wisp_batch_norm_backward.
 *
 * Sums over positions. The positions are cut into `chunks` equal pieces (the last may be shorter or
 * empty):
 *   chunks = min(512, ceil(positions / 256)),  chunk = ceil(positions / chunks)
 * A block sums one piece of 32 channels: a thread adds 8 positions in float, then those sums to its
 * doubles; threads are added as a tree, pieces in ascending order by the next kernel. The order
 * depends on sizes alone. Workspace: 2 chunks c doubles.
 *
 * The variance is taken about the channel's first value, x[0, k]: var = mean(d^2) - mean(d)^2 with
 * d = x - x[0, k]. A constant channel has d = 0 and a variance of exactly 0, and a mean far from 0
 * costs no digits.
 *
 * Bound on a Titan RTX (672 GB/s): forward 12 bytes an element over its kernels (16 with residual),
 * 56 G elements/s; backward 20 bytes, 34 G elements/s. Operations: about 10 an element.
 *
 * Versions considered: everything in double, as the processor's kernel does it, is 4 double
 * operations an element, 64 G elements/s at 1/32 rate: slower than reading. Everything in float:
 * sums of 500 000 values lose three digits. Two passes (mean, then squares about it) read x once
 * more for digits that the shift already keeps. No run on a GPU has been made.
 */

namespace {

constexpr int kLanes = 32;
constexpr int kRows = 8;
constexpr int kBlock = kLanes * kRows;
/* Positions added in float before they go to a double. */
constexpr int kRun = 8;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

__device__ inline float normalized(float x, float mean, float inv_std) {
  return __fmul_rn(__fsub_rn(x, mean), inv_std);
}

/* A position's parts of the two sums. */
struct Moments {
  const float* x;
  float pivot;

  __device__ Moments(const float* values, long long k) : x(values), pivot(values[k]) {}

  __device__ void add(long long at, float& first, float& second) const {
    const float d = x[at] - pivot;
    first += d;
    second = fmaf(d, d, second);
  }
};

struct GradientProducts {
  const float *x, *dy;
  float mean, inv_std;

  __device__ GradientProducts(const float* values, const float* gradients, const float* means,
                              const float* inv_stds, long long k)
      : x(values), dy(gradients), mean(means[k]), inv_std(inv_stds[k]) {}

  __device__ void add(long long at, float& first, float& second) const {
    const float g = dy[at];
    first += g;
    second = fmaf(g, normalized(x[at], mean, inv_std), second);
  }
};

/* Sums of the positions row, row + 8, ... of [begin, end). */
template <class Term>
__device__ inline void strided_sums(const Term& term, long long begin, long long end, long long c,
                                    long long k, double& first, double& second) {
  for (long long p = begin; p < end; p += kRun * kRows) {
    float run_first = 0.0f, run_second = 0.0f;
#pragma unroll
    for (int j = 0; j < kRun; ++j) {
      const long long at = p + j * kRows;
      if (at < end) term.add(at * c + k, run_first, run_second);
    }
    first += run_first;
    second += run_second;
  }
}

/* Adds the block's rows, the result in row 0. part: shared. */
__device__ inline void add_rows(double (*part)[kRows][kLanes], double& first, double& second) {
  part[0][threadIdx.y][threadIdx.x] = first;
  part[1][threadIdx.y][threadIdx.x] = second;
  __syncthreads();
  for (int half = kRows / 2; half > 0; half /= 2) {
    if (threadIdx.y < half) {
      part[0][threadIdx.y][threadIdx.x] += part[0][threadIdx.y + half][threadIdx.x];
      part[1][threadIdx.y][threadIdx.x] += part[1][threadIdx.y + half][threadIdx.x];
    }
    __syncthreads();
  }
  first = part[0][0][threadIdx.x];
  second = part[1][0][threadIdx.x];
}

/* The block's piece of positions. */
struct Piece {
  long long k, begin, end, piece;

  __device__ Piece(long long positions, long long c, long long chunks) {
    const long long tiles = (c + kLanes - 1) / kLanes;
    const long long chunk = (positions + chunks - 1) / chunks;
    piece = blockIdx.x / tiles;
    k = (blockIdx.x - piece * tiles) * kLanes + threadIdx.x;
    begin = piece * chunk;
    end = begin + chunk < positions ? begin + chunk : positions;
  }
};

/* The sums of all pieces of a channel; naive: the caller's thread adds them all. */
__device__ inline void add_pieces(const double* sums, long long from, long long step, long long c,
                                  long long chunks, long long k, double& first, double& second) {
  for (long long piece = from; piece < chunks; piece += step) {
    first += sums[(piece * 2) * c + k];
    second += sums[(piece * 2 + 1) * c + k];
  }
}

__device__ inline void store_statistics(float pivot, double first, double second,
                                        long long positions, float eps, float* mean,
                                        float* inv_std) {
  const double count = static_cast<double>(positions);
  const double shift = first / count, spread = second / count - shift * shift;
  *mean = static_cast<float>(pivot + shift);
  /* Rounding may leave less than 0; a NaN stays one. */
  *inv_std = static_cast<float>(1 / sqrt((spread < 0 ? 0.0 : spread) + eps));
}

}  // namespace

/*
 * wisp_batch_norm_sums: for each piece of positions the sums of d and of d^2, d = x[p, k] - x[0,
 * k].
 *
 *   x          const float*  [positions, c], in
 *   sums       double*       [chunks, 2, c], out
 *   positions  long long     at least 1
 *   c          long long
 *   chunks     long long     pieces, as above
 *
 * Grid (chunks ceil(c / 32), 1, 1), block (32, 8, 1). wisp_batch_norm_sums_naive (a thread a piece
 * and channel, all in double): grid (ceil(chunks c / 256), 1, 1), block (256, 1, 1). 4 bytes an
 * element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_sums(const float* __restrict__ x, double* __restrict__ sums,
                         long long positions, long long c, long long chunks) {
  __shared__ double part[2][kRows][kLanes];
  const Piece piece(positions, c, chunks);
  double first = 0, second = 0;
  if (piece.k < c)
    strided_sums(Moments(x, piece.k), piece.begin + threadIdx.y, piece.end, c, piece.k, first,
                 second);
  add_rows(part, first, second);
  if (threadIdx.y != 0 || piece.k >= c) return;
  sums[(piece.piece * 2) * c + piece.k] = first;
  sums[(piece.piece * 2 + 1) * c + piece.k] = second;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_sums_naive(const float* __restrict__ x, double* __restrict__ sums,
                               long long positions, long long c, long long chunks) {
  const long long piece = thread_index() / c, k = thread_index() - piece * c;
  const long long chunk = (positions + chunks - 1) / chunks;
  if (piece >= chunks) return;
  double first = 0, second = 0;
  for (long long p = piece * chunk; p < (piece + 1) * chunk && p < positions; ++p) {
    const double d = static_cast<double>(x[p * c + k]) - x[k];
    first += d;
    second += d * d;
  }
  sums[(piece * 2) * c + k] = first;
  sums[(piece * 2 + 1) * c + k] = second;
}

/*
 * wisp_batch_norm_statistics: mean = x[0, .] + shift, inv_std = 1 / sqrt(var + eps), with
 * shift = (sum of d) / positions, var = (sum of d^2) / positions - shift^2, at least 0.
 *
 *   x          const float*   [c], in: the first position of x
 *   sums       const double*  [chunks, 2, c], in: from wisp_batch_norm_sums
 *   mean       float*         [c], out
 *   inv_std    float*         [c], out
 *   positions  long long
 *   c          long long
 *   chunks     long long
 *   eps        float
 *
 * Grid (ceil(c / 32), 1, 1), block (32, 8, 1); wisp_batch_norm_statistics_naive: grid (ceil(c /
 * 256), 1, 1), block (256, 1, 1). 16 bytes a piece and channel: little beside the elements.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_statistics(const float* __restrict__ x, const double* __restrict__ sums,
                               float* __restrict__ mean, float* __restrict__ inv_std,
                               long long positions, long long c, long long chunks, float eps) {
  __shared__ double part[2][kRows][kLanes];
  const long long k = static_cast<long long>(blockIdx.x) * kLanes + threadIdx.x;
  double first = 0, second = 0;
  if (k < c) add_pieces(sums, threadIdx.y, kRows, c, chunks, k, first, second);
  add_rows(part, first, second);
  if (threadIdx.y != 0 || k >= c) return;
  store_statistics(x[k], first, second, positions, eps, mean + k, inv_std + k);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_statistics_naive(const float* __restrict__ x, const double* __restrict__ sums,
                                     float* __restrict__ mean, float* __restrict__ inv_std,
                                     long long positions, long long c, long long chunks,
                                     float eps) {
  const long long k = thread_index();
  if (k >= c) return;
  double first = 0, second = 0;
  add_pieces(sums, 0, 1, c, chunks, k, first, second);
  store_statistics(x[k], first, second, positions, eps, mean + k, inv_std + k);
}

/*
 * wisp_batch_norm_forward: y = act(gamma (x - mean) inv_std + beta + residual), act max(0, .) or
 * the identity, NaN staying NaN.
 *
 *   x          const float*  [positions, c], in
 *   gamma      const float*  [c], in
 *   beta       const float*  [c], in
 *   mean       const float*  [c], in
 *   inv_std    const float*  [c], in
 *   residual   const float*  [positions, c], in; or null for 0
 *   y          float*        [positions, c], out; overlaps no input
 *   positions  long long
 *   c          long long
 *   relu       int           0 or 1
 *
 * Grid (ceil(positions c / 256), 1, 1), block (256, 1, 1). 8 bytes an element, 12 with residual; 5
 * operations. No naive sibling: this is one thread an element already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_forward(const float* __restrict__ x, const float* __restrict__ gamma,
                            const float* __restrict__ beta, const float* __restrict__ mean,
                            const float* __restrict__ inv_std, const float* __restrict__ residual,
                            float* __restrict__ y, long long positions, long long c, int relu) {
  const long long i = thread_index();
  if (i >= positions * c) return;
  const long long k = i % c;
  float value =
      __fadd_rn(__fmul_rn(gamma[k], normalized(x[i], mean[k], inv_std[k])), beta[k]);
  if (residual != nullptr) value += residual[i];
  y[i] = relu && value <= 0.0f ? 0.0f : value;
}

/*
 * wisp_batch_norm_gradient_sums: for each piece of positions the sums of dy and of dy xhat,
 * xhat = (x - mean) inv_std.
 *
 *   x          const float*  [positions, c], in: the forward input
 *   dy         const float*  [positions, c], in
 *   mean       const float*  [c], in
 *   inv_std    const float*  [c], in
 *   sums       double*       [chunks, 2, c], out
 *   positions  long long     at least 1
 *   c          long long
 *   chunks     long long     pieces, as above
 *
 * Grid and block as wisp_batch_norm_sums; the same for the naive sibling. 8 bytes an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_gradient_sums(const float* __restrict__ x, const float* __restrict__ dy,
                                  const float* __restrict__ mean,
                                  const float* __restrict__ inv_std, double* __restrict__ sums,
                                  long long positions, long long c, long long chunks) {
  __shared__ double part[2][kRows][kLanes];
  const Piece piece(positions, c, chunks);
  double first = 0, second = 0;
  if (piece.k < c)
    strided_sums(GradientProducts(x, dy, mean, inv_std, piece.k), piece.begin + threadIdx.y,
                 piece.end, c, piece.k, first, second);
  add_rows(part, first, second);
  if (threadIdx.y != 0 || piece.k >= c) return;
  sums[(piece.piece * 2) * c + piece.k] = first;
  sums[(piece.piece * 2 + 1) * c + piece.k] = second;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_gradient_sums_naive(const float* __restrict__ x, const float* __restrict__ dy,
                                        const float* __restrict__ mean,
                                        const float* __restrict__ inv_std,
                                        double* __restrict__ sums, long long positions,
                                        long long c, long long chunks) {
  const long long piece = thread_index() / c, k = thread_index() - piece * c;
  const long long chunk = (positions + chunks - 1) / chunks;
  if (piece >= chunks) return;
  double first = 0, second = 0;
  for (long long p = piece * chunk; p < (piece + 1) * chunk && p < positions; ++p) {
    first += dy[p * c + k];
    second += dy[p * c + k] * ((static_cast<double>(x[p * c + k]) - mean[k]) * inv_std[k]);
  }
  sums[(piece * 2) * c + k] = first;
  sums[(piece * 2 + 1) * c + k] = second;
}

/*
 * wisp_batch_norm_gradients: dbeta = sum of dy, dgamma = sum of dy xhat, and both divided by the
 * number of positions for wisp_batch_norm_backward.
 *
 *   sums       const double*  [chunks, 2, c], in: from wisp_batch_norm_gradient_sums
 *   dgamma     float*         [c], out
 *   dbeta      float*         [c], out
 *   means      float*         [2, c], out: dbeta / positions, dgamma / positions
 *   positions  long long
 *   c          long long
 *   chunks     long long
 *
 * Grid and block as wisp_batch_norm_statistics; the same for the naive sibling.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_gradients(const double* __restrict__ sums, float* __restrict__ dgamma,
                              float* __restrict__ dbeta, float* __restrict__ means,
                              long long positions, long long c, long long chunks) {
  __shared__ double part[2][kRows][kLanes];
  const long long k = static_cast<long long>(blockIdx.x) * kLanes + threadIdx.x;
  double first = 0, second = 0;
  if (k < c) add_pieces(sums, threadIdx.y, kRows, c, chunks, k, first, second);
  add_rows(part, first, second);
  if (threadIdx.y != 0 || k >= c) return;
  dbeta[k] = static_cast<float>(first);
  dgamma[k] = static_cast<float>(second);
  means[k] = static_cast<float>(first / static_cast<double>(positions));
  means[c + k] = static_cast<float>(second / static_cast<double>(positions));
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_gradients_naive(const double* __restrict__ sums, float* __restrict__ dgamma,
                                    float* __restrict__ dbeta, float* __restrict__ means,
                                    long long positions, long long c, long long chunks) {
  const long long k = thread_index();
  if (k >= c) return;
  double first = 0, second = 0;
  add_pieces(sums, 0, 1, c, chunks, k, first, second);
  dbeta[k] = static_cast<float>(first);
  dgamma[k] = static_cast<float>(second);
  means[k] = static_cast<float>(first / static_cast<double>(positions));
  means[c + k] = static_cast<float>(second / static_cast<double>(positions));
}

/*
 * wisp_batch_norm_backward: dx = gamma inv_std (dy - mean(dy) - xhat mean(dy xhat)).
 *
 *   x          const float*  [positions, c], in: the forward input
 *   dy         const float*  [positions, c], in
 *   gamma      const float*  [c], in
 *   mean       const float*  [c], in
 *   inv_std    const float*  [c], in
 *   means      const float*  [2, c], in: from wisp_batch_norm_gradients
 *   dx         float*        [positions, c], out; overlaps no input
 *   positions  long long
 *   c          long long
 *
 * Grid (ceil(positions c / 256), 1, 1), block (256, 1, 1). 12 bytes, 7 operations an element. No
 * naive sibling: this is one thread an element already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_backward(const float* __restrict__ x, const float* __restrict__ dy,
                             const float* __restrict__ gamma, const float* __restrict__ mean,
                             const float* __restrict__ inv_std, const float* __restrict__ means,
                             float* __restrict__ dx, long long positions, long long c) {
  const long long i = thread_index();
  if (i >= positions * c) return;
  const long long k = i % c;
  const float xhat = normalized(x[i], mean[k], inv_std[k]);
  const float centred = __fsub_rn(dy[i], means[k]);
  dx[i] = gamma[k] * inv_std[k] * __fsub_rn(centred, __fmul_rn(xhat, means[c + k]));
}

/*
 * wisp_batch_norm_update: running_mean += momentum (mean - running_mean), running_var += momentum
 * (var count / (count - 1) - running_var), var = 1 / inv_std^2 - eps in double.
 *
 *   mean          const float*  [c], in
 *   inv_std       const float*  [c], in
 *   running_mean  float*        [c], in and out; overlaps no input
 *   running_var   float*        [c], in and out; overlaps no input
 *   c             long long
 *   count         long long     positions of the batch, at least 2
 *   eps           float
 *   momentum      float
 *
 * Grid (ceil(c / 256), 1, 1), block (256, 1, 1). 24 bytes a channel. No naive sibling: this is one
 * thread a channel already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_batch_norm_update(const float* __restrict__ mean, const float* __restrict__ inv_std,
                           float* __restrict__ running_mean, float* __restrict__ running_var,
                           long long c, long long count, float eps, float momentum) {
  const long long k = thread_index();
  if (k >= c) return;
  const double deviation = inv_std[k];
  const double var = 1 / (deviation * deviation) - eps;
  const double unbiased = var * (static_cast<double>(count) / static_cast<double>(count - 1));
  running_mean[k] += momentum * (mean[k] - running_mean[k]);
  running_var[k] += static_cast<float>(momentum * (unbiased - running_var[k]));
}
