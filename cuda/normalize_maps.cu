/*
 * Normalisation of maps [rows, positions], each over its positions, and its gradient (method.md
 * sections 2 and 6): the SPI's normalizeMaps and normalizeMapsBackward.
 *   max:      out = x / (max + eps)
 *   min-max:  out = (x - min) / (max - min + eps)
 *
 * Common to all: a block takes a row, grid (rows, 1, 1), block (256, 1, 1), no dynamic shared
 * memory; the naive siblings give a thread to a row, grid (ceil(rows / 256), 1, 1), block (256, 1,
 * 1).
 *
 * Rows are feature grids (1024 positions in training): a row is read from cache the second time, so
 * 8 bytes an element forward and 12 backward, 84 and 56 G elements/s on a Titan RTX (672 GB/s) once
 * there are enough rows to fill it; a batch of 64 rows takes the time of a launch.
 *
 * Versions considered: several blocks a row need a workspace and a second launch, and pay only for
 * maps of whole photographs. No run on a GPU has been made.
 */

namespace {

constexpr int kLanes = 32;
constexpr int kBlock = 256;
constexpr int kWarps = kBlock / kLanes;
constexpr unsigned kAll = 0xffffffffu;
constexpr int kNowhere = 0x7fffffff;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

/* The first largest value so far and where; kNowhere before any. Lowest: of negated values. */
struct Extreme {
  float value;
  int at;

  /* NaN takes no part. */
  __device__ void offer(float other, int where) {
    if (other == other && (at == kNowhere || other > value || (other == value && where < at))) {
      value = other;
      at = where;
    }
  }

  __device__ void merge(float other, int where) {
    if (where != kNowhere) offer(other, where);
  }
};

/* The extreme over the block, in thread 0. parts: one of each a warp, shared. */
__device__ inline void block_extreme(Extreme& mine, float* values, int* places) {
  for (int step = kLanes / 2; step > 0; step /= 2) {
    const float value = __shfl_down_sync(kAll, mine.value, step);
    const int at = __shfl_down_sync(kAll, mine.at, step);
    mine.merge(value, at);
  }
  if (threadIdx.x % kLanes == 0) {
    values[threadIdx.x / kLanes] = mine.value;
    places[threadIdx.x / kLanes] = mine.at;
  }
  __syncthreads();
  if (threadIdx.x == 0)
    for (int warp = 1; warp < kWarps; ++warp) mine.merge(values[warp], places[warp]);
}

/* The sum over the block, in thread 0. part: one double a warp, shared. */
__device__ inline double block_sum(double value, double* part) {
  for (int step = kLanes / 2; step > 0; step /= 2) value += __shfl_down_sync(kAll, value, step);
  if (threadIdx.x % kLanes == 0) part[threadIdx.x / kLanes] = value;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int warp = 1; warp < kWarps; ++warp) value += part[warp];
  return value;
}

/*
 * Where a scan from the left that keeps its first value against equal ones and NaN ends: at 0 if
 * that is a NaN, else at the first extreme.
 */
__device__ inline int place(const Extreme& found, float first) {
  return first != first || found.at == kNowhere ? 0 : found.at;
}

/* What is taken off each value, and what each is divided by. */
struct Span {
  float low, divisor;

  __device__ Span(const float* row, int highest, int lowest, int min_max, float eps) {
    low = min_max ? row[lowest] : 0.0f;
    divisor = row[highest] - low + eps;
  }
};

__device__ inline bool inside(int at, long long positions) { return at >= 0 && at < positions; }

/* The gradient at position p: direct, and through the maximum and the minimum. */
__device__ inline float row_gradient(float d_out, const Span& span, long long p, int highest,
                                     int lowest, int min_max, float spread, float plain) {
  float g = d_out / span.divisor;
  if (p == highest) g -= spread;
  if (min_max && p == lowest) g += spread - plain;
  return g;
}

}  // namespace

