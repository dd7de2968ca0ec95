/*
 * Division of each position's channel vector by its L2 norm, and the gradient (method.md section 1:
 * the hierarchical feature): the SPI's l2Normalize and l2NormalizeBackward.
 *
 * Common to all: no dynamic shared memory. The fast kernels give a warp to a position, block (32,
 * 8, 1), grid (ceil(positions / 8), 1, 1); a lane takes every 32nd channel, or every 32nd group of
 * four where c is a multiple of 4 and the pointers are aligned for 16 bytes, and the lanes' sums
 * are added as a tree: an order that depends on c and alignment alone. The siblings give a thread
 * to a position, grid (ceil(positions / 256), 1, 1), block (256, 1, 1).
 *
 * Versions considered: keeping the vector in registers between the two passes needs an upper bound
 * on c; a position is 0.5 to 8 KiB and its second reading comes from cache. A block a position pays
 * a barrier for what shuffles do. No run on a GPU has been made.
 */

namespace {

constexpr int kLanes = 32;
constexpr int kRows = 8;
constexpr int kBlock = kLanes * kRows;
constexpr int kVector = 4;
constexpr unsigned kAll = 0xffffffffu;

__device__ inline bool aligned(const void* pointer) {
  return (reinterpret_cast<unsigned long long>(pointer) & 15) == 0;
}

__device__ inline float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }

__device__ inline void store4(float* to, float4 v) { *reinterpret_cast<float4*>(to) = v; }

/* a . b over c channels by one warp, the result in every lane. */
__device__ inline float warp_dot(const float* a, const float* b, int c, bool vectors) {
  float sum = 0.0f;
  if (vectors) {
#pragma unroll 2
    for (int k = kVector * threadIdx.x; k < c; k += kVector * kLanes) {
      const float4 u = load4(a + k), v = load4(b + k);
      sum = fmaf(u.x, v.x, sum);
      sum = fmaf(u.y, v.y, sum);
      sum = fmaf(u.z, v.z, sum);
      sum = fmaf(u.w, v.w, sum);
    }
  } else {
#pragma unroll 2
    for (int k = threadIdx.x; k < c; k += kLanes) sum = fmaf(a[k], b[k], sum);
  }
  for (int step = kLanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kAll, sum, step);
  return sum;
}

__device__ inline float plain_dot(const float* a, const float* b, int c) {
  float sum = 0.0f;
  for (int k = 0; k < c; ++k) sum = fmaf(a[k], b[k], sum);
  return sum;
}

/*
 * (x . dy) / (n (n + eps)^2), 0 where n is 0. Divided step by step: n (n + eps)^2 underflows for
 * norms near 1e-15. A NaN norm stays NaN.
 */
__device__ inline float radial_factor(float dot, float norm, float divisor) {
  return norm == 0.0f ? 0.0f : dot / norm / divisor / divisor;
}

/* One channel of the gradient: g direct - x radial, direct being 1 / (n + eps). */
__device__ inline float channel_gradient(float g, float x, float direct, float radial) {
  return __fsub_rn(__fmul_rn(g, direct), __fmul_rn(x, radial));
}

}  // namespace

/*
 * wisp_l2_normalize: norms[p] = |x[p, .]|, y[p, k] = x[p, k] / (norms[p] + eps).
 *
 *   x          const float*  [positions, c], in
 *   y          float*        [positions, c], out; may be x itself
 *   norms      float*        [positions], out
 *   positions  long long     n h w
 *   c          int           at least 1
 *   eps        float
 *
 * 8 bytes (4 more from cache) and 3 operations an element, one of them a division of some eight
 * instructions. Bound: bandwidth, 84 G elements/s.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_l2_normalize(const float* x, float* y, float* __restrict__ norms,
                      long long positions, int c, float eps) {
  const long long p = static_cast<long long>(blockIdx.x) * kRows + threadIdx.y;
  if (p >= positions) return;
  const bool vectors = c % kVector == 0 && aligned(x) && aligned(y);
  const float* from = x + p * c;
  float* to = y + p * c;
  const float norm = sqrtf(warp_dot(from, from, c, vectors));
  const float divisor = norm + eps;
  if (threadIdx.x == 0) norms[p] = norm;
  if (vectors) {
#pragma unroll 2
    for (int k = kVector * threadIdx.x; k < c; k += kVector * kLanes) {
      const float4 v = load4(from + k);
      store4(to + k, make_float4(v.x / divisor, v.y / divisor, v.z / divisor, v.w / divisor));
    }
  } else {
#pragma unroll 2
    for (int k = threadIdx.x; k < c; k += kLanes) to[k] = from[k] / divisor;
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_l2_normalize_naive(const float* x, float* y, float* __restrict__ norms,
                            long long positions, int c, float eps) {
  const long long p = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (p >= positions) return;
  const float norm = sqrtf(plain_dot(x + p * c, x + p * c, c));
  norms[p] = norm;
  for (long long i = p * c; i < (p + 1) * c; ++i) y[i] = x[i] / (norm + eps);
}

/*
 * wisp_l2_normalize_backward: with n = norms[p],
 *   dx[p, k] = dy[p, k] / (n + eps) - x[p, k] (x[p, .] . dy[p, .]) / (n (n + eps)^2),
 * and dx = dy / eps where n is 0.
 *
 *   x          const float*  [positions, c], in: the forward input
 *   norms      const float*  [positions], in: from wisp_l2_normalize
 *   dy         const float*  [positions, c], in
 *   dx         float*        [positions, c], out; overlaps no input
 *   positions  long long     n h w
 *   c          int           at least 1
 *   eps        float
 *
 * 12 bytes (8 more from cache) and 5 operations an element. Bound: bandwidth, 56 G elements/s.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_l2_normalize_backward(const float* __restrict__ x, const float* __restrict__ norms,
                               const float* __restrict__ dy, float* __restrict__ dx,
                               long long positions, int c, float eps) {
  const long long p = static_cast<long long>(blockIdx.x) * kRows + threadIdx.y;
  if (p >= positions) return;
  const bool vectors = c % kVector == 0 && aligned(x) && aligned(dy) && aligned(dx);
  const float* from = x + p * c;
  const float* gradient = dy + p * c;
  float* to = dx + p * c;
  const float norm = norms[p], divisor = norm + eps;
  const float radial = radial_factor(warp_dot(from, gradient, c, vectors), norm, divisor);
  const float direct = 1.0f / divisor;
  if (vectors) {
#pragma unroll 2
    for (int k = kVector * threadIdx.x; k < c; k += kVector * kLanes) {
      const float4 v = load4(from + k), g = load4(gradient + k);
      store4(to + k, make_float4(channel_gradient(g.x, v.x, direct, radial),
                                 channel_gradient(g.y, v.y, direct, radial),
                                 channel_gradient(g.z, v.z, direct, radial),
                                 channel_gradient(g.w, v.w, direct, radial)));
    }
  } else {
#pragma unroll 2
    for (int k = threadIdx.x; k < c; k += kLanes)
      to[k] = channel_gradient(gradient[k], from[k], direct, radial);
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_l2_normalize_backward_naive(const float* __restrict__ x, const float* __restrict__ norms,
                                     const float* __restrict__ dy, float* __restrict__ dx,
                                     long long positions, int c, float eps) {
  const long long p = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (p >= positions) return;
  const float norm = norms[p], divisor = norm + eps;
  const float radial = radial_factor(plain_dot(x + p * c, dy + p * c, c), norm, divisor);
  for (long long i = p * c; i < (p + 1) * c; ++i)
    dx[i] = channel_gradient(dy[i], x[i], 1.0f / divisor, radial);
}
