/*
 * Gradients of a plain convolution for its weights and bias: the SPI's convBackwardWeights.
 *   dw[o, i, ky, kx] = sum over outputs p = (b, oy, ox) of dy[p, o] x[b, iy, ix, i],
 *   iy = oy stride - padding + ky dilation, ix alike;   db[o] = sum over p of dy[p, o]
 *
 * Weights are two kernels, wisp_conv_backward_weights_sums and wisp_conv_backward_weights; the bias
 * two, wisp_conv_backward_bias_sums and wisp_conv_backward_bias.
 *
 * The product is [O, P] x [P, K], P all output positions and K = kernel^2 I. Few tiles and many
 * positions: positions are cut into `splits` pieces that different blocks sum, added in ascending
 * order by the second kernel, so the order depends on sizes alone:
 *   tiles = ceil(O / 64) ceil(K / 64),  splits = max(1, min(floor(512 / tiles), ceil(P / 256)))
 * Workspace: splits O K floats. The bias's pieces: chunks = max(1, min(512, ceil(P / 256))); chunks
 * O doubles.
 *
 * Bound on a Titan RTX: 2 P operations a weight, 16.3 TFLOP/s fp32, about half of it reachable (8
 * floats from shared memory for 16 multiply-adds). Versions considered: without the split a 1x1
 * convolution of 1024 to 256 channels is 64 blocks for 72 processors; splits added with atomics
 * have no order. No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
/* Output channels and columns of K in a block's tile, and positions at a time. */
constexpr int kTile = 64;
constexpr int kDepth = 16;
/* A tile's row in shared memory: 4 more floats keep 16-byte alignment. */
constexpr int kPitch = kTile + 4;
/* Elements of each tile one thread loads, and outputs along a side it computes. */
constexpr int kShare = kTile * kDepth / kBlock;
constexpr int kSide = 4;
/* Threads of the bias's sums: 32 channels by 8 positions, 8 positions in float at a time. */
constexpr int kLanes = 32;
constexpr int kRows = 8;
constexpr int kRun = 8;

/* An output position. */
struct Position {
  long long image;
  int y, x;

  __device__ void advance(int by, int out_h, int out_w) {
    x += by;
    while (x >= out_w) {
      x -= out_w;
      if (++y == out_h) {
        y = 0;
        ++image;
      }
    }
  }
};

}  // namespace

