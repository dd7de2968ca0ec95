/*
 * Plain convolution over [n, h, w, I] as an implicit matrix product, with bias, residual and ReLU
 * fused, and the packing of its weights: the SPI's loadWeights and convForward.
 *   y[p, o] = act(sum over taps (ky, kx), channels i of x[b, iy, ix, i] packed[o, ky, kx, i]
 *             + bias[o] + residual[p, o]),  iy = oy stride - padding + ky dilation, ix alike
 * These kernels judge a library's convolutions and run where there is none.
 *
 * The product is [pixels, K] x [K, O] with K = kernel^2 I, taps slowest. A block computes 64 pixels
 * by 64 output channels, a thread 4 by 4, 16 steps of K at a time through shared memory; the next
 * 16 are read into registers meanwhile. One accumulator an output, K in ascending order, fused
 * multiply-adds: the order depends on K alone.
 *
 * Bound on a Titan RTX: 2 K operations an output, 16.3 TFLOP/s fp32. A thread reads 8 floats from
 * shared memory for 16 multiply-adds, which keeps the multipliers busy about half the time.
 * Versions considered: 128 by 128 tiles of 8 by 8 a thread double that ratio and leave small grids
 * (32 by 32 pixels) with too few blocks; tensor cores and Winograd are the library's part. No run
 * on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
/* Pixels and output channels of a block's tile, and steps of K at a time. */
constexpr int kTile = 64;
constexpr int kDepth = 16;
/* A tile's row in shared memory: 4 more floats keep 16-byte alignment and spread the banks. */
constexpr int kPitch = kTile + 4;
/* Rows (or columns) of a tile one thread loads, and outputs along a side it computes. */
constexpr int kShare = kTile * kDepth / kBlock;
constexpr int kSide = 4;

/* A step of K: channel c of tap (ky, kx). */
struct Step {
  int c, ky, kx;

  __device__ void advance(int by, int channels, int kernel) {
    c += by;
    while (c >= channels && ky < kernel) {
      c -= channels;
      if (++kx == kernel) {
        kx = 0;
        ++ky;
      }
    }
  }
};

/* Where an output pixel's window begins. */
struct Corner {
  long long image;
  int y, x;
};

__device__ inline float activated(float value, int relu) {
  return relu && value <= 0.0f ? 0.0f : value;
}

}  // namespace

/*
 * wisp_load_weights: packed[o, t, i] = weight[o, i, t] (scale[0, o] + scale[1, o]), rounded once.
 *
 *   weight        const float*  [out_channels, in_channels, taps], in
 *   scale         const float*  [2, out_channels], in; or null for 1
 *   packed        float*        [out_channels, taps, in_channels], out; overlaps no input
 *   out_channels  long long
 *   in_channels   long long
 *   taps          long long     kernel^2, row by row
 *
 * Grid (ceil(out_channels in_channels taps / 256), 1, 1), block (256, 1, 1), no dynamic shared
 * memory. 8 bytes and 2 operations in double a weight. No naive sibling: this is one thread a weight already;
 * reads with a stride of `taps` meet in cache.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_load_weights(const float* __restrict__ weight, const float* __restrict__ scale,
                      float* __restrict__ packed, long long out_channels, long long in_channels,
                      long long taps) {
  const long long to = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (to >= out_channels * in_channels * taps) return;
  const long long row = to / in_channels, i = to - row * in_channels;
  const long long o = row / taps, t = row - o * taps;
  const float value = weight[(o * in_channels + i) * taps + t];
  if (scale == nullptr) {
    packed[to] = value;
    return;
  }
  const double factor = static_cast<double>(scale[o]) + scale[out_channels + o];
  packed[to] = static_cast<float>(value * factor);
}

/*
 * wisp_conv_forward
 *
 *   x             const float*  [n, h, w, in_channels], in
 *   packed        const float*  [out_channels, kernel, kernel, in_channels], in: from
 *                               wisp_load_weights
 *   bias          const float*  [out_channels], in; or null for 0
 *   residual      const float*  [n, out_h, out_w, out_channels], in; or null for 0
 *   y             float*        [n, out_h, out_w, out_channels], out; may be residual, overlaps no
 *                               other input
 *   n             long long
 *   h, w, in_channels           int
 *   out_h, out_w, out_channels  int: out_h = (h + 2 padding - dilation (kernel - 1) - 1) / stride
 *                               + 1, rounded down; out_w alike
 *   kernel, stride, padding, dilation  int
 *   relu          int           0 or 1; NaN stays NaN
 *
 * Grid (ceil(n out_h out_w / 64), ceil(out_channels / 64), 1), block (256, 1, 1), no dynamic shared
 * memory. wisp_conv_forward_naive: grid (ceil(n out_h out_w out_channels / 256), 1, 1), block (256,
 * 1, 1). 4 bytes written an output and 4 (8 with residual) read, x and packed once from memory, 64
 * times fewer from cache than the naive sibling reads.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_forward(const float* __restrict__ x, const float* __restrict__ packed,
                      const float* __restrict__ bias, const float* residual, float* y, long long n,
                      int h, int w, int in_channels, int out_h, int out_w, int out_channels,
                      int kernel, int stride, int padding, int dilation, int relu) {
  __shared__ __align__(16) float pixels[kDepth][kPitch];
  __shared__ __align__(16) float filters[kDepth][kPitch];
  const long long count = n * out_h * out_w;
  const long long first_pixel = static_cast<long long>(blockIdx.x) * kTile;
  const int first_filter = blockIdx.y * kTile;
  const int depth = kernel * kernel * in_channels;
  /* Loading: 16 neighbouring threads take 16 steps of K of one pixel, and of one filter. */
  const int k = threadIdx.x % kDepth, row = threadIdx.x / kDepth;
  Corner corners[kShare];
