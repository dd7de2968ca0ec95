/*
 * What surrounds a library's convolutions where activations and their gradients are float16 in
 * memory: bias, residual and ReLU of a product, and on the way back the ReLU's gradient, sums of
 * gradients and the bias's gradient. Each value is widened, computed in float32 and rounded once, to
 * the nearest (ties to even), when it is stored.
 *
 * Everything here moves memory and computes next to nothing: the bound is bytes over bandwidth, on
 * a Titan RTX (672 GB/s) 168 G elements/s where an element moves 4 bytes, 112 where 6, 84 where 8.
 * The elementwise kernels take 8 consecutive elements a thread, as one 16-byte access where every
 * pointer is aligned for it and all eight exist, else one by one; a naive sibling takes one. Versions
 * considered: 4 elements (8-byte accesses, as cuda/half.cu has between its two types) doubles the
 * instructions for the same bytes; add.f16x2 would round the sum of two gradients twice. No run on a
 * GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
/* Elements a thread takes: one 16-byte access. */
constexpr int kVector = 8;
/* Threads of the bias's sums: 32 pairs of channels by 8 positions, 8 positions in float at a time. */
constexpr int kLanes = 32;
constexpr int kRows = 8;
constexpr int kRun = 8;
constexpr int kChannels = 2 * kLanes;

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

/* Eight numbers of an array. */
struct Eight {
  float v[kVector];
};

__device__ inline float2 halves(unsigned word) {
  return make_float2(widened(static_cast<unsigned short>(word & 0xffffu)),
                     widened(static_cast<unsigned short>(word >> 16)));
}

__device__ inline unsigned packed(float low, float high) {
  return static_cast<unsigned>(rounded(high)) << 16 | rounded(low);
}

__device__ inline Eight load8(const unsigned short* from) {
  const uint4 word = *reinterpret_cast<const uint4*>(from);
  const float2 a = halves(word.x), b = halves(word.y), c = halves(word.z), d = halves(word.w);
  return {{a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y}};
}

__device__ inline Eight load8(const float* from) {
  const float4 a = *reinterpret_cast<const float4*>(from);
  const float4 b = *reinterpret_cast<const float4*>(from + 4);
  return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
}

__device__ inline void store8(unsigned short* to, const Eight& x) {
  *reinterpret_cast<uint4*>(to) = make_uint4(packed(x.v[0], x.v[1]), packed(x.v[2], x.v[3]),
                                             packed(x.v[4], x.v[5]), packed(x.v[6], x.v[7]));
}

/* max(0, x), NaN stays NaN. */
__device__ inline float rectified(float x) { return x <= 0.0f ? 0.0f : x; }

/* act(product + bias + residual); NaN stays NaN. */
__device__ inline unsigned short finished(unsigned short product, const float* bias,
                                          long long channel, const unsigned short* residual,
                                          long long at, int relu) {
  float value = widened(product);
  if (bias != nullptr) value = __fadd_rn(value, bias[channel]);
  if (residual != nullptr) value = __fadd_rn(value, widened(residual[at]));
  return rounded(relu ? rectified(value) : value);
}

__device__ inline float added(float sum, float factor, float x) {
  return __fadd_rn(sum, __fmul_rn(factor, x));
}

/* The gradient before a ReLU: selected, not multiplied. */
__device__ inline unsigned short passed(unsigned short y, unsigned short dy,
                                        const unsigned short* extra, long long at) {
  float g = widened(dy);
  if (extra != nullptr) g = __fadd_rn(g, widened(extra[at]));
  return rounded(widened(y) > 0.0f ? g : 0.0f);
}

}  // namespace

