/*
 * Structure seeds (SIPE, Chen et al., CVPR 2022, section 3.2). Of n images with P positions and D
 * channels, with u_i = f_i / (|f_i| + eps), S_ij = relu(u_i . u_j) and maps M_k:
 *   IoU_ik = sum_j S_ij M_kj / (sum_j S_ij + sum_j M_kj - sum_j S_ij M_kj), IoU_i0 halved;
 *   seed_i = the first class of largest IoU, a NaN counting as largest, if it may have seeds.
 * Four launches; the P x P matrix S never exists:
 *   1 wisp_structure_units       u, packed for 3   (wisp_structure_units_half: as halves)
 *   2 wisp_structure_mass        sum_j M_kj
 *   3 wisp_structure_sums        sum_j S_ij M_kj and sum_j S_ij, structure_sums.cu (fp32, every
 *                                card) or structure_sums_mma.cu (tensor cores)
 *   4 wisp_structure_choose      IoU and seeds
 * This file holds 1, 2 and 4, which are bound by memory; 3 is nearly all of the time.
 *
 * Workspace, with panels = ceil(P / 64), width = 64 panels, depth = D rounded up to a multiple of
 * 16, lines = rows + n (each image's rows of maps, then one more for sum_j S_ij):
 *   units  n * panels * depth * 64 * 4 bytes: float [n, panels, depth, 64] of wisp_structure_units,
 *          half [n, panels, depth / 16, 2, 64, 16] for wisp_structure_units_half; 16-byte aligned;
 *   mass   rows * 4 bytes: float [rows];
 *   sums   runs * lines * width * 4 bytes: float [runs, lines, width]; structure_sums.cu has runs.
 *          The lines of image b begin at offsets[b] + b.
 * Linear in P. Nothing in it needs to be set beforehand.
 *
 * n <= 65535 everywhere. eps, D, P as in SeedOps. All sums in a fixed order, no atomics.
 */

namespace {

typedef long long int64;

constexpr int kPanel = 64;
constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kSlab = 16; /* channels a product kernel loads at a time */
constexpr int kChannels = 32;
constexpr int kChoosePositions = 32;
constexpr unsigned kAll = 0xffffffffu;

__device__ __forceinline__ int64 lesser(int64 a, int64 b) { return a < b ? a : b; }

/* scale[i] = 1 / (|f_i| + eps) of the panel's positions, 0 past the last; a warp a position. */
__device__ __forceinline__ void panel_scales(const float* __restrict__ feature, int64 count,
                                             int64 d, float eps, float* scale) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int i = warp; i < kPanel; i += kWarps) {
    float squares = 0.0f;
    if (i < count) {
      for (int64 c = lane; c < d; c += 32) {
        const float f = feature[i * d + c];
        squares = fmaf(f, f, squares);
      }
    }
    for (int step = 16; step > 0; step /= 2) squares += __shfl_xor_sync(kAll, squares, step);
    if (lane == 0) scale[i] = i < count ? 1.0f / (sqrtf(squares) + eps) : 0.0f;
  }
}

/* Nearest half, as its bits, and back. */
__device__ __forceinline__ unsigned short half_bits(float x) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}

__device__ __forceinline__ float half_value(unsigned short bits) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
  return x;
}

/* high + low / 2^11 is x to 22 bits; see structure_sums_mma.cu. */
__device__ __forceinline__ void split(float x, unsigned short& high, unsigned short& low) {
  high = half_bits(x);
  low = half_bits((x - half_value(high)) * 2048.0f);
}

/* u of one position and channel for the naive kernels; 0 in the padding. */
__device__ float unit(const float* feature, int64 image, int64 position, int64 channel,
                      int64 positions, int64 d, float eps) {
  if (position >= positions || channel >= d) return 0.0f;
  const float* f = feature + (image * positions + position) * d;
  float squares = 0.0f;
  for (int64 c = 0; c < d; ++c) squares = squares + f[c] * f[c];
  return f[channel] / (sqrtf(squares) + eps);
}

}  // namespace

