/*
 * Raw class activation maps to maps and the gradient (method.md section 2): the SPI's camToMaps and
 * camToMapsBackward.
 *   M_k = relu(cam_k) / (max over positions of relu(cam_k) + eps),   k = 1..K
 *   M_0 = 1 - max over all K classes of M_k, absent ones too
 * each times the validity of the position. Rows of maps exist for present classes alone: image b
 * owns rows offsets[b] .. offsets[b + 1], ids[row] is a row's class; class ids ascend and begin
 * with 0.
 *
 * Forward is two kernels: wisp_cam_to_maps_peaks, wisp_cam_to_maps. Backward is two:
 * wisp_cam_to_maps_backward_peaks, wisp_cam_to_maps_backward. The first of several equal maxima
 * wins in both places, and a NaN counts as larger than any number. No dynamic shared memory.
 *
 * A batch's cam is 1 to 5 MB and lives in the L2 cache from its convolution to here; with 4 bytes
 * read twice the bound on a Titan RTX is a few microseconds, so the kernels are laid out to fill
 * the processors, not to save bytes.
 *
 * Versions considered: one kernel for the whole forward needs a barrier across blocks between peaks
 * and maps. A thread a position reading its K classes in a loop is the naive sibling: its warps
 * read with a stride of K. No run on a GPU has been made.
 */

namespace {

constexpr int kLanes = 32;
constexpr int kBlock = 256;
constexpr int kWarps = kBlock / kLanes;
constexpr unsigned kAll = 0xffffffffu;
/* Rows of threads in wisp_cam_to_maps_peaks. */
constexpr int kRows = 16;
/* Loses against every value of relu. */
constexpr float kNone = -1.0f;
constexpr int kNowhere = 0x7fffffff;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

/* max(0, x), NaN stays NaN. */
__device__ inline float positive(float x) { return x <= 0.0f ? 0.0f : x; }

/* A value and where it was found. */
struct Found {
  float value;
  int at;
};

/* Whether b takes the first maximum from a: larger, NaN being largest, or equal and earlier. */
__device__ inline bool beats(Found b, Found a) {
  const bool b_nan = b.value != b.value, a_nan = a.value != a.value;
  if (b_nan != a_nan) return b_nan;
  if (b.value > a.value) return true;
  return (b_nan || b.value == a.value) && b.at < a.at;
}

__device__ inline Found better(Found a, Found b) { return beats(b, a) ? b : a; }

__device__ inline Found warp_best(Found mine) {
  for (int step = kLanes / 2; step > 0; step /= 2) {
    const Found other = {__shfl_xor_sync(kAll, mine.value, step),
                         __shfl_xor_sync(kAll, mine.at, step)};
    mine = better(mine, other);
  }
  return mine;
}

/* The peak's value; 0 for an index outside the image. */
__device__ inline float peak_value(const float* cam, int at, long long positions, int k,
                                   int channel) {
  return at >= 0 && at < positions ? positive(cam[static_cast<long long>(at) * k + channel]) : 0.0f;
}

/* The row of a class among rows begin .. end of ascending ids, or -1. */
__device__ inline int row_of(const int* ids, int begin, int end, int id) {
  while (begin < end) {
    const int middle = begin + (end - begin) / 2;
    if (ids[middle] == id) return middle;
    if (ids[middle] < id)
      begin = middle + 1;
    else
      end = middle;
  }
  return -1;
}

/*
 * The gradient of M_k at a position, that of M_0 included, which goes negated to the winning class.
 * row, background: rows of the class and of the background, or -1.
 */
__device__ inline float map_gradient(const float* d_maps, const float* valid, const int* winner,
                                     long long image, long long p, long long positions, int id,
                                     int row, int background) {
  float g = row >= 0 ? d_maps[row * positions + p] : 0.0f;
  const bool wins = background >= 0 && winner[image * positions + p] == id;
  const float mask = valid != nullptr ? valid[image * positions + p] : 1.0f;
  g = __fmul_rn(g, mask);
  if (wins) g = __fsub_rn(g, __fmul_rn(d_maps[background * positions + p], mask));
  return g;
}

}  // namespace

