/*
 * Elementwise operations of the SPI's PointwiseOps.
 *
 * Every kernel here moves memory and computes next to nothing, so its bound is bytes over
 * bandwidth: on a Titan RTX (672 GB/s) 168 G elements/s where an element moves 4 bytes, 84 where 8,
 * 56 where 12, 42 where 16. Arithmetic (at most 2 operations an element) is two orders below 16.3
 * TFLOP/s.
 *
 * Common to all: block (256, 1, 1), no dynamic shared memory, float32 in device memory. A fast
 * kernel takes 4 consecutive elements a thread, as one 16-byte access where every pointer is
 * aligned for it and all four exist, else one by one; its naive sibling takes one. Tensors may be
 * of any size.
 *
 * Versions considered: one element a thread (the siblings) issues four times the instructions for
 * the same bytes; 8 elements a thread halves the warps that hide latency on small tensors for no
 * gain in the number of bytes. No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
/* Elements a thread takes: one 16-byte access. */
constexpr int kVector = 4;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

__device__ inline bool aligned(const void* pointer) {
  return (reinterpret_cast<unsigned long long>(pointer) & 15) == 0;
}

__device__ inline float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }

__device__ inline void store4(float* to, float4 v) { *reinterpret_cast<float4*>(to) = v; }

/* max(0, x), NaN stays NaN and -0 becomes 0. */
__device__ inline float rectified(float x) { return x <= 0.0f ? 0.0f : x; }

__device__ inline float add_product(float sum, float factor, float x) {
  return __fadd_rn(sum, __fmul_rn(factor, x));
}

}  // namespace

