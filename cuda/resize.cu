/*
 * Bilinear resizing of [n, h, w, c] and its gradient, the SPI's ResizeOps; planar maps are c = 1.
 *
 * Per axis, output coordinate o reads source coordinate s(o) between low = floor(s) and high =
 * low + 1:
 *   align_corners:     s(o) = o (in - 1) / (out - 1), 0 where out is 1
 *   half-pixel:        s(o) = max(0, (o + 0.5) in / out - 0.5)
 * both clamped to in - 1, the weight t = s - low in float32. Interpolation is a + t (b - a), each
 * step rounded: equal ends give that value exactly, so constant areas stay constant (PAMR's guide
 * needs it, method.md section 5). Equal sizes are a copy.
 *
 * Common to all: block (32, 8, 1), no dynamic shared memory; a warp works on one image row, the
 * rows of all images are numbered through and shared among gridDim.y * 8 warps, so that gridDim.y
 * may be capped at 65535. A warp covers 128 neighbouring elements (column times channel) of its
 * row: 16 bytes a thread where the channels come in fours and the pointers are aligned, else four
 * times 32 elements.
 *
 * Versions considered: one flat index over all elements pays three 64-bit divisions a thread,
 * several times the cost of the interpolation; here the row's weights are the same for a whole warp
 * and one division finds the column. Tables of weights in memory save some ten operations an
 * element and cost a launch. No run on a GPU has been made.
 */

namespace {

constexpr int kLanes = 32;
constexpr int kRows = 8;
constexpr int kBlock = kLanes * kRows;
/* Channels of one 16-byte access. */
constexpr int kVector = 4;
/* Elements of one image row that a warp covers. */
constexpr int kSpan = kLanes * kVector;

/* Where an output coordinate reads along one axis: low + t (high - low). */
struct Tap {
  int low, high;
  float t;
};

/* One axis of a resizing. */
struct Axis {
  int in, out, align_corners;
  float scale;

  __device__ Axis(int in_size, int out_size, int align)
      : in(in_size), out(out_size), align_corners(align) {
    if (align)
      scale = out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1) : 0.0f;
    else
      scale = static_cast<float>(in) / static_cast<float>(out);
  }

  __device__ Tap tap(int o) const {
    float at = align_corners
                   ? __fmul_rn(static_cast<float>(o), scale)
                   : __fsub_rn(__fmul_rn(static_cast<float>(o) + 0.5f, scale), 0.5f);
    if (!(at > 0.0f)) at = 0.0f;
    Tap tap;
    tap.low = min(static_cast<int>(at), in - 1);
    tap.high = min(tap.low + 1, in - 1);
    tap.t = fminf(__fsub_rn(at, static_cast<float>(tap.low)), 1.0f);
    return tap;
  }

  /*
   * The first output coordinate that may read source coordinate s: low is s or s - 1. low never
   * falls as o grows, so a guess and steps from it find the very place, whatever the guess's
   * rounding.
   */
  __device__ int first_reader(int s) const {
    if (!(scale > 0.0f)) return 0;
    const float source = static_cast<float>(s - 1);
    const float guess = align_corners ? source / scale : (source + 0.5f) / scale - 0.5f;
    int o = guess > 0.0f ? (guess < static_cast<float>(out - 1) ? static_cast<int>(guess) : out - 1)
                         : 0;
    while (o > 0 && tap(o - 1).low >= s - 1) --o;
    while (o < out && tap(o).low < s - 1) ++o;
    return o;
  }

  /* The weight with which a tap reads source coordinate s. */
  __device__ static float weight(Tap tap, int s) {
    return (tap.low == s ? 1.0f - tap.t : 0.0f) + (tap.high == s ? tap.t : 0.0f);
  }
};

/* a + t (b - a), never fused. */
__device__ inline float mix(float a, float b, float t) {
  return __fadd_rn(a, __fmul_rn(t, __fsub_rn(b, a)));
}

