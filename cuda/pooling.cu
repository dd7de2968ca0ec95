/*
 * Max pooling 3x3, stride 2, padding 1 over [n, h, w, c] and its gradient: the SPI's maxPool and
 * maxPoolBackward. Output sizes are out_h = (h - 1) / 2 + 1 and out_w = (w - 1) / 2 + 1, rounded
 * down. Padding never wins; the first maximum in row-major window order wins, a NaN counts as
 * larger than any number.
 *
 * Common to all: block (32, 8, 1), no dynamic shared memory; a warp works on one image row, the
 * rows of all images are numbered through and shared among gridDim.y * 8 warps, so that gridDim.y
 * may be capped at 65535. A warp covers 128 neighbouring elements (column times channel) of its
 * row: 16 bytes a thread where c is a multiple of 4 and the pointers are aligned, else four times
 * 32 elements.
 *
 * Versions considered: a flat index pays three divisions a thread; tiles in shared memory save
 * reads that the L1 cache already serves (a pixel's two or four windows lie in the same or the next
 * warp). The gradient is gathered by the input, at most four windows an element in row-major order,
 * not scattered: no atomics, no separate clearing. No run on a GPU has been made.
 */

namespace {

constexpr int kLanes = 32;
constexpr int kRows = 8;
constexpr int kBlock = kLanes * kRows;
constexpr int kVector = 4;
constexpr int kSpan = kLanes * kVector;

__device__ inline bool aligned(const void* pointer) {
  return (reinterpret_cast<unsigned long long>(pointer) & 15) == 0;
}

/* V neighbouring channels. */
template <int V>
struct Floats {
  float v[V];
};

template <int V>
struct Ints {
  int v[V];
};

__device__ inline void load(const float* from, Floats<1>& x) { x.v[0] = *from; }

__device__ inline void load(const float* from, Floats<4>& x) {
  const float4 y = *reinterpret_cast<const float4*>(from);
  x = {{y.x, y.y, y.z, y.w}};
}

__device__ inline void load(const int* from, Ints<1>& x) { x.v[0] = *from; }

__device__ inline void load(const int* from, Ints<4>& x) {
  const int4 y = *reinterpret_cast<const int4*>(from);
  x = {{y.x, y.y, y.z, y.w}};
}

__device__ inline void store(float* to, const Floats<1>& x) { *to = x.v[0]; }

/* One access: the compiler splits a plain assignment here, an explicit store not. */
__device__ inline void store(float* to, const Floats<4>& x) {
  __stwb(reinterpret_cast<float4*>(to), make_float4(x.v[0], x.v[1], x.v[2], x.v[3]));
}

__device__ inline void store(int* to, const Ints<1>& x) { *to = x.v[0]; }

__device__ inline void store(int* to, const Ints<4>& x) {
  __stwb(reinterpret_cast<int4*>(to), make_int4(x.v[0], x.v[1], x.v[2], x.v[3]));
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
__device__ inline void pool_pixel(const float* from, int oy, int ox, int h, int w, int c,
                                  Floats<V>& best, Ints<V>& at) {
  const Window down(oy, h), across(ox, w);
  const int corner = down.begin * w + across.begin;
  load(from + static_cast<long long>(corner) * c, best);
#pragma unroll
  for (int j = 0; j < V; ++j) at.v[j] = corner;
  for (int y = down.begin; y < down.end; ++y)
    for (int x = across.begin; x < across.end; ++x) {
      const int position = y * w + x;
      Floats<V> here;
      load(from + static_cast<long long>(position) * c, here);
#pragma unroll
      for (int j = 0; j < V; ++j)
        if (beats(here.v[j], best.v[j])) {
          best.v[j] = here.v[j];
          at.v[j] = position;
        }
    }
}

/* V channels of one input pixel's gradient. dy, index: the image at this channel. */
template <int V>
__device__ inline Floats<V> gather(const float* dy, const int* index, int y, int x, int w,
                                   int out_h, int out_w, int c) {
  Floats<V> total;
#pragma unroll
  for (int j = 0; j < V; ++j) total.v[j] = 0.0f;
  const int position = y * w + x;
  for (int oy = y / 2; oy <= min((y + 1) / 2, out_h - 1); ++oy)
    for (int ox = x / 2; ox <= min((x + 1) / 2, out_w - 1); ++ox) {
      const long long at = (static_cast<long long>(oy) * out_w + ox) * c;
      Floats<V> g;
      Ints<V> winner;
      load(dy + at, g);
      load(index + at, winner);
#pragma unroll
      for (int j = 0; j < V; ++j)
        if (winner.v[j] == position) total.v[j] += g.v[j];
    }
  return total;
}

}  // namespace

/*
 * wisp_max_pool
 *
 *   x      const float*  [n, h, w, c], in
 *   y      float*        [n, out_h, out_w, c], out; does not overlap x
 *   index  int*          [n, out_h, out_w, c], out: h * W + w of the winner; or null for none
 *   n      long long
 *   h, w   int           at least 1, h w below 2^31
 *   c      int
 *
 * Grid (ceil(out_w c / 128), min(ceil(n out_h / 8), 65535), 1). wisp_max_pool_naive: grid (ceil(n
 * out_h out_w c / 256), 1, 1), block (256, 1, 1). 16 bytes read (of four input pixels) and 4 or 8
 * written an element of y, 18 operations: bandwidth, 28 G elements of y a second on a Titan RTX
 * with index.
 */
extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_max_pool(const float* __restrict__ x, float* __restrict__ y, int* __restrict__ index,
                  long long n, int h, int w, int c) {
  const int out_h = pooled(h), out_w = pooled(w);
  const bool vectors = c % kVector == 0 && aligned(x) && aligned(y) && aligned(index);
  const long long length = static_cast<long long>(out_w) * c;
  const long long begin = static_cast<long long>(blockIdx.x) * kSpan;
  const long long stride = static_cast<long long>(gridDim.y) * kRows;
  for (long long r = static_cast<long long>(blockIdx.y) * kRows + threadIdx.y; r < n * out_h;
       r += stride) {
    const long long image = r / out_h;
    const int oy = static_cast<int>(r - image * out_h);
    const float* from = x + image * h * w * c;
    for (int j = 0; j < (vectors ? 1 : kVector); ++j) {
      const long long e =
          begin + (vectors ? kVector * static_cast<int>(threadIdx.x)
                           : j * kLanes + static_cast<int>(threadIdx.x));
      if (e >= length) break;
      const int ox = static_cast<int>(e / c);
      const int k = static_cast<int>(e - static_cast<long long>(ox) * c);
      const long long to = r * length + e;
      if (vectors) {
        Floats<kVector> best;
        Ints<kVector> at;
        pool_pixel(from + k, oy, ox, h, w, c, best, at);
        store(y + to, best);
        if (index != nullptr) store(index + to, at);
      } else {
        Floats<1> best;
        Ints<1> at;
        pool_pixel(from + k, oy, ox, h, w, c, best, at);
        store(y + to, best);
        if (index != nullptr) store(index + to, at);
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_max_pool_naive(const float* __restrict__ x, float* __restrict__ y,
                        int* __restrict__ index, long long n, int h, int w, int c) {
  const int out_h = pooled(h), out_w = pooled(w);
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= n * out_h * out_w * c) return;
  const long long pixel = i / c, row = pixel / out_w, image = row / out_h, k = i - pixel * c;
  const int oy = static_cast<int>(row - image * out_h), ox = static_cast<int>(pixel - row * out_w);
  float best = 0.0f;
  int winner = -1;
  for (int iy = 2 * oy - 1; iy <= 2 * oy + 1; ++iy)
    for (int ix = 2 * ox - 1; ix <= 2 * ox + 1; ++ix) {
      if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
      const float value = x[((image * h + iy) * w + ix) * c + k];
      if (winner < 0 || beats(value, best)) {
        best = value;
        winner = iy * w + ix;
      }
    }
  y[i] = best;
  if (index != nullptr) index[i] = winner;
}

/*
 * wisp_max_pool_backward: dx = sum of dy over the windows an input won.
 *
 *   dy     const float*  [n, out_h, out_w, c], in
 *   index  const int*    [n, out_h, out_w, c], in: from wisp_max_pool; other values win nothing
 *   dx     float*        [n, h, w, c], out; overlaps no input
 *   n      long long
 *   h, w   int           at least 1, h w below 2^31
 *   c      int
 *
 * Grid (ceil(w c / 128), min(ceil(n h / 8), 65535), 1). wisp_max_pool_backward_naive: grid (ceil(n
 * h w c / 256), 1, 1), block (256, 1, 1). 4 bytes written an element of dx and 2 read (8 for an
 * element of dy, each read up to nine times from cache): bandwidth, 112 G elements of dx a second.
 */
extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_max_pool_backward(const float* __restrict__ dy, const int* __restrict__ index,
                           float* __restrict__ dx, long long n, int h, int w, int c) {
  const int out_h = pooled(h), out_w = pooled(w);
  const bool vectors = c % kVector == 0 && aligned(dy) && aligned(index) && aligned(dx);
  const long long length = static_cast<long long>(w) * c;
  const long long begin = static_cast<long long>(blockIdx.x) * kSpan;
  const long long stride = static_cast<long long>(gridDim.y) * kRows;
  for (long long r = static_cast<long long>(blockIdx.y) * kRows + threadIdx.y; r < n * h;
       r += stride) {
    const long long image = r / h;
    const int y = static_cast<int>(r - image * h);
    const long long from = image * out_h * out_w * c;
    for (int j = 0; j < (vectors ? 1 : kVector); ++j) {
      const long long e =
          begin + (vectors ? kVector * static_cast<int>(threadIdx.x)
                           : j * kLanes + static_cast<int>(threadIdx.x));
      if (e >= length) break;
      const int column = static_cast<int>(e / c);
      const long long at = from + (e - static_cast<long long>(column) * c);
      float* to = dx + r * length + e;
      if (vectors)
        store(to, gather<kVector>(dy + at, index + at, y, column, w, out_h, out_w, c));
      else
        store(to, gather<1>(dy + at, index + at, y, column, w, out_h, out_w, c));
    }
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_max_pool_backward_naive(const float* __restrict__ dy, const int* __restrict__ index,
                                 float* __restrict__ dx, long long n, int h, int w, int c) {
  const int out_h = pooled(h), out_w = pooled(w);
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= n * h * w * c) return;
  const long long pixel = i / c, row = pixel / w, image = row / h, k = i - pixel * c;
  const int y = static_cast<int>(row - image * h), x = static_cast<int>(pixel - row * w);
  float total = 0.0f;
  for (int oy = 0; oy < out_h; ++oy)
    for (int ox = 0; ox < out_w; ++ox) {
      if (2 * oy - 1 > y || y > 2 * oy + 1 || 2 * ox - 1 > x || x > 2 * ox + 1) continue;
      const long long at = ((image * out_h + oy) * out_w + ox) * c + k;
      if (index[at] == y * w + x) total += dy[at];
    }
  dx[i] = total;
}