/*
 * u as float [n, panels, depth, 64], channel by channel within a panel of positions, zero in the
 * padding of both. Parameters, in order:
 *   const float* feature   [n, P, D]                  in
 *   float*       units     [n, panels, depth, 64]     out
 *   long long    n, P, D   D >= 1
 *   float        eps
 * Grid (panels, n), block 256, no dynamic shared memory. Per element: reads 4 bytes twice (the
 * second time mostly out of the cache), writes 4; 3 operations. Bound by memory.
 * wisp_structure_units_naive: a thread an element of units, grid (ceil(depth * 64 / 256), n *
 * panels), the norm computed again for each.
 */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_units(const float* __restrict__ feature, float* __restrict__ units,
                         long long n, long long positions, long long d, float eps) {
  __shared__ float scale[kPanel];
  __shared__ float turned[kPanel][kChannels + 1];
  const int64 panel = blockIdx.x, image = blockIdx.y, begin = panel * kPanel;
  const int64 depth = (d + kSlab - 1) / kSlab * kSlab;
  const int64 count = lesser(kPanel, positions - begin);
  const float* source = feature + (image * positions + begin) * d;
  float* target = units + (image * gridDim.x + panel) * depth * kPanel;
  panel_scales(source, count, d, eps, scale);
  __syncthreads();
  for (int64 first = 0; first < depth; first += kChannels) {
    const int channel = threadIdx.x % kChannels;
    for (int i = threadIdx.x / kChannels; i < kPanel; i += kThreads / kChannels) {
      const bool inside = i < count && first + channel < d;
      turned[i][channel] = inside ? source[i * d + first + channel] * scale[i] : 0.0f;
    }
    __syncthreads();
    const int64 channels = lesser(kChannels, depth - first);
    const int i = threadIdx.x % kPanel;
    for (int64 k = threadIdx.x / kPanel; k < channels; k += kThreads / kPanel) {
      target[(first + k) * kPanel + i] = turned[i][k];
    }
    __syncthreads();
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_units_naive(const float* feature, float* units, long long n,
                               long long positions, long long d, float eps) {
  const int64 panels = (positions + kPanel - 1) / kPanel;
  const int64 depth = (d + kSlab - 1) / kSlab * kSlab;
  const int64 at = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  const int64 image = blockIdx.y / panels, panel = blockIdx.y % panels;
  if (at >= depth * kPanel || image >= n) return;
  units[blockIdx.y * depth * kPanel + at] =
      unit(feature, image, panel * kPanel + at % kPanel, at / kPanel, positions, d, eps);
}

/*
 * u as halves for structure_sums_mma.cu: of every panel and slab of 16 channels 64 x 16 high parts,
 * then as many low parts, zero in the padding. Parameters, in order:
 *   const float*    feature  [n, P, D]                              in
 *   unsigned short* units    half [n, panels, depth / 16, 2, 64, 16] out
 *   long long       n, P, D  D >= 1
 *   float           eps
 * Grid (panels, n), block 256, no dynamic shared memory. Per element: reads 4 bytes twice, writes
 * 4; 6 operations. Bound by memory.
 * wisp_structure_units_half_naive: a thread a channel of a position, grid (ceil(depth * 64 / 256),
 * n * panels).
 */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_units_half(const float* __restrict__ feature,
                              unsigned short* __restrict__ units, long long n,
                              long long positions, long long d, float eps) {
  __shared__ float scale[kPanel];
  const int64 panel = blockIdx.x, image = blockIdx.y, begin = panel * kPanel;
  const int64 depth = (d + kSlab - 1) / kSlab * kSlab;
  const int64 count = lesser(kPanel, positions - begin);
  const float* source = feature + (image * positions + begin) * d;
  panel_scales(source, count, d, eps, scale);
  __syncthreads();
  /* Two channels a thread: a word of each part. */
  constexpr int kWords = kPanel * kSlab / 2;
  unsigned* target =
      reinterpret_cast<unsigned*>(units) + (image * gridDim.x + panel) * depth * kPanel;
  for (int64 slab = 0; slab < depth / kSlab; ++slab) {
    for (int word = threadIdx.x; word < kWords; word += kThreads) {
      const int i = word / (kSlab / 2);
      const int64 c = slab * kSlab + word % (kSlab / 2) * 2;
      const float* f = source + i * d + c;
      unsigned short high[2], low[2];
      split(i < count && c < d ? f[0] * scale[i] : 0.0f, high[0], low[0]);
      split(i < count && c + 1 < d ? f[1] * scale[i] : 0.0f, high[1], low[1]);
      unsigned* at = target + slab * 2 * kWords + word;
      at[0] = high[0] | static_cast<unsigned>(high[1]) << 16;
      at[kWords] = low[0] | static_cast<unsigned>(low[1]) << 16;
    }
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_units_half_naive(const float* feature, unsigned short* units, long long n,
                                    long long positions, long long d, float eps) {
  const int64 panels = (positions + kPanel - 1) / kPanel;
  const int64 depth = (d + kSlab - 1) / kSlab * kSlab;
  const int64 at = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  const int64 image = blockIdx.y / panels, panel = blockIdx.y % panels;
  if (at >= depth * kPanel || image >= n) return;
  const int64 i = at / depth, c = at % depth;
  unsigned short high, low;
  split(unit(feature, image, panel * kPanel + i, c, positions, d, eps), high, low);
  const int64 slab = (blockIdx.y * depth / kSlab + c / kSlab) * 2 * kPanel * kSlab;
  units[slab + i * kSlab + c % kSlab] = high;
  units[slab + (kPanel + i) * kSlab + c % kSlab] = low;
}

/*
 * mass_k = sum over positions of M_k, accumulated in double. Parameters, in order:
 *   const float* maps       [rows, P]  in
 *   float*       mass       [rows]     out
 *   long long    rows, P
 * Grid (rows), block 256, no dynamic shared memory. 4 bytes and one operation an element.
 * wisp_structure_mass_naive: a thread a row, grid (ceil(rows / 256)).
 */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_mass(const float* __restrict__ maps, float* __restrict__ mass, long long rows,
                        long long positions) {
  __shared__ double part[kWarps];
  const float* map = maps + blockIdx.x * positions;
  double sum = 0;
  for (int64 i = threadIdx.x; i < positions; i += kThreads) sum += static_cast<double>(map[i]);
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(kAll, sum, step);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int w = 1; w < kWarps; ++w) sum += part[w];
    mass[blockIdx.x] = static_cast<float>(sum);
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_mass_naive(const float* maps, float* mass, long long rows,
                              long long positions) {
  const int64 row = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  if (row >= rows) return;
  double sum = 0;
  for (int64 i = 0; i < positions; ++i) sum += static_cast<double>(maps[row * positions + i]);
  mass[row] = static_cast<float>(sum);
}

namespace {

struct Classes {
  const int* ids; /* of the image's rows, ascending */
  int rows, total;
  const int* present; /* classes that may have seeds, ascending */
  int present_count;
};

/* A NaN is the largest of all; of equals the first stays. */
__device__ __forceinline__ bool beats(float value, float best) {
  return value > best || (value != value && best == best);
}

/*
 * The seed of one position out of its sums (line k at sums[k * width]); -1 for none. A class
 * without a row has IoU 0 / sum_j S_ij; all of them are equal, so the first speaks for all.
 */
__device__ int choose(const Classes& c, const float* sums, int64 width, const float* mass,
                      float* iou, int64 positions) {
  const float total = sums[c.rows * width];
  int absent = 0;
  while (absent < c.rows && c.ids[absent] == absent) ++absent;
  bool pending = absent < c.total;
  int winner = -1;
  float best = 0.0f;
  for (int k = 0; k <= c.rows; ++k) {
    if (pending && (k == c.rows || c.ids[k] > absent)) {
      pending = false;
      const float value = 0.0f / total;
      if (winner < 0 || beats(value, best)) {
        winner = absent;
        best = value;
      }
    }
    if (k == c.rows) break;
    const float inter = sums[k * width];
    const float ratio = inter / (total + mass[k] - inter);
    const float value = c.ids[k] == 0 ? 0.5f * ratio : ratio;
    if (iou != nullptr) iou[k * positions] = value;
    if (winner < 0 || beats(value, best)) {
      winner = c.ids[k];
      best = value;
    }
  }
  for (int k = 0; k < c.present_count; ++k) {
    if (c.present[k] == winner) return winner;
  }
  return -1;
}

}  // namespace

/*
 * Adds the runs' sums in their order (into run 0) and chooses the seeds. Parameters, in order:
 *   float*       sums             [runs, rows + n, width]              in, run 0 changed
 *   const float* mass             [rows]                               in
 *   const int*   offsets          [n + 1], rows of maps of each image  in
 *   const int*   ids              [rows], classes of the rows          in
 *   const int*   present_offsets  [n + 1]                              in
 *   const int*   present_ids      [present_offsets[n]], classes that may have seeds  in
 *   const float* valid            [n, P] of 0 and 1, or 0              in
 *   int*         seeds            [n, P], -1 for none                  out
 *   float*       iou              [rows, P], or 0                      out
 *   long long    n, P, runs
 *   int          total            number of classes with the background
 * Grid (ceil(P / 32), n), block 256, no dynamic shared memory: a warp adds a line of 32 positions,
 * then one warp chooses for them. Per row and position: reads 4 (runs + 1) bytes, writes 4, 4 more
 * with iou; runs + 8 operations. Bound by memory.
 * wisp_structure_choose_naive: a thread a position, grid (ceil(P / 256), n).
 */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_choose(float* sums, const float* mass, const int* offsets, const int* ids,
                          const int* present_offsets, const int* present_ids, const float* valid,
                          int* seeds, float* iou, long long n, long long positions,
                          long long runs, int total) {
  const int64 image = blockIdx.y;
  const int64 i = blockIdx.x * static_cast<int64>(kChoosePositions) + threadIdx.x % 32;
  const int64 width = (positions + kPanel - 1) / kPanel * kPanel;
  const int64 first = offsets[image], rows = offsets[image + 1] - first;
  float* own = sums + (first + image) * width + i;
  const int64 run_size = (offsets[n] + n) * width;
  if (i < positions) {
    for (int64 line = threadIdx.x / 32; line <= rows; line += kWarps) {
      float sum = own[line * width];
      for (int64 run = 1; run < runs; ++run) sum += own[run * run_size + line * width];
      own[line * width] = sum;
    }
  }
  __syncthreads();
  if (threadIdx.x >= 32 || i >= positions) return;
  const Classes classes{ids + first, static_cast<int>(rows), total,
                        present_ids + present_offsets[image],
                        present_offsets[image + 1] - present_offsets[image]};
  const int seed = choose(classes, own, width, mass + first,
                          iou == nullptr ? nullptr : iou + first * positions + i, positions);
  const int64 at = image * positions + i;
  seeds[at] = valid == nullptr || valid[at] != 0.0f ? seed : -1;
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_choose_naive(float* sums, const float* mass, const int* offsets,
                                const int* ids, const int* present_offsets,
                                const int* present_ids, const float* valid, int* seeds,
                                float* iou, long long n, long long positions, long long runs,
                                int total) {
  const int64 i = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x, image = blockIdx.y;
  if (i >= positions) return;
  const int64 width = (positions + kPanel - 1) / kPanel * kPanel;
  const int64 first = offsets[image], rows = offsets[image + 1] - first;
  const int64 lines = offsets[n] + n;
  float* own = sums + (first + image) * width + i;
#pragma unroll 1
  for (int64 line = 0; line <= rows; ++line) {
#pragma unroll 1
    for (int64 run = 1; run < runs; ++run) {
      own[line * width] += own[(run * lines + line) * width];
    }
  }
  /* All classes in turn, each looked up. */
  const float whole = own[rows * width];
  int winner = -1;
  float best = 0.0f;
  for (int id = 0; id < total; ++id) {
    float value = 0.0f / whole;
#pragma unroll 1
    for (int64 k = 0; k < rows; ++k) {
      if (ids[first + k] != id) continue;
      const float inter = own[k * width];
      value = inter / (whole + mass[first + k] - inter) * (id == 0 ? 0.5f : 1.0f);
      if (iou != nullptr) iou[(first + k) * positions + i] = value;
    }
    if (winner < 0 || beats(value, best)) {
      winner = id;
      best = value;
    }
  }
  bool kept = false;
  for (int k = present_offsets[image]; k < present_offsets[image + 1]; ++k) {
    if (present_ids[k] == winner) kept = true;
  }
  const int64 at = image * positions + i;
  seeds[at] = kept && (valid == nullptr || valid[at] != 0.0f) ? winner : -1;
}