/*
 * wisp_fill: target[i] = value.
 *
 *   target  float*     [n], out
 *   n       long long
 *   value   float
 *
 * Grid (ceil(n / 1024), 1, 1); wisp_fill_naive (ceil(n / 256), 1, 1). 4 bytes an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_fill(float* __restrict__ target, long long n, float value) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(target)) {
    store4(target + begin, make_float4(value, value, value, value));
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i) target[i] = value;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_fill_naive(float* __restrict__ target, long long n, float value) {
  const long long i = thread_index();
  if (i >= n) return;
  target[i] = value;
}

/*
 * wisp_copy: target[i] = source[i], 32-bit words of any type, bit by bit. The two do not overlap.
 *
 *   source  const int*  [n], in
 *   target  int*        [n], out
 *   n       long long   words
 *
 * Grid (ceil(n / 1024), 1, 1); wisp_copy_naive (ceil(n / 256), 1, 1). 8 bytes an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_copy(const int* __restrict__ source, int* __restrict__ target, long long n) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(source) && aligned(target)) {
    *reinterpret_cast<int4*>(target + begin) = *reinterpret_cast<const int4*>(source + begin);
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i) target[i] = source[i];
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_copy_naive(const int* __restrict__ source, int* __restrict__ target, long long n) {
  const long long i = thread_index();
  if (i >= n) return;
  target[i] = source[i];
}

/*
 * wisp_add_scaled: target[i] += factor * source[i], the product and the sum each rounded.
 *
 *   source  const float*  [n], in
 *   target  float*        [n], in and out; does not overlap source
 *   n       long long
 *   factor  float
 *
 * Grid (ceil(n / 1024), 1, 1); wisp_add_scaled_naive (ceil(n / 256), 1, 1). 12 bytes, 2 operations
 * an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_add_scaled(const float* __restrict__ source, float* __restrict__ target, long long n,
                    float factor) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(source) && aligned(target)) {
    const float4 x = load4(source + begin);
    float4 sum = load4(target + begin);
    sum.x = add_product(sum.x, factor, x.x);
    sum.y = add_product(sum.y, factor, x.y);
    sum.z = add_product(sum.z, factor, x.z);
    sum.w = add_product(sum.w, factor, x.w);
    store4(target + begin, sum);
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i)
    target[i] = add_product(target[i], factor, source[i]);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_add_scaled_naive(const float* __restrict__ source, float* __restrict__ target, long long n,
                          float factor) {
  const long long i = thread_index();
  if (i >= n) return;
  target[i] = add_product(target[i], factor, source[i]);
}

/*
 * wisp_scale: x[i] *= factor[0], a number that another kernel has left on the device.
 *
 *   x       float*        [n], in and out
 *   factor  const float*  [1 or more], in: the first is read; not within x
 *   n       long long
 *
 * Grid (ceil(n / 1024), 1, 1); wisp_scale_naive (ceil(n / 256), 1, 1). 8 bytes, 1 operation an
 * element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_scale(float* __restrict__ x, const float* __restrict__ factor, long long n) {
  const long long begin = thread_index() * kVector;
  if (begin >= n) return;
  const float by = *factor;
  if (begin + kVector <= n && aligned(x)) {
    const float4 v = load4(x + begin);
    store4(x + begin, make_float4(v.x * by, v.y * by, v.z * by, v.w * by));
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i) x[i] *= by;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_scale_naive(float* __restrict__ x, const float* __restrict__ factor, long long n) {
  const long long i = thread_index();
  if (i >= n) return;
  x[i] *= *factor;
}

/*
 * wisp_relu: out[i] = max(0, x[i]); NaN stays NaN.
 *
 *   x    const float*  [n], in
 *   out  float*        [n], out; may be x itself
 *   n    long long
 *
 * Grid (ceil(n / 1024), 1, 1); wisp_relu_naive (ceil(n / 256), 1, 1). 8 bytes, 1 operation an
 * element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_relu(const float* x, float* out, long long n) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(x) && aligned(out)) {
    const float4 v = load4(x + begin);
    store4(out + begin,
           make_float4(rectified(v.x), rectified(v.y), rectified(v.z), rectified(v.w)));
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i) out[i] = rectified(x[i]);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_relu_naive(const float* x, float* out, long long n) {
  const long long i = thread_index();
  if (i >= n) return;
  out[i] = rectified(x[i]);
}

/*
 * wisp_relu_backward: dx[i] = y[i] > 0 ? dy[i] + extra[i] : 0. Selected, not multiplied: an
 * infinite gradient behind a closed unit gives 0.
 *
 *   y      const float*  [n], in: the activation's output
 *   dy     const float*  [n], in
 *   extra  const float*  [n], in: a second gradient; or null for none
 *   dx     float*        [n], out; may be dy or extra
 *   n      long long
 *
 * Grid (ceil(n / 1024), 1, 1); wisp_relu_backward_naive (ceil(n / 256), 1, 1). 12 bytes and 1
 * operation an element, 16 and 2 with extra.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_relu_backward(const float* __restrict__ y, const float* dy, const float* extra, float* dx,
                       long long n) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(y) && aligned(dy) && aligned(extra) && aligned(dx)) {
    const float4 open = load4(y + begin);
    float4 g = load4(dy + begin);
    if (extra != nullptr) {
      const float4 second = load4(extra + begin);
      g = make_float4(g.x + second.x, g.y + second.y, g.z + second.z, g.w + second.w);
    }
    store4(dx + begin,
           make_float4(open.x > 0.0f ? g.x : 0.0f, open.y > 0.0f ? g.y : 0.0f,
                       open.z > 0.0f ? g.z : 0.0f, open.w > 0.0f ? g.w : 0.0f));
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i) {
    const float g = extra == nullptr ? dy[i] : dy[i] + extra[i];
    dx[i] = y[i] > 0.0f ? g : 0.0f;
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_relu_backward_naive(const float* __restrict__ y, const float* dy, const float* extra,
                             float* dx, long long n) {
  const long long i = thread_index();
  if (i >= n) return;
  const float g = extra == nullptr ? dy[i] : dy[i] + extra[i];
  dx[i] = y[i] > 0.0f ? g : 0.0f;
}

/*
 * wisp_add_mirrored: target[r, x, k] += mirrored[r, w - 1 - x, k], r a row of an image.
 *
 *   mirrored  const float*  [rows, w, c], in; does not overlap target
 *   target    float*        [rows, w, c], in and out
 *   rows      long long     images times rows of an image
 *   w         long long
 *   c         long long
 *
 * Grid (ceil(rows w c / 256), 1, 1). 12 bytes, 1 operation an element. No naive sibling: this is
 * one thread an element already; it runs twice a scale on a small grid, where launching costs more
 * than the traffic.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_add_mirrored(const float* __restrict__ mirrored, float* __restrict__ target,
                      long long rows, long long w, long long c) {
  const long long i = thread_index();
  if (i >= rows * w * c) return;
  const long long pixel = i / c, row = pixel / w, x = pixel - row * w;
  target[i] += mirrored[(row * w + w - 1 - x) * c + (i - pixel * c)];
}

/*
 * wisp_denormalize: out[p, k] = x[p, k] * std[k] + mean[k], the product and the sum each rounded (a
 * fused multiply-add would move the guide image of the refinement by an ulp, which its softmax
 * magnifies).
 *
 *   x          const float*  [positions, 3], in
 *   out        float*        [positions, 3], out; does not overlap x
 *   positions  long long
 *   mean0, mean1, mean2      float, per channel
 *   std0, std1, std2         float, per channel
 *
 * Grid (ceil(3 positions / 256), 1, 1). 8 bytes, 2 operations an element. No naive sibling: this is
 * one thread an element already, and 3 channels do not fill a 16-byte access.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_denormalize(const float* __restrict__ x, float* __restrict__ out, long long positions,
                     float mean0, float mean1, float mean2, float std0, float std1, float std2) {
  const long long i = thread_index();
  if (i >= 3 * positions) return;
  const int k = static_cast<int>(i % 3);
  const float mean = k == 0 ? mean0 : k == 1 ? mean1 : mean2;
  const float std = k == 0 ? std0 : k == 1 ? std1 : std2;
  out[i] = add_product(mean, std, x[i]);
}
