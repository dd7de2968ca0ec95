/*
 * One step of PAMR: next_k(p) = sum over neighbours q of affinity(p, q) now_k(q), for every row k
 * of every image (Araslanov and Roth, CVPR 2020, section 4.2; AE-SIPE runs ten steps). Neighbours
 * as in pamr_affinity.cu: eight taps a dilation, NW N NE W E SW S SE, clamped at the border. Only
 * the rows of present classes exist.
 *
 * The caller runs the iterations, one launch each, alternating between two buffers so that the last
 * one writes the result; no iteration at all is a copy.
 *
 * Parameters of both kernels, in order:
 *   const float* affinity   [n, 8 dilation_count, h, w]   in
 *   const int*   dilations  [dilation_count], each >= 1   in
 *   const float* now        [rows, h, w]                  in
 *   const int*   offsets    [n + 1], rows of each image   in
 *   float*       next       [rows, h, w]                  out, apart from now
 *   long long    n, h, w    h w < 2^31, n <= 65535
 *   int          dilation_count
 * Grid (ceil(h w / 128), n), block 128, no dynamic shared memory: one thread a pixel, for all rows
 * of its image. Every sum runs over the taps in their order.
 *
 * Per pixel with Q neighbours and R rows: reads 4 Q bytes of affinity and 4 R of maps (Q R loads,
 * out of the caches), writes 4 R; 2 Q R operations. For Q = 48, R = 3: 216 bytes, 288 operations:
 * bound by memory, of which the affinity is nine tenths; on a Titan RTX (672 GB/s) 3.1 Gpixel/s a
 * step.
 *
 * What follows from that: an affinity is loaded once for up to 8 rows, whose sums are in registers
 * (21 rows: three loads, 81: eleven). Versions considered: (a) a thread per row and pixel reads
 * the affinity R times; (b) several steps fused in one launch by recomputing a halo: the window
 * reaches 24 pixels a step, so two steps on a 32 x 32 tile compute 6.3 times the pixels; (c) one
 * resident launch with a barrier over the grid between steps saves nine launches but no traffic,
 * since the affinity of a batch (192 bytes a pixel) is larger than the L2 cache; (d) half-precision
 * affinities halve the traffic, but lose 13 bits of maps that are compared with float32.
 */

namespace {

typedef long long int64;

constexpr int kThreads = 128;
constexpr int kWindow = 8;
constexpr int kTogether = 8; /* rows that share a load of the affinity */

__device__ __forceinline__ int lesser(int a, int b) { return a < b ? a : b; }

/* The eight taps' positions of one dilation around (y, x). */
__device__ __forceinline__ void locate(int reach, int y, int x, int h, int w, int* at) {
  const int north = (y - lesser(reach, y)) * w, south = (y + lesser(reach, h - 1 - y)) * w;
  const int west = x - lesser(reach, x), east = x + lesser(reach, w - 1 - x), here = y * w;
  at[0] = north + west;
  at[1] = north + x;
  at[2] = north + east;
  at[3] = here + west;
  at[4] = here + east;
  at[5] = south + west;
  at[6] = south + x;
  at[7] = south + east;
}

struct Pixel {
  const float* affinity; /* the pixel's own, one every `pixels` */
  const int* dilations;
  int64 pixels;
  int dilation_count, h, w, y, x;
};

/* R rows, the first of which begins at now and next. */
template <int R>
__device__ __forceinline__ void step(const Pixel& s, const float* __restrict__ now,
                                     float* __restrict__ next) {
  float sums[R];
#pragma unroll
  for (int r = 0; r < R; ++r) sums[r] = 0.0f;
  const float* affinity = s.affinity;
#pragma unroll 1
  for (int k = 0; k < s.dilation_count; ++k) {
    int at[kWindow];
    locate(s.dilations[k], s.y, s.x, s.h, s.w, at);
    float weight[kWindow];
#pragma unroll
    for (int t = 0; t < kWindow; ++t) weight[t] = affinity[t * s.pixels];
#pragma unroll
    for (int t = 0; t < kWindow; ++t) {
#pragma unroll
      for (int r = 0; r < R; ++r) sums[r] = fmaf(weight[t], now[r * s.pixels + at[t]], sums[r]);
    }
    affinity += kWindow * s.pixels;
  }
#pragma unroll
  for (int r = 0; r < R; ++r) next[r * s.pixels + s.y * s.w + s.x] = sums[r];
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_pamr_step(const float* __restrict__ affinity, const int* __restrict__ dilations,
                   const float* __restrict__ now, const int* __restrict__ offsets,
                   float* __restrict__ next, long long n, long long h, long long w,
                   int dilation_count) {
  const int64 pixels = h * w;
  const int64 pixel = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  const int64 image = blockIdx.y;
  if (pixel >= pixels || image >= n) return;
  const int p = static_cast<int>(pixel), width = static_cast<int>(w), y = p / width;
  const Pixel s{affinity + image * (kWindow * dilation_count) * pixels + pixel,
                dilations,
                pixels,
                dilation_count,
                static_cast<int>(h),
                width,
                y,
                p - y * width};
  const int end = offsets[image + 1];
  for (int row = offsets[image]; row < end; row += kTogether) {
    const float* from = now + row * pixels;
    float* to = next + row * pixels;
    switch (lesser(kTogether, end - row)) {
      case 8: step<8>(s, from, to); break;
      case 7: step<7>(s, from, to); break;
      case 6: step<6>(s, from, to); break;
      case 5: step<5>(s, from, to); break;
      case 4: step<4>(s, from, to); break;
      case 3: step<3>(s, from, to); break;
      case 2: step<2>(s, from, to); break;
      default: step<1>(s, from, to); break;
    }
  }
}

/* The same, row by row. */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_pamr_step_naive(const float* affinity, const int* dilations, const float* now,
                         const int* offsets, float* next, long long n, long long h, long long w,
                         int dilation_count) {
  const int64 pixels = h * w;
  const int64 pixel = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  const int64 image = blockIdx.y;
  if (pixel >= pixels || image >= n) return;
  const int y = static_cast<int>(pixel / w), x = static_cast<int>(pixel % w);
  for (int64 row = offsets[image]; row < offsets[image + 1]; ++row) {
    float sum = 0.0f;
    for (int k = 0; k < dilation_count; ++k) {
      int at[kWindow];
      locate(dilations[k], y, x, static_cast<int>(h), static_cast<int>(w), at);
      for (int t = 0; t < kWindow; ++t) {
        const int64 q = (image * dilation_count + k) * kWindow + t;
        sum = sum + affinity[q * pixels + pixel] * now[row * pixels + at[t]];
      }
    }
    next[row * pixels + pixel] = sum;
  }
}