__device__ inline float mix4(float a, float b, float c, float d, float tx, float ty) {
  return mix(mix(a, b, tx), mix(c, d, tx), ty);
}

__device__ inline bool aligned(const void* pointer) {
  return (reinterpret_cast<unsigned long long>(pointer) & 15) == 0;
}

/* V neighbouring channels. */
template <int V>
struct Channels {
  float v[V];
};

template <int V>
__device__ inline Channels<V> load(const float* from);

template <>
__device__ inline Channels<1> load<1>(const float* from) {
  return {{*from}};
}

template <>
__device__ inline Channels<4> load<4>(const float* from) {
  const float4 x = *reinterpret_cast<const float4*>(from);
  return {{x.x, x.y, x.z, x.w}};
}

__device__ inline void store(float* to, const Channels<1>& x) { *to = x.v[0]; }

__device__ inline void store(float* to, const Channels<4>& x) {
  *reinterpret_cast<float4*>(to) = make_float4(x.v[0], x.v[1], x.v[2], x.v[3]);
}

/* V channels of one output pixel; top and bottom are source rows. */
template <int V>
__device__ inline void resize_pixel(const float* top, const float* bottom, float ty, Tap across,
                                    int c, float* to) {
  const long long left = static_cast<long long>(across.low) * c;
  const long long right = static_cast<long long>(across.high) * c;
  const Channels<V> a = load<V>(top + left), b = load<V>(top + right);
  const Channels<V> d = load<V>(bottom + left), e = load<V>(bottom + right);
  Channels<V> mixed;
#pragma unroll
  for (int j = 0; j < V; ++j) mixed.v[j] = mix4(a.v[j], b.v[j], d.v[j], e.v[j], across.t, ty);
  store(to, mixed);
}

/*
 * V channels of one source element's gradient: the targets that read it, in ascending order. from:
 * the image's gradient at this channel.
 */
template <int V>
__device__ inline Channels<V> gather(const float* from, const Axis& rows, const Axis& columns,
                                     int y, int x, int first_row, int out_c) {
  Channels<V> total;
#pragma unroll
  for (int j = 0; j < V; ++j) total.v[j] = 0.0f;
  const int first_column = columns.first_reader(x);
  for (int oy = first_row; oy < rows.out; ++oy) {
    const Tap down = rows.tap(oy);
    if (down.low > y) break;
    Channels<V> row;
#pragma unroll
    for (int j = 0; j < V; ++j) row.v[j] = 0.0f;
    for (int ox = first_column; ox < columns.out; ++ox) {
      const Tap across = columns.tap(ox);
      if (across.low > x) break;
      const float share = Axis::weight(across, x);
      const Channels<V> g =
          load<V>(from + (static_cast<long long>(oy) * columns.out + ox) * out_c);
#pragma unroll
      for (int j = 0; j < V; ++j) row.v[j] += share * g.v[j];
    }
    const float share = Axis::weight(down, y);
#pragma unroll
    for (int j = 0; j < V; ++j) total.v[j] += share * row.v[j];
  }
  return total;
}

}  // namespace

/*
 * wisp_resize_bilinear: target[b, oy, ox, offset + k] = source resized; other channels stay.
 *
 *   source         const float*  [n, in_h, in_w, c], in
 *   target         float*        [n, out_h, out_w, out_c], out: channels [offset, offset + c)
 *   n              long long
 *   in_h, in_w, c                int, each at least 1
 *   out_h, out_w, out_c, offset  int; offset + c <= out_c
 *   align_corners  int           0 or 1
 *
 * Grid (ceil(out_w c / 128), min(ceil(n out_h / 8), 65535), 1). wisp_resize_bilinear_naive: grid
 * (ceil(n out_h out_w c / 256), 1, 1), block (256, 1, 1). 4 bytes written an element and 4 read a
 * source element (the four taps meet in cache); 9 operations an element and about 20 a thread for
 * its weights. Bound: bandwidth, 84 G elements/s at equal sizes, 158 for four times larger maps.
 */
extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_resize_bilinear(const float* __restrict__ source, float* __restrict__ target, long long n,
                         int in_h, int in_w, int c, int out_h, int out_w, int out_c, int offset,
                         int align_corners) {
  const Axis rows(in_h, out_h, align_corners), columns(in_w, out_w, align_corners);
  const bool copy = in_h == out_h && in_w == out_w;
  const bool vectors = c % kVector == 0 && out_c % kVector == 0 && offset % kVector == 0 &&
                       aligned(source) && aligned(target);
  const long long row_length = static_cast<long long>(in_w) * c;
  const long long length = static_cast<long long>(out_w) * c;
  const long long begin = static_cast<long long>(blockIdx.x) * kSpan;
  const long long stride = static_cast<long long>(gridDim.y) * kRows;
  for (long long r = static_cast<long long>(blockIdx.y) * kRows + threadIdx.y; r < n * out_h;
       r += stride) {
    const long long image = r / out_h;
    const Tap down = rows.tap(static_cast<int>(r - image * out_h));
    const float* top = source + (image * in_h + down.low) * row_length;
    const float* bottom = source + (image * in_h + down.high) * row_length;
    float* to = target + r * out_w * out_c + offset;
    for (int j = 0; j < (vectors ? 1 : kVector); ++j) {
      const long long e =
          begin + (vectors ? kVector * static_cast<int>(threadIdx.x)
                           : j * kLanes + static_cast<int>(threadIdx.x));
      if (e >= length) break;
      const int x = static_cast<int>(e / c);
      const int k = static_cast<int>(e - static_cast<long long>(x) * c);
      float* at = to + static_cast<long long>(x) * out_c + k;
      if (copy) {
        /* Not through the weights: an infinity would become NaN. */
        if (vectors)
          store(at, load<kVector>(top + e));
        else
          store(at, load<1>(top + e));
      } else if (vectors) {
        resize_pixel<kVector>(top + k, bottom + k, down.t, columns.tap(x), c, at);
      } else {
        resize_pixel<1>(top + k, bottom + k, down.t, columns.tap(x), c, at);
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_resize_bilinear_naive(const float* __restrict__ source, float* __restrict__ target,
                               long long n, int in_h, int in_w, int c, int out_h, int out_w,
                               int out_c, int offset, int align_corners) {
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= n * out_h * out_w * c) return;
  const long long pixel = i / c, row = pixel / out_w, image = row / out_h;
  const long long k = i - pixel * c;
  const Tap down = Axis(in_h, out_h, align_corners).tap(static_cast<int>(row - image * out_h));
  const Tap across = Axis(in_w, out_w, align_corners).tap(static_cast<int>(pixel - row * out_w));
  const float* from = source + image * in_h * in_w * c + k;
  const float a = from[(static_cast<long long>(down.low) * in_w + across.low) * c];
  const float b = from[(static_cast<long long>(down.low) * in_w + across.high) * c];
  const float d = from[(static_cast<long long>(down.high) * in_w + across.low) * c];
  const float e = from[(static_cast<long long>(down.high) * in_w + across.high) * c];
  const bool copy = in_h == out_h && in_w == out_w;
  target[pixel * out_c + offset + k] = copy ? a : mix4(a, b, d, e, across.t, down.t);
}

/*
 * wisp_resize_bilinear_backward: d_source[b, y, x, k] = sum over the outputs (oy, ox) that read (y,
 * x) of weight(oy, y) weight(ox, x) d_target[b, oy, ox, offset + k], gathered by the source element
 * in ascending oy, then ox. Parameters as wisp_resize_bilinear, in and out being those of the
 * forward operation:
 *
 *   d_target       const float*  [n, out_h, out_w, out_c], in: channels [offset, offset + c)
 *   d_source       float*        [n, in_h, in_w, c], out
 *   n              long long
 *   in_h, in_w, c                int, each at least 1
 *   out_h, out_w, out_c, offset  int; offset + c <= out_c
 *   align_corners  int           0 or 1
 *
 * Grid (ceil(in_w c / 128), min(ceil(n in_h / 8), 65535), 1). wisp_resize_bilinear_backward_naive,
 * which looks at every output: grid (ceil(n in_h in_w c / 256), 1, 1), block (256, 1, 1). 4 bytes
 * written a source element, 4 read a target element (its up to four readers meet in cache); per
 * source element about 60 operations for its ranges and 12 for each output that reads it. Bound:
 * bandwidth where channels come in fours (features shrunk to the coarsest grid: 134 G source
 * elements/s at a quarter of the size), operations for one-channel maps enlarged by four or more.
 */
extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_resize_bilinear_backward(const float* __restrict__ d_target, float* __restrict__ d_source,
                                  long long n, int in_h, int in_w, int c, int out_h, int out_w,
                                  int out_c, int offset, int align_corners) {
  const Axis rows(in_h, out_h, align_corners), columns(in_w, out_w, align_corners);
  const bool copy = in_h == out_h && in_w == out_w;
  const bool vectors = c % kVector == 0 && out_c % kVector == 0 && offset % kVector == 0 &&
                       aligned(d_source) && aligned(d_target);
  const long long length = static_cast<long long>(in_w) * c;
  const long long begin = static_cast<long long>(blockIdx.x) * kSpan;
  const long long stride = static_cast<long long>(gridDim.y) * kRows;
  for (long long r = static_cast<long long>(blockIdx.y) * kRows + threadIdx.y; r < n * in_h;
       r += stride) {
    const long long image = r / in_h;
    const int y = static_cast<int>(r - image * in_h);
    const int first_row = rows.first_reader(y);
    const float* from = d_target + image * out_h * out_w * out_c + offset;
    float* to = d_source + r * length;
    for (int j = 0; j < (vectors ? 1 : kVector); ++j) {
      const long long e =
          begin + (vectors ? kVector * static_cast<int>(threadIdx.x)
                           : j * kLanes + static_cast<int>(threadIdx.x));
      if (e >= length) break;
      const int x = static_cast<int>(e / c);
      const int k = static_cast<int>(e - static_cast<long long>(x) * c);
      if (copy) {
        const float* at = from + (static_cast<long long>(y) * out_w + x) * out_c + k;
        if (vectors)
          store(to + e, load<kVector>(at));
        else
          store(to + e, load<1>(at));
      } else if (vectors) {
        store(to + e, gather<kVector>(from + k, rows, columns, y, x, first_row, out_c));
      } else {
        store(to + e, gather<1>(from + k, rows, columns, y, x, first_row, out_c));
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_resize_bilinear_backward_naive(const float* __restrict__ d_target,
                                        float* __restrict__ d_source, long long n, int in_h,
                                        int in_w, int c, int out_h, int out_w, int out_c,
                                        int offset, int align_corners) {
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= n * in_h * in_w * c) return;
  const long long pixel = i / c, row = pixel / in_w, image = row / in_h;
  const long long k = i - pixel * c;
  const int y = static_cast<int>(row - image * in_h), x = static_cast<int>(pixel - row * in_w);
  const Axis rows(in_h, out_h, align_corners), columns(in_w, out_w, align_corners);
  const bool copy = in_h == out_h && in_w == out_w;
  const float* from = d_target + image * out_h * out_w * out_c + offset + k;
  float total = 0.0f;
  for (int oy = 0; oy < out_h; ++oy) {
    const Tap down = rows.tap(oy);
    for (int ox = 0; ox < out_w; ++ox) {
      const Tap across = columns.tap(ox);
      const bool reads = copy ? oy == y && ox == x
                              : (down.low == y || down.high == y) &&
                                    (across.low == x || across.high == x);
      if (!reads) continue;
      const float share = copy ? 1.0f : Axis::weight(down, y) * Axis::weight(across, x);
      total += share * from[(static_cast<long long>(oy) * out_w + ox) * out_c];
    }
  }
  d_source[i] = total;
}
