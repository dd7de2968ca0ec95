/*
 * Max pooling 3x3, stride 2, padding 1 over float16 [n, h, w, c]: the SPI's maxPool, without a
 * gradient, since no gradient reaches an encoder's stem in mixed precision. Output sizes are out_h =
 * (h - 1) / 2 + 1 and out_w = (w - 1) / 2 + 1, rounded down. Padding never wins; the first maximum
 * in row-major window order wins, a NaN counts as larger than any number. What wins is copied, so
 * nothing is rounded.
 *
 * A warp works on one image row, the rows of all images are numbered through and shared among
 * gridDim.y * 8 warps, so that gridDim.y may be capped at 65535. It covers 256 neighbouring elements
 * (column times channel) of its row: 16 bytes a thread where c is a multiple of 8 and the pointers
 * are aligned, else eight times 32 elements. Bound on a Titan RTX (672 GB/s): 8 bytes read (of four
 * input pixels) and 2 or 6 written an element of y, 67 G elements of y a second without index.
 * Versions considered: those of cuda/pooling.cu; 4 elements a thread reads a window in twice as many
 * accesses. No run on a GPU has been made.
 */

namespace {

constexpr int kLanes = 32;
constexpr int kRows = 8;
constexpr int kBlock = kLanes * kRows;
constexpr int kVector = 8;
constexpr int kSpan = kLanes * kVector;

__device__ inline bool aligned(const void* pointer) {
  return (reinterpret_cast<unsigned long long>(pointer) & 15) == 0;
}

__device__ inline float widened(unsigned short bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

/* V neighbouring channels: bits of float16. */
template <int V>
struct Halves {
  unsigned short v[V];
};

__device__ inline void load(const unsigned short* from, Halves<1>& x) { x.v[0] = *from; }

__device__ inline void load(const unsigned short* from, Halves<8>& x) {
  const uint4 y = *reinterpret_cast<const uint4*>(from);
  const unsigned words[] = {y.x, y.y, y.z, y.w};
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    x.v[2 * j] = static_cast<unsigned short>(words[j] & 0xffffu);
    x.v[2 * j + 1] = static_cast<unsigned short>(words[j] >> 16);
  }
}

__device__ inline void store(unsigned short* to, const Halves<1>& x) { *to = x.v[0]; }

/* One access: the compiler splits a plain assignment here, an explicit store not. */
__device__ inline void store(unsigned short* to, const Halves<8>& x) {
  unsigned words[4];
#pragma unroll
  for (int j = 0; j < 4; ++j)
    words[j] = static_cast<unsigned>(x.v[2 * j + 1]) << 16 | x.v[2 * j];
  __stwb(reinterpret_cast<uint4*>(to), make_uint4(words[0], words[1], words[2], words[3]));
}

__device__ inline void store(int* to, const int (&x)[1]) { *to = x[0]; }

__device__ inline void store(int* to, const int (&x)[8]) {
  __stwb(reinterpret_cast<int4*>(to), make_int4(x[0], x[1], x[2], x[3]));
  __stwb(reinterpret_cast<int4*>(to) + 1, make_int4(x[4], x[5], x[6], x[7]));
}

/* Whether a later value takes the window: larger, or the first NaN. */
__device__ inline bool beats(float value, float best) {
  return value > best || (value != value && best == best);
}

__device__ inline int pooled(int size) { return (size - 1) / 2 + 1; }

/* Input coordinates of an output's window along an axis, the part inside the image. */
struct Window {
  int begin, end;

