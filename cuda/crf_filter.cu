/*
 * The filter of a permutohedral lattice (crf_lattice.cu): out_i ~ sum over j of
 * exp(-|f_i - f_j|^2 / 2) v_j for each channel. Splat to the vertices, blur along each of the C
 * axes, slice back.
 *
 *   wisp_lattice_interleave  channels of a pixel side by side, zeros behind them
 *   wisp_lattice_splat       work(row) = sum over the row's list of share value(pixel)
 *   wisp_lattice_blur        to(row) = from(row) + (from(low) + from(high)) / 2, for one axis
 *   wisp_lattice_slice       out = alpha times the sum over the pixel's corners of weight work(row)
 *   wisp_crf_norms           1 / sqrt(K 1 + 1e-20) of each pixel, from the filtered ones
 *   wisp_crf_shares          share times its pixel's norm, so that splat weighs by both
 * with alpha = 1 / (1 + 2^-d). Row 0 stands for vertices that are not there and is zero.
 *
 *   planes    const float*  [channels, pixels], in; of slice float*, out
 *   rows_of   float*        [pixels, width], out: width is channels up to a multiple of 4
 *   values    const float*  [pixels, width], in; or null for ones
 *   begin     const int*    [rows + 1], in; pixel const int*, share [C pixels]: a row's list
 *   beside    const int*    [rows, 2], in: the rows beside along the axis; 8-byte aligned
 *   work, from, to  float*  [rows, width]; out, in, out
 *   vertex    const int*    [pixels, C], in; weight const float*: its corners
 *   norms     float*        [pixels], out; of shares in
 *   channels, pixels, rows, n   long long   n = C pixels
 *   width, corners              int         corners = C, 3 or 6
 *   shift     int           log2 of L, the lanes that share a row or pixel: the power of two at or
 *                           above width / 4, at most 32
 * Rows of width floats are 16-byte aligned.
 *
 * A lane handles four channels, and every L th four from its own. Blocks of 256: interleave and
 * slice 256 / L pixels, grid (ceil(pixels L / 256), 1, 1); blur 256 / L rows; splat 256 / (L S)
 * rows with S = min(8, 32 / L) lanes to take turns at a list, whose sums are added as a tree; norms
 * and shares one thread a pixel, an entry. No dynamic shared memory.
 *
 * Bytes for M = width channels: splat 8 + 4 M an entry and 4 M + 4 a row, 2 M operations an entry;
 * blur 16 M + 8 a row, 3 M operations; slice C (8 + 4 M) + 4 M a pixel, 2 C M operations. A
 * photograph of 500 x 375 has 228,000 rows of positions and colours; with M = 4 that is 32, 16 and
 * 30 MB, memory: 47, 24 (of six) and 45 microseconds on a Titan RTX (672 GB/s), less where rows lie
 * in its L2 cache of 6 MB.
 *
 * Splat gathers from lists sorted by pixel instead of scattering with float atomics: sums in one
 * order. wisp_lattice_splat_naive walks a list alone, grid (ceil(rows L / 256), 1, 1): in even
 * regions, where a vertex has thousands of pixels, few threads would work long. Considered: a warp
 * for every list idles at the usual five entries; two axes of the blur in one launch load nine rows
 * instead of six. The others are plain themselves: neighbouring lanes read neighbouring fours, each
 * once. No run on a GPU has been made.
 */

