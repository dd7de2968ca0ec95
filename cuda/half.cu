/*
 * Between float32 and float16: the SPI's convert, and float32 tensors around a library's
 * convolutions on tensor cores, whose operands are rounded to the nearest float16 (ties to even) on
 * the way in; products come back as float16 and are widened, with bias, residual and ReLU added in
 * float32. What does not fit becomes infinite (from 65520 on) or 0 (up to 2^-25).
 *
 * Everything here moves memory and computes next to nothing: 6 bytes an element, 112 G elements/s
 * on a Titan RTX (672 GB/s). A thread takes 4 consecutive elements, as one 16-byte and one 8-byte
 * access where every pointer is aligned for it and all four exist, else one by one; a naive sibling
 * takes one. Versions considered: 2 elements by cvt.rn.f16x2 need sm_80. No run on a GPU has been
 * made.
 */

namespace {

constexpr int kBlock = 256;
/* Elements a thread takes. */
constexpr int kVector = 4;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

__device__ inline bool aligned(const void* pointer, unsigned bytes) {
  return (reinterpret_cast<unsigned long long>(pointer) & (bytes - 1)) == 0;
}

__device__ inline unsigned short rounded(float value) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

__device__ inline float widened(unsigned short bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

__device__ inline float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }

__device__ inline float4 sum4(float4 a, float4 b) {
  return make_float4(__fadd_rn(a.x, b.x), __fadd_rn(a.y, b.y), __fadd_rn(a.z, b.z),
                     __fadd_rn(a.w, b.w));
}

/* max(0, x), NaN stays NaN. */
__device__ inline float rectified(float x) { return x <= 0.0f ? 0.0f : x; }

/* act(value + bias + residual); NaN stays NaN. */
__device__ inline float finished(float value, const float* bias, long long channel,
                                 const float* residual, long long at, int relu) {
  if (bias != nullptr) value = __fadd_rn(value, bias[channel]);
  if (residual != nullptr) value = __fadd_rn(value, residual[at]);
  return relu ? rectified(value) : value;
}

}  // namespace

/*
 * wisp_to_half: target[i] = float16(source[i]).
 *
 *   source  const float*     [n], in
 *   target  unsigned short*  [n], out: bits of float16
 *   n       long long
 *
 * Grid (ceil(n / 1024), 1, 1), block (256, 1, 1), no dynamic shared memory; wisp_to_half_naive:
 * grid (ceil(n / 256), 1, 1).
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_to_half(const float* __restrict__ source, unsigned short* __restrict__ target,
                 long long n) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(source, 16) && aligned(target, 8)) {
    const float4 v = *reinterpret_cast<const float4*>(source + begin);
    *reinterpret_cast<ushort4*>(target + begin) =
        make_ushort4(rounded(v.x), rounded(v.y), rounded(v.z), rounded(v.w));
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i) target[i] = rounded(source[i]);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_to_half_naive(const float* __restrict__ source, unsigned short* __restrict__ target,
                       long long n) {
  const long long i = thread_index();
  if (i >= n) return;
  target[i] = rounded(source[i]);
}

/*
 * wisp_from_half: target[i] = float32(source[i]).
 *
 *   source  const unsigned short*  [n], in: bits of float16
 *   target  float*                 [n], out
 *   n       long long
 *
 * Grid (ceil(n / 1024), 1, 1), block (256, 1, 1), no dynamic shared memory; wisp_from_half_naive:
 * grid (ceil(n / 256), 1, 1).
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_from_half(const unsigned short* __restrict__ source, float* __restrict__ target,
                   long long n) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(source, 8) && aligned(target, 16)) {
    const ushort4 v = *reinterpret_cast<const ushort4*>(source + begin);
    *reinterpret_cast<float4*>(target + begin) =
        make_float4(widened(v.x), widened(v.y), widened(v.z), widened(v.w));
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i) target[i] = widened(source[i]);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_from_half_naive(const unsigned short* __restrict__ source, float* __restrict__ target,
                         long long n) {
  const long long i = thread_index();
  if (i >= n) return;
  target[i] = widened(source[i]);
}

/*
 * wisp_conv_finish_half: y[p, c] = act(float32(product[p, c]) + bias[c] + residual[p, c]).
 *
 *   product   const unsigned short*  [positions, channels], in: bits of float16
 *   bias      const float*           [channels], in; or null for 0
 *   residual  const float*           [positions, channels], in; or null for 0
 *   y         float*                 [positions, channels], out; may be residual
 *   positions long long
 *   channels  int
 *   relu      int                    0 or 1; NaN stays NaN
 *
 * Grid (ceil(positions channels / 1024), 1, 1), block (256, 1, 1), no dynamic shared memory;
 * wisp_conv_finish_half_naive: grid (ceil(positions channels / 256), 1, 1). 6 bytes and 2 operations
 * an element, 10 and 3 with a residual. The fast kernel is that of wisp_conv_finish
 * (convolution_layout.cu).
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_finish_half(const unsigned short* __restrict__ product,
                          const float* __restrict__ bias, const float* residual, float* y,
                          long long positions, int channels, int relu) {
  const long long count = positions * channels, begin = thread_index() * kVector;
  if (begin >= count) return;
  int channel = static_cast<int>(begin % channels);
  if (channels % kVector == 0 && aligned(product, 8) && aligned(bias, 16) &&
      aligned(residual, 16) && aligned(y, 16)) {
    const ushort4 bits = *reinterpret_cast<const ushort4*>(product + begin);
    float4 v = make_float4(widened(bits.x), widened(bits.y), widened(bits.z), widened(bits.w));
    if (bias != nullptr) v = sum4(v, load4(bias + channel));
    if (residual != nullptr) v = sum4(v, load4(residual + begin));
    if (relu) v = make_float4(rectified(v.x), rectified(v.y), rectified(v.z), rectified(v.w));
    *reinterpret_cast<float4*>(y + begin) = v;
    return;
  }
  for (long long at = begin; at < count && at < begin + kVector; ++at) {
    y[at] = finished(widened(product[at]), bias, channel, residual, at, relu);
    if (++channel == channels) channel = 0;
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_finish_half_naive(const unsigned short* __restrict__ product,
                                const float* __restrict__ bias, const float* residual, float* y,
                                long long positions, int channels, int relu) {
  const long long at = thread_index();
  if (at >= positions * channels) return;
  y[at] = finished(widened(product[at]), bias, at % channels, residual, at, relu);
}