/*
 * wisp_half_finish: y[p, c] = act(product[p, c] + bias[c] + residual[p, c]).
 *
 *   product   const unsigned short*  [positions, channels], in: bits of float16
 *   bias      const float*           [channels], in; or null for 0
 *   residual  const unsigned short*  [positions, channels], in: bits of float16; or null for 0
 *   y         unsigned short*        [positions, channels], out: bits of float16; may be product or
 *                                    residual
 *   positions long long
 *   channels  int
 *   relu      int                    0 or 1; NaN stays NaN
 *
 * Grid (ceil(positions channels / 2048), 1, 1), block (256, 1, 1), no dynamic shared memory;
 * wisp_half_finish_naive: grid (ceil(positions channels / 256), 1, 1). 4 bytes and 2 operations an
 * element, 6 and 3 with a residual.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_finish(const unsigned short* product, const float* __restrict__ bias,
                     const unsigned short* residual, unsigned short* y, long long positions,
                     int channels, int relu) {
  const long long count = positions * channels, begin = thread_index() * kVector;
  if (begin >= count) return;
  int channel = static_cast<int>(begin % channels);
  if (channels % kVector == 0 && aligned(product, 16) && aligned(bias, 16) &&
      aligned(residual, 16) && aligned(y, 16)) {
    Eight x = load8(product + begin);
    if (bias != nullptr) {
      const Eight add = load8(bias + channel);
#pragma unroll
      for (int j = 0; j < kVector; ++j) x.v[j] = __fadd_rn(x.v[j], add.v[j]);
    }
    if (residual != nullptr) {
      const Eight rest = load8(residual + begin);
#pragma unroll
      for (int j = 0; j < kVector; ++j) x.v[j] = __fadd_rn(x.v[j], rest.v[j]);
    }
    if (relu) {
#pragma unroll
      for (int j = 0; j < kVector; ++j) x.v[j] = rectified(x.v[j]);
    }
    store8(y + begin, x);
    return;
  }
  for (long long at = begin; at < count && at < begin + kVector; ++at) {
    y[at] = finished(product[at], bias, channel, residual, at, relu);
    if (++channel == channels) channel = 0;
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_finish_naive(const unsigned short* product, const float* __restrict__ bias,
                           const unsigned short* residual, unsigned short* y, long long positions,
                           int channels, int relu) {
  const long long at = thread_index();
  if (at >= positions * channels) return;
  y[at] = finished(product[at], bias, at % channels, residual, at, relu);
}

/*
 * wisp_half_add_scaled: target[i] += factor * source[i], product and sum each rounded to float32.
 *
 *   source  const unsigned short*  [n], in: bits of float16
 *   target  unsigned short*        [n], in and out: bits of float16; does not overlap source
 *   n       long long
 *   factor  float
 *
 * Grid (ceil(n / 2048), 1, 1), block (256, 1, 1), no dynamic shared memory;
 * wisp_half_add_scaled_naive: grid (ceil(n / 256), 1, 1). 6 bytes, 2 operations an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_add_scaled(const unsigned short* __restrict__ source,
                         unsigned short* __restrict__ target, long long n, float factor) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(source, 16) && aligned(target, 16)) {
    const Eight x = load8(source + begin);
    Eight sum = load8(target + begin);
#pragma unroll
    for (int j = 0; j < kVector; ++j) sum.v[j] = added(sum.v[j], factor, x.v[j]);
    store8(target + begin, sum);
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i)
    target[i] = rounded(added(widened(target[i]), factor, widened(source[i])));
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_add_scaled_naive(const unsigned short* __restrict__ source,
                               unsigned short* __restrict__ target, long long n, float factor) {
  const long long i = thread_index();
  if (i >= n) return;
  target[i] = rounded(added(widened(target[i]), factor, widened(source[i])));
}

/*
 * wisp_half_relu_backward: dx[i] = y[i] > 0 ? dy[i] + extra[i] : 0. Selected, not multiplied: an
 * infinite gradient behind a closed unit gives 0.
 *
 *   y      const unsigned short*  [n], in: the activation's output, bits of float16 as all here
 *   dy     const unsigned short*  [n], in
 *   extra  const unsigned short*  [n], in: a second gradient; or null for none
 *   dx     unsigned short*        [n], out; may be dy or extra
 *   n      long long
 *
 * Grid (ceil(n / 2048), 1, 1), block (256, 1, 1), no dynamic shared memory;
 * wisp_half_relu_backward_naive: grid (ceil(n / 256), 1, 1). 6 bytes and 1 operation an element, 8
 * and 2 with extra.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_relu_backward(const unsigned short* __restrict__ y, const unsigned short* dy,
                            const unsigned short* extra, unsigned short* dx, long long n) {
  const long long begin = thread_index() * kVector;
  if (begin + kVector <= n && aligned(y, 16) && aligned(dy, 16) && aligned(extra, 16) &&
      aligned(dx, 16)) {
    const Eight open = load8(y + begin);
    Eight g = load8(dy + begin);
    if (extra != nullptr) {
      const Eight second = load8(extra + begin);
#pragma unroll
      for (int j = 0; j < kVector; ++j) g.v[j] = __fadd_rn(g.v[j], second.v[j]);
    }
#pragma unroll
    for (int j = 0; j < kVector; ++j) g.v[j] = open.v[j] > 0.0f ? g.v[j] : 0.0f;
    store8(dx + begin, g);
    return;
  }
  for (long long i = begin; i < n && i < begin + kVector; ++i)
    dx[i] = passed(y[i], dy[i], extra, i);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_relu_backward_naive(const unsigned short* __restrict__ y, const unsigned short* dy,
                                  const unsigned short* extra, unsigned short* dx, long long n) {
  const long long i = thread_index();
  if (i >= n) return;
  dx[i] = passed(y[i], dy[i], extra, i);
}

/*
 * wisp_half_bias_sums: wisp_conv_backward_bias_sums (convolution_backward_weights.cu) of a float16
 * dy, to the same bits as of the widened one: for each piece of positions the sums of dy, 8 positions
 * in float at a time, then in double.
 *
 *   dy            const unsigned short*  [positions, out_channels], in: bits of float16
 *   sums          double*                [chunks, out_channels], out
 *   positions     long long              n out_h out_w
 *   out_channels  long long
 *   chunks        long long              as there
 *
 * A thread sums two neighbouring channels, which it reads as one 4-byte word where there is an even
 * number of them. Grid (chunks ceil(out_channels / 64), 1, 1), block (32, 8, 1), no dynamic shared
 * memory. wisp_half_bias_sums_naive: grid (ceil(chunks out_channels / 256), 1, 1), block (256, 1, 1).
 * 2 bytes and 1 operation an element: bandwidth, 336 G elements/s on a Titan RTX.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_bias_sums(const unsigned short* __restrict__ dy, double* __restrict__ sums,
                        long long positions, long long out_channels, long long chunks) {
  __shared__ double part[2][kRows][kLanes];
  const long long tiles = (out_channels + kChannels - 1) / kChannels;
  const long long chunk = blockIdx.x / tiles, piece = (positions + chunks - 1) / chunks;
  const long long o = (blockIdx.x - chunk * tiles) * kChannels + 2 * threadIdx.x;
  const long long end = (chunk + 1) * piece < positions ? (chunk + 1) * piece : positions;
  const bool words = out_channels % 2 == 0 && aligned(dy, 4), both = o + 1 < out_channels;
  double first = 0, second = 0;
  if (o < out_channels)
    for (long long p = chunk * piece + threadIdx.y; p < end; p += kRun * kRows) {
      float2 run = make_float2(0.0f, 0.0f);
#pragma unroll
      for (int j = 0; j < kRun; ++j)
        if (p + j * kRows < end) {
          const unsigned short* from = dy + (p + j * kRows) * out_channels + o;
          const float2 g = words ? halves(*reinterpret_cast<const unsigned*>(from))
                                 : make_float2(widened(from[0]), both ? widened(from[1]) : 0.0f);
          run.x += g.x;
          run.y += g.y;
        }
      first += run.x;
      second += run.y;
    }
  part[0][threadIdx.y][threadIdx.x] = first;
  part[1][threadIdx.y][threadIdx.x] = second;
  __syncthreads();
  if (threadIdx.y != 0 || o >= out_channels) return;
  for (int row = 1; row < kRows; ++row) {
    first += part[0][row][threadIdx.x];
    second += part[1][row][threadIdx.x];
  }
  sums[chunk * out_channels + o] = first;
  if (both) sums[chunk * out_channels + o + 1] = second;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_bias_sums_naive(const unsigned short* __restrict__ dy, double* __restrict__ sums,
                              long long positions, long long out_channels, long long chunks) {
  const long long at = thread_index();
  if (at >= chunks * out_channels) return;
  const long long chunk = at / out_channels, o = at - chunk * out_channels;
  const long long piece = (positions + chunks - 1) / chunks;
  double sum = 0;
  for (long long p = chunk * piece; p < (chunk + 1) * piece && p < positions; ++p)
    sum += widened(dy[p * out_channels + o]);
  sums[at] = sum;
}