/*
 * wisp_normalize_maps
 *
 *   maps       const float*  [rows, positions], in
 *   out        float*        [rows, positions], out; does not overlap maps
 *   peak       int*          [rows, 2], out: first position of the maximum, of the minimum; a NaN
 *                            is neither, unless it comes first, when it is both
 *   rows       long long
 *   positions  long long     1 .. 2^31 - 1
 *   min_max    int           0: max, 1: min-max
 *   eps        float
 *
 * 8 bytes and about 6 operations an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_normalize_maps(const float* __restrict__ maps, float* __restrict__ out,
                        int* __restrict__ peak, long long rows, long long positions, int min_max,
                        float eps) {
  __shared__ float values[2][kWarps];
  __shared__ int places[2][kWarps];
  __shared__ int found[2];
  const long long row = blockIdx.x;
  if (row >= rows) return;
  const float* from = maps + row * positions;
  Extreme high = {0.0f, kNowhere}, low = {0.0f, kNowhere};
  for (long long p = threadIdx.x; p < positions; p += kBlock) {
    const float x = from[p];
    high.offer(x, static_cast<int>(p));
    low.offer(-x, static_cast<int>(p));
  }
  block_extreme(high, values[0], places[0]);
  block_extreme(low, values[1], places[1]);
  if (threadIdx.x == 0) {
    peak[2 * row] = found[0] = place(high, from[0]);
    peak[2 * row + 1] = found[1] = place(low, from[0]);
  }
  __syncthreads();
  const Span span(from, found[0], found[1], min_max, eps);
  for (long long p = threadIdx.x; p < positions; p += kBlock)
    out[row * positions + p] = (from[p] - span.low) / span.divisor;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_normalize_maps_naive(const float* __restrict__ maps, float* __restrict__ out,
                              int* __restrict__ peak, long long rows, long long positions,
                              int min_max, float eps) {
  const long long row = thread_index();
  if (row >= rows) return;
  const float* from = maps + row * positions;
  int highest = 0, lowest = 0;
  for (long long p = 1; p < positions; ++p) {
    if (from[p] > from[highest]) highest = static_cast<int>(p);
    if (from[p] < from[lowest]) lowest = static_cast<int>(p);
  }
  peak[2 * row] = highest;
  peak[2 * row + 1] = lowest;
  const Span span(from, highest, lowest, min_max, eps);
  for (long long p = 0; p < positions; ++p)
    out[row * positions + p] = (from[p] - span.low) / span.divisor;
}

/*
 * wisp_normalize_maps_backward: with d = max - min + eps (min 0 for max), g = d_out / d:
 *   d_maps = g, at the maximum minus (sum of d_out (x - min)) / d^2, and for min-max at the minimum
 *   plus that minus (sum of d_out) / d. Sums in double.
 *
 *   maps       const float*  [rows, positions], in
 *   peak       const int*    [rows, 2], in: from wisp_normalize_maps; a row whose places lie
 *                            outside it gets 0
 *   d_out      const float*  [rows, positions], in
 *   d_maps     float*        [rows, positions], out; overlaps no input
 *   rows       long long
 *   positions  long long     1 .. 2^31 - 1
 *   min_max    int           0: max, 1: min-max
 *   eps        float
 *
 * 12 bytes and about 10 operations an element, five of them in double.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_normalize_maps_backward(const float* __restrict__ maps, const int* __restrict__ peak,
                                 const float* __restrict__ d_out, float* __restrict__ d_maps,
                                 long long rows, long long positions, int min_max, float eps) {
  __shared__ double part[2][kWarps];
  __shared__ float through[2];
  const long long row = blockIdx.x;
  if (row >= rows) return;
  const float* from = maps + row * positions;
  const float* gradient = d_out + row * positions;
  float* to = d_maps + row * positions;
  const int highest = peak[2 * row], lowest = peak[2 * row + 1];
  if (!inside(highest, positions) || !inside(lowest, positions)) {
    for (long long p = threadIdx.x; p < positions; p += kBlock) to[p] = 0.0f;
    return;
  }
  const Span span(from, highest, lowest, min_max, eps);
  double plain = 0, weighted = 0;
  for (long long p = threadIdx.x; p < positions; p += kBlock) {
    plain += gradient[p];
    weighted += static_cast<double>(gradient[p]) * (from[p] - span.low);
  }
  plain = block_sum(plain, part[0]);
  weighted = block_sum(weighted, part[1]);
  if (threadIdx.x == 0) {
    through[0] = static_cast<float>(weighted / span.divisor / span.divisor);
    through[1] = static_cast<float>(plain / span.divisor);
  }
  __syncthreads();
  for (long long p = threadIdx.x; p < positions; p += kBlock)
    to[p] = row_gradient(gradient[p], span, p, highest, lowest, min_max, through[0], through[1]);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_normalize_maps_backward_naive(const float* __restrict__ maps,
                                       const int* __restrict__ peak,
                                       const float* __restrict__ d_out,
                                       float* __restrict__ d_maps, long long rows,
                                       long long positions, int min_max, float eps) {
  const long long row = thread_index();
  if (row >= rows) return;
  const float* from = maps + row * positions;
  const float* gradient = d_out + row * positions;
  float* to = d_maps + row * positions;
  const int highest = peak[2 * row], lowest = peak[2 * row + 1];
  if (!inside(highest, positions) || !inside(lowest, positions)) {
    for (long long p = 0; p < positions; ++p) to[p] = 0.0f;
    return;
  }
  const Span span(from, highest, lowest, min_max, eps);
  double plain = 0, weighted = 0;
  for (long long p = 0; p < positions; ++p) {
    plain += gradient[p];
    weighted += static_cast<double>(gradient[p]) * (from[p] - span.low);
  }
  const float spread = static_cast<float>(weighted / span.divisor / span.divisor);
  const float share = static_cast<float>(plain / span.divisor);
  for (long long p = 0; p < positions; ++p)
    to[p] = row_gradient(gradient[p], span, p, highest, lowest, min_max, spread, share);
}