/*
 * wisp_cam_to_maps_peaks: for each image and class the first position of the maximum of relu(cam),
 * and the divisor, that maximum plus eps.
 *
 *   cam        const float*  [n, positions, k], in
 *   peak       int*          [n, k], out
 *   divisor    float*        [n, k], out
 *   n          long long
 *   positions  long long     1 .. 2^31 - 1
 *   k          int           foreground classes, at least 1
 *   eps        float
 *
 * Grid (n ceil(k / 32), 1, 1), block (32, 16, 1): a warp reads up to 32 classes of a position, 16
 * warps take every 16th position. wisp_cam_to_maps_peaks_naive: grid (ceil(n k / 256), 1, 1), block
 * (256, 1, 1). 4 bytes, about 5 operations an element.
 */
extern "C" __global__ void __launch_bounds__(kLanes* kRows)
    wisp_cam_to_maps_peaks(const float* __restrict__ cam, int* __restrict__ peak,
                           float* __restrict__ divisor, long long n, long long positions, int k,
                           float eps) {
  __shared__ Found part[kRows][kLanes];
  const int tiles = (k + kLanes - 1) / kLanes;
  const long long image = blockIdx.x / tiles;
  const int channel = (blockIdx.x - image * tiles) * kLanes + threadIdx.x;
  if (image >= n) return;
  Found best = {kNone, kNowhere};
  if (channel < k)
    for (long long p = threadIdx.y; p < positions; p += kRows) {
      const Found here = {positive(cam[(image * positions + p) * k + channel]),
                          static_cast<int>(p)};
      best = better(best, here);
    }
  part[threadIdx.y][threadIdx.x] = best;
  __syncthreads();
  if (threadIdx.y != 0 || channel >= k) return;
  for (int row = 1; row < kRows; ++row) best = better(best, part[row][threadIdx.x]);
  peak[image * k + channel] = best.at;
  divisor[image * k + channel] = best.value + eps;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_cam_to_maps_peaks_naive(const float* __restrict__ cam, int* __restrict__ peak,
                                 float* __restrict__ divisor, long long n, long long positions,
                                 int k, float eps) {
  const long long i = thread_index();
  if (i >= n * k) return;
  const long long image = i / k;
  Found best = {kNone, kNowhere};
  for (long long p = 0; p < positions; ++p)
    best = better(best, {positive(cam[(image * positions + p) * k + (i - image * k)]),
                         static_cast<int>(p)});
  peak[i] = best.at;
  divisor[i] = best.value + eps;
}

/*
 * wisp_cam_to_maps: the maps of the present classes and the winning class of each position.
 *
 *   cam        const float*  [n, positions, k], in
 *   valid      const float*  [n, positions], in: 0 or 1; or null for 1 everywhere
 *   offsets    const int*    [n + 1], in: rows of each image
 *   ids        const int*    [rows], in: class of each row, 0..k
 *   divisor    const float*  [n, k], in: from wisp_cam_to_maps_peaks
 *   maps       float*        [rows, positions], out
 *   winner     int*          [n, positions], out: the first class (1..k) of largest M_k
 *   n          long long
 *   positions  long long
 *   k          int
 *
 * Grid (n ceil(positions / 32), 1, 1), block (256, 1, 1): a block takes 32 positions; first a warp
 * finds the winner of 4 of them, lanes along the classes, then a warp writes every 8th row, lanes
 * along the positions. wisp_cam_to_maps_naive: grid (ceil(n positions / 256), 1, 1), block (256, 1,
 * 1). 4 bytes read an element of cam, 4 written an element of maps, 8 operations a class and
 * position.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_cam_to_maps(const float* __restrict__ cam, const float* __restrict__ valid,
                     const int* __restrict__ offsets, const int* __restrict__ ids,
                     const float* __restrict__ divisor, float* __restrict__ maps,
                     int* __restrict__ winner, long long n, long long positions, int k) {
  __shared__ float largest[kLanes];
  const long long tiles = (positions + kLanes - 1) / kLanes;
  const long long image = blockIdx.x / tiles, first = (blockIdx.x - image * tiles) * kLanes;
  if (image >= n) return;
  const int lane = threadIdx.x % kLanes, warp = threadIdx.x / kLanes;
  const float* values = cam + image * positions * k;
  const float* divisors = divisor + image * k;
  for (int j = warp; j < kLanes && first + j < positions; j += kWarps) {
    Found best = {kNone, kNowhere};
    for (int channel = lane; channel < k; channel += kLanes)
      best = better(best, {positive(values[(first + j) * k + channel]) / divisors[channel],
                           channel + 1});
    best = warp_best(best);
    if (lane == 0) {
      winner[image * positions + first + j] = best.at;
      largest[j] = best.value;
    }
  }
  __syncthreads();
  const long long p = first + lane;
  if (p >= positions) return;
  const float mask = valid != nullptr ? valid[image * positions + p] : 1.0f;
  for (int row = offsets[image] + warp; row < offsets[image + 1]; row += kWarps) {
    const int channel = ids[row] - 1;
    const float map = channel < 0 ? 1.0f - largest[lane]
                                  : positive(values[p * k + channel]) / divisors[channel];
    maps[row * positions + p] = map * mask;
  }
}

extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_cam_to_maps_naive(const float* __restrict__ cam, const float* __restrict__ valid,
                           const int* __restrict__ offsets, const int* __restrict__ ids,
                           const float* __restrict__ divisor, float* __restrict__ maps,
                           int* __restrict__ winner, long long n, long long positions, int k) {
  const long long i = thread_index();
  if (i >= n * positions) return;
  const long long image = i / positions, p = i - image * positions;
  Found best = {kNone, kNowhere};
#pragma unroll 1
  for (int channel = 0; channel < k; ++channel)
    best = better(best, {positive(cam[i * k + channel]) / divisor[image * k + channel],
                         channel + 1});
  winner[i] = best.at;
  for (int row = offsets[image]; row < offsets[image + 1]; ++row) {
    const int channel = ids[row] - 1;
    const float map = channel < 0
                          ? 1.0f - best.value
                          : positive(cam[i * k + channel]) / divisor[image * k + channel];
    maps[row * positions + p] = map * (valid != nullptr ? valid[i] : 1.0f);
  }
}

/*
 * wisp_cam_to_maps_backward_peaks: for each image and class its row, its divisor and the gradient
 * through the divisor, -(sum over positions of dM_k relu(cam_k)) / divisor^2, which belongs to the
 * peak. dM_k is the gradient of M_k with that of M_0 taken off where class k wins.
 *
 *   cam           const float*  [n, positions, k], in
 *   valid         const float*  [n, positions], in; or null for 1 everywhere
 *   offsets       const int*    [n + 1], in
 *   ids           const int*    [rows], in
 *   peak          const int*    [n, k], in: from the forward kernels
 *   winner        const int*    [n, positions], in: from the forward kernels
 *   d_maps        const float*  [rows, positions], in
 *   rows_of       int*          [n, k], out: the row of class 1 + channel, -1 for none
 *   divisor       float*        [n, k], out
 *   through_peak  float*        [n, k], out
 *   n             long long
 *   positions     long long     1 .. 2^31 - 1
 *   k             int
 *   eps           float
 *
 * Grid (n k, 1, 1), block (256, 1, 1): a block sums a class of an image in double, threads taking
 * every 256th position, then as a tree. wisp_cam_to_maps_backward_peaks_naive: grid (ceil(n k /
 * 256), 1, 1). 12 bytes and about 6 operations an element, from cache.
 */
extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_cam_to_maps_backward_peaks(const float* __restrict__ cam, const float* __restrict__ valid,
                                    const int* __restrict__ offsets, const int* __restrict__ ids,
                                    const int* __restrict__ peak, const int* __restrict__ winner,
                                    const float* __restrict__ d_maps, int* __restrict__ rows_of,
                                    float* __restrict__ divisor, float* __restrict__ through_peak,
                                    long long n, long long positions, int k, float eps) {
  __shared__ double part[kWarps];
  const long long image = blockIdx.x / k;
  const int channel = static_cast<int>(blockIdx.x - image * k);
  if (image >= n) return;
  const int begin = offsets[image], end = offsets[image + 1];
  const int row = row_of(ids, begin, end, channel + 1), background = row_of(ids, begin, end, 0);
  const float* values = cam + image * positions * k;
  double sum = 0;
#pragma unroll 2
  for (long long p = threadIdx.x; p < positions; p += kBlock) {
    const float g = map_gradient(d_maps, valid, winner, image, p, positions, channel + 1, row,
                                 background);
    sum += static_cast<double>(g) * positive(values[p * k + channel]);
  }
  for (int step = kLanes / 2; step > 0; step /= 2) sum += __shfl_down_sync(kAll, sum, step);
  if (threadIdx.x % kLanes == 0) part[threadIdx.x / kLanes] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int warp = 1; warp < kWarps; ++warp) sum += part[warp];
  const float top = peak_value(values, peak[blockIdx.x], positions, k, channel) + eps;
  rows_of[blockIdx.x] = row;
  divisor[blockIdx.x] = top;
  through_peak[blockIdx.x] = static_cast<float>(-(sum / top / top));
}