/*
 * wisp_conv_backward_weights_sums: for each piece of positions the sums of dy x.
 *
 *   x             const float*  [n, h, w, in_channels], in
 *   dy            const float*  [n, out_h, out_w, out_channels], in
 *   sums          float*        [splits, out_channels, kernel, kernel, in_channels], out
 *   n             long long
 *   h, w, in_channels           int
 *   out_h, out_w, out_channels  int, as for wisp_conv_forward
 *   kernel, stride, padding, dilation  int
 *   splits        int           as above, at most 65535
 *
 * Grid (ceil(kernel^2 in_channels / 64), ceil(out_channels / 64), splits), block (256, 1, 1), no
 * dynamic shared memory. wisp_conv_backward_weights_sums_naive: grid (ceil(splits out_channels
 * kernel^2 in_channels / 256), 1, 1), block (256, 1, 1). x and dy once from memory, 4 bytes written
 * a sum.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_backward_weights_sums(const float* __restrict__ x, const float* __restrict__ dy,
                                    float* __restrict__ sums, long long n, int h, int w,
                                    int in_channels, int out_h, int out_w, int out_channels,
                                    int kernel, int stride, int padding, int dilation,
                                    int splits) {
  __shared__ __align__(16) float gradients[kDepth][kPitch];
  __shared__ __align__(16) float inputs[kDepth][kPitch];
  const long long count = n * out_h * out_w, piece = (count + splits - 1) / splits;
  const long long begin = blockIdx.z * piece;
  const long long end = begin + piece < count ? begin + piece : count;
  const int columns = kernel * kernel * in_channels;
  /* Loading: 64 neighbouring threads take 64 channels, or 64 columns, of one position. */
  const int lane = threadIdx.x % kTile, first_row = threadIdx.x / kTile;
  const int filter = blockIdx.y * kTile + lane, column = blockIdx.x * kTile + lane;
  const int tap = column / in_channels, channel = column - tap * in_channels;
  const int shift_y = tap / kernel * dilation - padding;
  const int shift_x = tap % kernel * dilation - padding;
  const long long first = begin + first_row, line = first / out_w;
  Position at = {line / out_h, static_cast<int>(line % out_h),
                 static_cast<int>(first - line * out_w)};
  float next_gradients[kShare], next_inputs[kShare];
  float totals[kSide][kSide] = {};
  const int from_row = threadIdx.x / kDepth * kSide, from_column = threadIdx.x % kDepth * kSide;

  for (long long ready = begin - kDepth; ready < end; ready += kDepth) {
    const long long coming = ready + kDepth;
    if (coming < end) {
#pragma unroll
      for (int j = 0; j < kShare; ++j) {
        const long long position = coming + first_row + j * (kBlock / kTile);
        next_gradients[j] = position < end && filter < out_channels
                                ? dy[position * out_channels + filter]
                                : 0.0f;
        const int iy = at.y * stride + shift_y, ix = at.x * stride + shift_x;
        const bool inside =
            position < end && column < columns && iy >= 0 && iy < h && ix >= 0 && ix < w;
        next_inputs[j] =
            inside ? x[((at.image * h + iy) * w + ix) * in_channels + channel] : 0.0f;
        at.advance(kBlock / kTile, out_h, out_w);
      }
    }
    if (ready >= begin) {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) {
        const float4 a = *reinterpret_cast<const float4*>(&gradients[d][from_row]);
        const float4 b = *reinterpret_cast<const float4*>(&inputs[d][from_column]);
        const float left[kSide] = {a.x, a.y, a.z, a.w}, right[kSide] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < kSide; ++i)
#pragma unroll
          for (int j = 0; j < kSide; ++j) totals[i][j] = fmaf(left[i], right[j], totals[i][j]);
      }
    }
    __syncthreads();
    if (coming < end) {
#pragma unroll
      for (int j = 0; j < kShare; ++j) {
        gradients[first_row + j * (kBlock / kTile)][lane] = next_gradients[j];
        inputs[first_row + j * (kBlock / kTile)][lane] = next_inputs[j];
      }
    }
    __syncthreads();
  }

  float* to = sums + static_cast<long long>(blockIdx.z) * out_channels * columns;
#pragma unroll
  for (int i = 0; i < kSide; ++i) {
    const int row = blockIdx.y * kTile + from_row + i;
    if (row >= out_channels) break;
#pragma unroll
    for (int j = 0; j < kSide; ++j) {
      const int k = blockIdx.x * kTile + from_column + j;
      if (k >= columns) break;
      to[static_cast<long long>(row) * columns + k] = totals[i][j];
    }
  }
}

extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_conv_backward_weights_sums_naive(const float* __restrict__ x,
                                          const float* __restrict__ dy, float* __restrict__ sums,
                                          long long n, int h, int w, int in_channels, int out_h,
                                          int out_w, int out_channels, int kernel, int stride,
                                          int padding, int dilation, int splits) {
  const long long at = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  const long long columns = static_cast<long long>(kernel) * kernel * in_channels;
  if (at >= splits * out_channels * columns) return;
  const long long row = at / columns, split = row / out_channels, o = row - split * out_channels;
  const long long tap = (at - row * columns) / in_channels;
  const long long i = at - row * columns - tap * in_channels;
  const long long count = n * out_h * out_w, piece = (count + splits - 1) / splits;
  float sum = 0.0f;
  for (long long p = split * piece; p < count && p < (split + 1) * piece; ++p) {
    const long long line = p / out_w, image = line / out_h;
    const long long iy = (line - image * out_h) * stride - padding + tap / kernel * dilation;
    const long long ix = (p - line * out_w) * stride - padding + tap % kernel * dilation;
    if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
    sum = fmaf(dy[p * out_channels + o], x[((image * h + iy) * w + ix) * in_channels + i], sum);
  }
  sums[at] = sum;
}