namespace {

typedef long long int64;

constexpr int kBlock = 256;
constexpr unsigned kAll = 0xffffffffu;

__device__ __forceinline__ float4 load_four(const float* p) {
  return *reinterpret_cast<const float4*>(p);
}

__device__ __forceinline__ void store_four(float* p, float4 v) {
  *reinterpret_cast<float4*>(p) = v;
}

__device__ __forceinline__ float4 add_scaled(float4 sum, float factor, float4 v) {
  return make_float4(fmaf(factor, v.x, sum.x), fmaf(factor, v.y, sum.y),
                     fmaf(factor, v.z, sum.z), fmaf(factor, v.w, sum.w));
}

/* The row or pixel of a thread whose L lanes share one. */
__device__ __forceinline__ int64 shared_index(int shift) {
  return blockIdx.x * static_cast<int64>(kBlock >> shift) + (threadIdx.x >> shift);
}

__device__ __forceinline__ int first_channel(int shift) {
  return 4 * (threadIdx.x & ((1 << shift) - 1));
}

__device__ __forceinline__ float alpha(int corners) {
  return 1.0f / (1.0f + 1.0f / static_cast<float>(1 << (corners - 1)));
}

__device__ __forceinline__ float4 sliced(const float* work, const int* vertex,
                                         const float* weight, int corners, int width, int c) {
  float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  for (int k = 0; k < corners; ++k)
    sum = add_scaled(sum, weight[k], load_four(work + vertex[k] * static_cast<int64>(width) + c));
  return sum;
}

/* Of the entries from `at` to `end`, each `step` th. */
__device__ __forceinline__ float4 splatted(const float* values, const int* pixel,
                                           const float* share, int at, int end, int step,
                                           int width, int c) {
  float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  for (; at < end; at += step) {
    const float4 v = values == nullptr
                         ? make_float4(1.0f, 1.0f, 1.0f, 1.0f)
                         : load_four(values + pixel[at] * static_cast<int64>(width) + c);
    sum = add_scaled(sum, share[at], v);
  }
  return sum;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_interleave(const float* __restrict__ planes, float* __restrict__ rows_of,
                            long long channels, long long pixels, int width, int shift) {
  const int64 p = shared_index(shift);
  if (p >= pixels) return;
  for (int c = first_channel(shift); c < width; c += 4 << shift) {
    const float* plane = planes + c * pixels + p;
    store_four(rows_of + p * width + c,
               make_float4(plane[0], c + 1 < channels ? plane[pixels] : 0.0f,
                           c + 2 < channels ? plane[2 * pixels] : 0.0f,
                           c + 3 < channels ? plane[3 * pixels] : 0.0f));
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_splat(const float* __restrict__ values, const int* __restrict__ begin,
                       const int* __restrict__ pixel, const float* __restrict__ share,
                       float* __restrict__ work, long long rows, int width, int shift) {
  const int turn_shift = shift > 2 ? 5 - shift : 3, turns = 1 << turn_shift;
  const int64 row = shared_index(shift + turn_shift);
  const int turn = threadIdx.x >> shift & (turns - 1);
  const bool there = row < rows;
  const int at = there ? begin[row] + turn : 0, end = there ? begin[row + 1] : 0;
  for (int first = 0; first < width; first += 4 << shift) {
    const int c = first + first_channel(shift);
    const bool mine = there && c < width;
    float4 sum = splatted(values, pixel, share, at, mine ? end : at, turns, width, c);
    for (int step = 1 << shift; step < turns << shift; step *= 2) {
      sum.x += __shfl_xor_sync(kAll, sum.x, step);
      sum.y += __shfl_xor_sync(kAll, sum.y, step);
      sum.z += __shfl_xor_sync(kAll, sum.z, step);
      sum.w += __shfl_xor_sync(kAll, sum.w, step);
    }
    if (mine && turn == 0) store_four(work + row * width + c, sum);
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_splat_naive(const float* values, const int* begin, const int* pixel,
                             const float* share, float* work, long long rows, int width,
                             int shift) {
  const int64 row = shared_index(shift);
  if (row >= rows) return;
  for (int c = first_channel(shift); c < width; c += 4 << shift)
    store_four(work + row * width + c,
               splatted(values, pixel, share, begin[row], begin[row + 1], 1, width, c));
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_blur(const float* __restrict__ from, const int* __restrict__ beside,
                      float* __restrict__ to, long long rows, int width, int shift) {
  const int64 row = shared_index(shift);
  if (row >= rows) return;
  const int2 rows_beside = reinterpret_cast<const int2*>(beside)[row];
  for (int c = first_channel(shift); c < width; c += 4 << shift) {
    float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if (row > 0) {
      const float4 low = load_four(from + rows_beside.x * static_cast<int64>(width) + c);
      const float4 high = load_four(from + rows_beside.y * static_cast<int64>(width) + c);
      sum = add_scaled(load_four(from + row * width + c), 0.5f,
                       make_float4(low.x + high.x, low.y + high.y, low.z + high.z,
                                   low.w + high.w));
    }
    store_four(to + row * width + c, sum);
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_slice(const float* __restrict__ work, const int* __restrict__ vertex,
                       const float* __restrict__ weight, float* __restrict__ planes,
                       long long channels, long long pixels, int corners, int width, int shift) {
  const int64 p = shared_index(shift);
  if (p >= pixels) return;
  const float scale = alpha(corners);
  for (int c = first_channel(shift); c < width; c += 4 << shift) {
    const float4 sum =
        sliced(work, vertex + p * corners, weight + p * corners, corners, width, c);
    float* plane = planes + c * pixels + p;
    plane[0] = scale * sum.x;
    if (c + 1 < channels) plane[pixels] = scale * sum.y;
    if (c + 2 < channels) plane[2 * pixels] = scale * sum.z;
    if (c + 3 < channels) plane[3 * pixels] = scale * sum.w;
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_crf_norms(const float* __restrict__ work, const int* __restrict__ vertex,
                   const float* __restrict__ weight, float* __restrict__ norms, long long pixels,
                   int corners, int width) {
  const int64 p = blockIdx.x * static_cast<int64>(kBlock) + threadIdx.x;
  if (p >= pixels) return;
  float sum = 0.0f;
  for (int64 k = p * corners; k < (p + 1) * corners; ++k)
    sum = fmaf(weight[k], work[vertex[k] * static_cast<int64>(width)], sum);
  norms[p] = 1.0f / sqrtf(alpha(corners) * sum + 1e-20f);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_crf_shares(const float* __restrict__ norms, const int* __restrict__ pixel,
                    float* __restrict__ share, long long n) {
  const int64 at = blockIdx.x * static_cast<int64>(kBlock) + threadIdx.x;
  if (at < n) share[at] *= norms[pixel[at]];
}