extern "C" __global__ void __launch_bounds__(kBlock) wisp_cam_to_maps_backward_peaks_naive(
    const float* __restrict__ cam, const float* __restrict__ valid,
    const int* __restrict__ offsets, const int* __restrict__ ids, const int* __restrict__ peak,
    const int* __restrict__ winner, const float* __restrict__ d_maps, int* __restrict__ rows_of,
    float* __restrict__ divisor, float* __restrict__ through_peak, long long n,
    long long positions, int k, float eps) {
  const long long i = thread_index();
  if (i >= n * k) return;
  const long long image = i / k;
  const int channel = static_cast<int>(i - image * k);
  const int begin = offsets[image], end = offsets[image + 1];
  const int row = row_of(ids, begin, end, channel + 1), background = row_of(ids, begin, end, 0);
  const float* values = cam + image * positions * k;
  double sum = 0;
  for (long long p = 0; p < positions; ++p)
    sum += static_cast<double>(map_gradient(d_maps, valid, winner, image, p, positions,
                                            channel + 1, row, background)) *
           positive(values[p * k + channel]);
  const float top = peak_value(values, peak[i], positions, k, channel) + eps;
  rows_of[i] = row;
  divisor[i] = top;
  through_peak[i] = static_cast<float>(-(sum / top / top));
}

