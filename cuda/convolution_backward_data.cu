/*
 * Gradient of a plain convolution for its input as an implicit matrix product: the SPI's
 * convBackwardData.
 *   dx[p, i] = sum over taps (ky, kx), output channels o of dy[b, oy, ox, o] packed[o, ky, kx, i]
 * over the outputs that read pixel p = (b, y, x): oy stride = y + padding - ky dilation, ox alike.
 * Gathered by the input: no atomics, no separate clearing.
 *
 * The product is [pixels, K] x [K, I] with K = kernel^2 O, taps slowest, laid out as in the forward
 * kernel: a block computes 64 pixels by 64 channels, a thread 4 by 4, 16 steps of K at a time. One
 * accumulator an output, K in ascending order, fused multiply-adds.
 *
 * Bound on a Titan RTX: 2 K operations an element of dx at stride 1, 16.3 TFLOP/s fp32, about half
 * of it reachable (8 floats from shared memory for 16 multiply-adds). At stride 2 three quarters of
 * the products are with zeros; versions considered: four products over the pixels of equal parity
 * avoid them and need four launches; only two convolutions of the trained network have stride 2. No
 * run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
/* Pixels and channels of a block's tile, and steps of K at a time. */
constexpr int kTile = 64;
constexpr int kDepth = 16;
/* A tile's row in shared memory: 4 more floats keep 16-byte alignment and spread the banks. */
constexpr int kPitch = kTile + 4;
/* Elements of each tile one thread loads, and outputs along a side it computes. */
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

/* An input pixel, its padding added. */
struct Pixel {
  long long image;
  int y, x;
};

/* The output coordinate that reads `at` (padding added, tap taken off) at this stride, or -1. */
__device__ inline int reader(int at, int stride, int out) {
  if (at < 0) return -1;
  const int o = stride == 1 ? at : at / stride;
  return o < out && o * stride == at ? o : -1;
}

}  // namespace

/*
 * wisp_conv_backward_data
 *
 *   dy            const float*  [n, out_h, out_w, out_channels], in
 *   packed        const float*  [out_channels, kernel, kernel, in_channels], in: from
 *                               wisp_load_weights
 *   dx            float*        [n, h, w, in_channels], out; overlaps no input
 *   n             long long
 *   h, w, in_channels           int
 *   out_h, out_w, out_channels  int, as for wisp_conv_forward
 *   kernel, stride, padding, dilation  int
 *
 * Grid (ceil(n h w / 64), ceil(in_channels / 64), 1), block (256, 1, 1), no dynamic shared memory.
 * wisp_conv_backward_data_naive: grid (ceil(n h w in_channels / 256), 1, 1), block (256, 1, 1). 4
 * bytes written an element, dy and packed once from memory.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_backward_data(const float* __restrict__ dy, const float* __restrict__ packed,
                            float* __restrict__ dx, long long n, int h, int w, int in_channels,
                            int out_h, int out_w, int out_channels, int kernel, int stride,
                            int padding, int dilation) {
  __shared__ __align__(16) float gradients[kDepth][kPitch];
  __shared__ __align__(16) float filters[kDepth][kPitch];
  const long long count = n * h * w;
  const long long first_pixel = static_cast<long long>(blockIdx.x) * kTile;
  const int first_channel = blockIdx.y * kTile;
  const int depth = kernel * kernel * out_channels;
  /* Loading gradients: 16 neighbouring threads take 16 steps of K of one pixel. */
  const int k = threadIdx.x % kDepth, row = threadIdx.x / kDepth;
  Pixel pixels[kShare];
#pragma unroll
  for (int j = 0; j < kShare; ++j) {
    const long long pixel = first_pixel + row + j * (kBlock / kDepth);
    const long long line = pixel / w, image = line / h;
    pixels[j].image = image * out_h * out_w;
    pixels[j].y = pixel < count ? static_cast<int>(line - image * h) + padding : -1;
    pixels[j].x = static_cast<int>(pixel - line * w) + padding;
  }
  Step step = {0, 0, 0};
  step.advance(k, out_channels, kernel);
  /* Loading filters: 64 neighbouring threads take 64 channels of one step of K. */
  const int channel = first_channel + static_cast<int>(threadIdx.x) % kTile;
  const int first_step = threadIdx.x / kTile;
  Step filter_step = {0, 0, 0};
  filter_step.advance(first_step, out_channels, kernel);
  float next_gradients[kShare], next_filters[kShare];
  float sums[kSide][kSide] = {};
  const int from_row = threadIdx.x / kDepth * kSide, from_column = threadIdx.x % kDepth * kSide;

  for (int begin = -kDepth; begin < depth; begin += kDepth) {
    const int coming = begin + kDepth;
    if (coming < depth) {
#pragma unroll
      for (int j = 0; j < kShare; ++j) {
        const int oy = reader(pixels[j].y - step.ky * dilation, stride, out_h);
        const int ox = reader(pixels[j].x - step.kx * dilation, stride, out_w);
        const bool reads = coming + k < depth && oy >= 0 && ox >= 0;
        next_gradients[j] =
            reads ? dy[(pixels[j].image + static_cast<long long>(oy) * out_w + ox) * out_channels +
                       step.c]
                  : 0.0f;
      }
      step.advance(kDepth, out_channels, kernel);
#pragma unroll
      for (int j = 0; j < kShare; ++j) {
        const long long tap = filter_step.ky * kernel + filter_step.kx;
        next_filters[j] =
            channel < in_channels && filter_step.ky < kernel
                ? packed[(static_cast<long long>(filter_step.c) * kernel * kernel + tap) *
                             in_channels +
                         channel]
                : 0.0f;
        filter_step.advance(kBlock / kTile, out_channels, kernel);
      }
    }
    if (begin >= 0) {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) {
        const float4 a = *reinterpret_cast<const float4*>(&gradients[d][from_row]);
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
        gradients[k][row + j * (kBlock / kDepth)] = next_gradients[j];
        filters[first_step + j * (kBlock / kTile)][threadIdx.x % kTile] = next_filters[j];
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
      const int to = first_channel + from_column + j;
      if (to >= in_channels) break;
      dx[pixel * in_channels + to] = sums[i][j];
    }
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_backward_data_naive(const float* __restrict__ dy, const float* __restrict__ packed,
                                  float* __restrict__ dx, long long n, int h, int w,
                                  int in_channels, int out_h, int out_w, int out_channels,
                                  int kernel, int stride, int padding, int dilation) {
  const long long at = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (at >= n * h * w * in_channels) return;
  const long long pixel = at / in_channels, line = pixel / w, image = line / h;
  const long long i = at - pixel * in_channels;
  const int y = static_cast<int>(line - image * h), x = static_cast<int>(pixel - line * w);
  float sum = 0.0f;
  for (int ky = 0; ky < kernel; ++ky)
    for (int kx = 0; kx < kernel; ++kx)
      for (int oy = 0; oy < out_h; ++oy) {
        if (oy * stride - padding + ky * dilation != y) continue;
        for (int ox = 0; ox < out_w; ++ox) {
          if (ox * stride - padding + kx * dilation != x) continue;
          const float* from = dy + ((image * out_h + oy) * out_w + ox) * out_channels;
          for (long long o = 0; o < out_channels; ++o)
            sum = fmaf(from[o], packed[((o * kernel + ky) * kernel + kx) * in_channels + i], sum);
        }
      }
  dx[at] = sum;
}