/*
 * wisp_conv_backward_weights: dw[o, i, t] = sum over splits, in ascending order, of sums[., o, t,
 * i].
 *
 *   sums          const float*  [splits, out_channels, taps, in_channels], in
 *   dw            float*        [out_channels, in_channels, taps], out
 *   out_channels  long long
 *   in_channels   long long
 *   taps          long long     kernel^2
 *   splits        int
 *
 * Grid (ceil(out_channels in_channels taps / 256), 1, 1), block (256, 1, 1), no dynamic shared
 * memory. 4 (splits + 1) bytes a weight. No naive sibling: this is one thread a weight already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_backward_weights(const float* __restrict__ sums, float* __restrict__ dw,
                               long long out_channels, long long in_channels, long long taps,
                               int splits) {
  const long long from = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  const long long weights = out_channels * in_channels * taps;
  if (from >= weights) return;
  float sum = 0.0f;
  for (int split = 0; split < splits; ++split) sum += sums[split * weights + from];
  const long long row = from / in_channels, i = from - row * in_channels;
  const long long o = row / taps, t = row - o * taps;
  dw[(o * in_channels + i) * taps + t] = sum;
}

/*
 * wisp_conv_backward_bias_sums: for each piece of positions the sums of dy, 8 positions in float at
 * a time, then in double.
 *
 *   dy            const float*  [positions, out_channels], in
 *   sums          double*       [chunks, out_channels], out
 *   positions     long long     n out_h out_w
 *   out_channels  long long
 *   chunks        long long     as above
 *
 * Grid (chunks ceil(out_channels / 32), 1, 1), block (32, 8, 1), no dynamic shared memory.
 * wisp_conv_backward_bias_sums_naive: grid (ceil(chunks out_channels / 256), 1, 1), block (256, 1,
 * 1). 4 bytes and 1 operation an element: bandwidth, 168 G elements/s on a Titan RTX (672 GB/s).
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_backward_bias_sums(const float* __restrict__ dy, double* __restrict__ sums,
                                 long long positions, long long out_channels, long long chunks) {
  __shared__ double part[kRows][kLanes];
  const long long tiles = (out_channels + kLanes - 1) / kLanes;
  const long long chunk = blockIdx.x / tiles, piece = (positions + chunks - 1) / chunks;
  const long long o = (blockIdx.x - chunk * tiles) * kLanes + threadIdx.x;
  const long long end = (chunk + 1) * piece < positions ? (chunk + 1) * piece : positions;
  double sum = 0;
  if (o < out_channels)
    for (long long p = chunk * piece + threadIdx.y; p < end; p += kRun * kRows) {
      float run = 0.0f;
#pragma unroll
      for (int j = 0; j < kRun; ++j)
        if (p + j * kRows < end) run += dy[(p + j * kRows) * out_channels + o];
      sum += run;
    }
  part[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || o >= out_channels) return;
  for (int row = 1; row < kRows; ++row) sum += part[row][threadIdx.x];
  sums[chunk * out_channels + o] = sum;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_backward_bias_sums_naive(const float* __restrict__ dy, double* __restrict__ sums,
                                       long long positions, long long out_channels,
                                       long long chunks) {
  const long long at = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (at >= chunks * out_channels) return;
  const long long chunk = at / out_channels, o = at - chunk * out_channels;
  const long long piece = (positions + chunks - 1) / chunks;
  double sum = 0;
  for (long long p = chunk * piece; p < (chunk + 1) * piece && p < positions; ++p)
    sum += dy[p * out_channels + o];
  sums[at] = sum;
}

/*
 * wisp_conv_backward_bias: db[o] = sum over chunks, in ascending order, of sums[., o].
 *
 *   sums          const double*  [chunks, out_channels], in
 *   db            float*         [out_channels], out
 *   out_channels  long long
 *   chunks        long long
 *
 * Grid (ceil(out_channels / 256), 1, 1), block (256, 1, 1), no dynamic shared memory. 8 bytes a
 * chunk and channel. No naive sibling: this is one thread a channel already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_backward_bias(const double* __restrict__ sums, float* __restrict__ db,
                            long long out_channels, long long chunks) {
  const long long o = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (o >= out_channels) return;
  double sum = 0;
  for (long long chunk = 0; chunk < chunks; ++chunk) sum += sums[chunk * out_channels + o];
  db[o] = static_cast<float>(sum);
}