/*
 * wisp_cam_to_maps_backward: d_cam = dM_k / divisor where cam > 0, plus the gradient through the
 * divisor at the peak; exactly 0 where relu cuts (selected, not multiplied; relu'(0) = 0).
 *
 *   cam           const float*  [n, positions, k], in
 *   valid         const float*  [n, positions], in; or null for 1 everywhere
 *   offsets       const int*    [n + 1], in
 *   ids           const int*    [rows], in
 *   peak          const int*    [n, k], in
 *   winner        const int*    [n, positions], in
 *   d_maps        const float*  [rows, positions], in
 *   rows_of       const int*    [n, k], in: from wisp_cam_to_maps_backward_peaks
 *   divisor       const float*  [n, k], in: from there
 *   through_peak  const float*  [n, k], in: from there
 *   d_cam         float*        [n, positions, k], out; overlaps no input
 *   n             long long
 *   positions     long long
 *   k             int
 *
 * Grid (ceil(n positions k / 256), 1, 1), block (256, 1, 1). 8 bytes an element and 4 for a row's;
 * about 20 operations, mostly for the division and to find the position. No naive sibling: this is
 * one thread an element already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_cam_to_maps_backward(const float* __restrict__ cam, const float* __restrict__ valid,
                              const int* __restrict__ offsets, const int* __restrict__ ids,
                              const int* __restrict__ peak, const int* __restrict__ winner,
                              const float* __restrict__ d_maps, const int* __restrict__ rows_of,
                              const float* __restrict__ divisor,
                              const float* __restrict__ through_peak, float* __restrict__ d_cam,
                              long long n, long long positions, int k) {
  const long long i = thread_index();
  if (i >= n * positions * k) return;
  const long long pixel = i / k, image = pixel / positions, p = pixel - image * positions;
  const int channel = static_cast<int>(i - pixel * k);
  if (!(cam[i] > 0.0f)) {
    d_cam[i] = 0.0f;
    return;
  }
  const int begin = offsets[image];
  const int background = begin < offsets[image + 1] && ids[begin] == 0 ? begin : -1;
  const long long at = image * k + channel;
  const float g = map_gradient(d_maps, valid, winner, image, p, positions, channel + 1,
                               rows_of[at], background) /
                  divisor[at];
  d_cam[i] = p == peak[at] ? __fadd_rn(g, through_peak[at]) : g;
}