  __device__ Window(int o, int size) : begin(max(2 * o - 1, 0)), end(min(2 * o + 2, size)) {}
};

/* V channels of one output pixel. from: the image at this channel. */
template <int V>
__device__ inline void pool_pixel(const unsigned short* from, int oy, int ox, int h, int w, int c,
                                  unsigned short* y, int* index) {
  const Window down(oy, h), across(ox, w);
  const int corner = down.begin * w + across.begin;
  Halves<V> best;
  int at[V];
  load(from + static_cast<long long>(corner) * c, best);
#pragma unroll
  for (int j = 0; j < V; ++j) at[j] = corner;
  for (int iy = down.begin; iy < down.end; ++iy)
    for (int ix = across.begin; ix < across.end; ++ix) {
      const int position = iy * w + ix;
      Halves<V> here;
      load(from + static_cast<long long>(position) * c, here);
#pragma unroll
      for (int j = 0; j < V; ++j)
        if (beats(widened(here.v[j]), widened(best.v[j]))) {
          best.v[j] = here.v[j];
          at[j] = position;
        }
    }
  store(y, best);
  if (index != nullptr) store(index, at);
}

}  // namespace

/*
 * wisp_half_max_pool
 *
 *   x      const unsigned short*  [n, h, w, c], in: bits of float16
 *   y      unsigned short*        [n, out_h, out_w, c], out: bits of float16; does not overlap x
 *   index  int*                   [n, out_h, out_w, c], out: h * W + w of the winner; or null
 *   n      long long
 *   h, w   int                    at least 1, h w below 2^31
 *   c      int
 *
 * Grid (ceil(out_w c / 256), min(ceil(n out_h / 8), 65535), 1), block (32, 8, 1), no dynamic shared
 * memory. wisp_half_max_pool_naive: grid (ceil(n out_h out_w c / 256), 1, 1), block (256, 1, 1). 18
 * operations an element of y.
 */
extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_half_max_pool(const unsigned short* __restrict__ x, unsigned short* __restrict__ y,
                       int* __restrict__ index, long long n, int h, int w, int c) {
  const int out_h = pooled(h), out_w = pooled(w);
  const bool vectors = c % kVector == 0 && aligned(x) && aligned(y) && aligned(index);
  const long long length = static_cast<long long>(out_w) * c;
  const long long begin = static_cast<long long>(blockIdx.x) * kSpan;
  const long long stride = static_cast<long long>(gridDim.y) * kRows;
  for (long long r = static_cast<long long>(blockIdx.y) * kRows + threadIdx.y; r < n * out_h;
       r += stride) {
    const long long image = r / out_h;
    const int oy = static_cast<int>(r - image * out_h);
    const unsigned short* from = x + image * h * w * c;
    for (int j = 0; j < (vectors ? 1 : kVector); ++j) {
      const long long e =
          begin + (vectors ? kVector * static_cast<int>(threadIdx.x)
                           : j * kLanes + static_cast<int>(threadIdx.x));
      if (e >= length) break;
      const int ox = static_cast<int>(e / c);
      const int k = static_cast<int>(e - static_cast<long long>(ox) * c);
      const long long to = r * length + e;
      int* winner = index == nullptr ? nullptr : index + to;
      if (vectors)
        pool_pixel<kVector>(from + k, oy, ox, h, w, c, y + to, winner);
      else
        pool_pixel<1>(from + k, oy, ox, h, w, c, y + to, winner);
    }
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_half_max_pool_naive(const unsigned short* __restrict__ x, unsigned short* __restrict__ y,
                             int* __restrict__ index, long long n, int h, int w, int c) {
  const int out_h = pooled(h), out_w = pooled(w);
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= n * out_h * out_w * c) return;
  const long long pixel = i / c, row = pixel / out_w, image = row / out_h, k = i - pixel * c;
  const int oy = static_cast<int>(row - image * out_h), ox = static_cast<int>(pixel - row * out_w);
  unsigned short best = 0;
  int winner = -1;
  for (int iy = 2 * oy - 1; iy <= 2 * oy + 1; ++iy)
    for (int ix = 2 * ox - 1; ix <= 2 * ox + 1; ++ix) {
      if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
      const unsigned short value = x[((image * h + iy) * w + ix) * c + k];
      if (winner < 0 || beats(widened(value), widened(best))) {
        best = value;
        winner = iy * w + ix;
      }
    }
  y[i] = best;
  if (index != nullptr) index[i] = winner;
}