#pragma unroll
  for (int j = 0; j < kShare; ++j) {
    const long long pixel = first_pixel + row + j * (kBlock / kDepth);
    const long long line = pixel / out_w, image = line / out_h;
    corners[j].image = image * h * w;
    corners[j].y = pixel < count ? static_cast<int>(line - image * out_h) * stride - padding
                                 : h + padding;
    corners[j].x = static_cast<int>(pixel - line * out_w) * stride - padding;
  }
  Step step = {0, 0, 0};
  step.advance(k, in_channels, kernel);
  float next_pixels[kShare], next_filters[kShare];
  float sums[kSide][kSide] = {};
  const int from_row = threadIdx.x / kDepth * kSide, from_column = threadIdx.x % kDepth * kSide;

  for (int begin = -kDepth; begin < depth; begin += kDepth) {
    const int coming = begin + kDepth;
    if (coming < depth) {
#pragma unroll
      for (int j = 0; j < kShare; ++j) {
        const int iy = corners[j].y + step.ky * dilation, ix = corners[j].x + step.kx * dilation;
        const bool inside = coming + k < depth && iy >= 0 && iy < h && ix >= 0 && ix < w;
        next_pixels[j] =
            inside ? x[(corners[j].image + static_cast<long long>(iy) * w + ix) * in_channels +
                       step.c]
                   : 0.0f;
        const int filter = first_filter + row + j * (kBlock / kDepth);
        next_filters[j] = filter < out_channels && coming + k < depth
                              ? packed[static_cast<long long>(filter) * depth + coming + k]
                              : 0.0f;
      }
      step.advance(kDepth, in_channels, kernel);
    }
    if (begin >= 0) {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) {
        const float4 a = *reinterpret_cast<const float4*>(&pixels[d][from_row]);
        const float4 b = *reinterpret_cast<const float4*>(&filters[d][from_column]);
        const float left[kSide] = {a.x, a.y, a.z, a.w}, right[kSide] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < kSide; ++i)
#pragma unroll
          for (int j = 0; j < kSide; ++j) sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
      }
    }
    __syncthreads();
    if (coming < depth) {
#pragma unroll
      for (int j = 0; j < kShare; ++j) {
        pixels[k][row + j * (kBlock / kDepth)] = next_pixels[j];
        filters[k][row + j * (kBlock / kDepth)] = next_filters[j];
      }
    }
    __syncthreads();
  }

#pragma unroll
  for (int i = 0; i < kSide; ++i) {
    const long long pixel = first_pixel + from_row + i;
    if (pixel >= count) break;
#pragma unroll
    for (int j = 0; j < kSide; ++j) {
      const int filter = first_filter + from_column + j;
      if (filter >= out_channels) break;
      const long long at = pixel * out_channels + filter;
      float value = sums[i][j];
      if (bias != nullptr) value += bias[filter];
      if (residual != nullptr) value += residual[at];
      y[at] = activated(value, relu);
    }
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_forward_naive(const float* __restrict__ x, const float* __restrict__ packed,
                            const float* __restrict__ bias, const float* residual, float* y,
                            long long n, int h, int w, int in_channels, int out_h, int out_w,
                            int out_channels, int kernel, int stride, int padding, int dilation,
                            int relu) {
  const long long at = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (at >= n * out_h * out_w * out_channels) return;
  const long long pixel = at / out_channels, line = pixel / out_w, image = line / out_h;
  const long long o = at - pixel * out_channels;
  const long long oy = line - image * out_h, ox = pixel - line * out_w;
  float sum = 0.0f;
  for (int ky = 0; ky < kernel; ++ky)
    for (int kx = 0; kx < kernel; ++kx) {
      const long long iy = oy * stride - padding + ky * dilation;
      const long long ix = ox * stride - padding + kx * dilation;
      if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
      const float* from = x + ((image * h + iy) * w + ix) * in_channels;
      const float* filter = packed + ((o * kernel + ky) * kernel + kx) * in_channels;
      for (int i = 0; i < in_channels; ++i) sum = fmaf(from[i], filter[i], sum);
    }
  if (bias != nullptr) sum += bias[o];
  if (residual != nullptr) sum += residual[at];
  y[at] = activated(sum, relu);
}
