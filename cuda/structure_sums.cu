/*
 * The sums of the structure analysis (SIPE, Chen et al., CVPR 2022, section 3.2), in float32, for
 * every card: with S_ij = relu(u_i . u_j), for every image, row k of maps and position i
 *   sums_ki = sum_j S_ij M_kj, and in the image's last line sum_j S_ij.
 * See structure_seeds.cu for the steps before and after, and for the workspace.
 *
 * Parameters of both kernels, in order:
 *   const float* units    [n, panels, depth, 64], of wisp_structure_units, 16-byte aligned  in
 *   const float* maps     [rows, P]                                       in
 *   const int*   offsets  [n + 1], rows of each image                     in
 *   float*       sums     [runs, rows + n, 64 panels]                     out
 *   long long    n, P, D  n <= 65535, P < 2^31
 *   long long    runs     1 to 65535
 * with panels = ceil(P / 64), depth = D rounded up to a multiple of 16. The true sums are those
 * over all runs, in order.
 * Grid (runs, n), block 128, no dynamic shared memory, 21 KB of static.
 * wisp_structure_sums_naive: grid (ceil(64 panels / 128), n), a thread a position, which writes its
 * sums to run 0 and zeros to the others.
 *
 * Method. Positions are cut into panels of 64. A block computes the cosines of two panels p <= q in
 * registers, puts them into a tile in shared memory and uses it at once for the rows of both
 * panels, since S is symmetric: half the products. The pairs of an image, in row-major order, are
 * cut into `runs` equal runs; each is one block with sums of its own, to which it adds tile after
 * tile: no atomics, equal bits every time, and a workspace linear in P. (Adding each tile's part
 * to a place of its own would need P^2 (rows + 1) / 64 floats.)
 * Choose runs = min(pairs, ceil(512 / n)), pairs = panels (panels + 1) / 2, and fewer where sums
 * would pass 64 MB: enough blocks for three a multiprocessor on 72, whatever the card, so that the
 * bits depend on the sizes alone.
 *
 * A pair of panels: 2 * 64 * 64 * depth operations for the tile, 4 * 64 * 64 * (rows + 1) for the
 * sums, 2 * 64 * depth * 4 bytes out of the L2 cache. D = 771, 4 rows: 6.4 + 0.08 million
 * operations, 16 a byte of L2. A batch of 16 images of 32 x 32 positions: 14 GFLOP, 0.86 ms at a
 * Titan RTX's 16.3 TFLOP/s, which needs 1.0 TB/s of L2; 50 MB from memory: bound by arithmetic.
 *
 * Inner loop: the block's two halves take alternate channels of a slab of 16 (split K, added in the
 * tile), so that each thread holds 8 x 8 sums: 4 shared loads of 16 bytes for 64 fused
 * multiply-adds. With 8 x 4 sums a thread, all channels, shared loads would bound Maxwell and
 * Pascal. Two slabs in shared memory: one is loaded while the other is used, one barrier a slab.
 */

namespace {

typedef long long int64;

constexpr int kPanel = 64;
constexpr int kThreads = 128;
constexpr int kSlab = 16;
constexpr int kTogether = 4;       /* lines of sums a tile is used for at a time */
constexpr int kStride = kPanel + 1; /* of the tile: neither rows nor columns share banks */
constexpr int kSide = kSlab * kPanel; /* floats of a slab of one panel */

/* The image of a block. */
struct Image {
  const float* units;
  const float* maps;
  float* sums; /* of the block's run */
  int64 positions, width;
  int rows;
};

/*
 * Adds the tile (rows of panel p, columns of panel q) to the sums of p, and of q where it is
 * another. Each thread takes a row, then a column, over half of its 32 + 32 elements; `part`
 * carries the second half. The same in structure_sums_mma.cu: a kernel file stands alone.
 */
__device__ __forceinline__ void add_tile(const Image& s, const float* tile, int64 p, int64 q,
                                         float (*weights)[kTogether][kPanel],
                                         float (*part)[kTogether][kPanel]) {
  const int line = threadIdx.x % kPanel, half = threadIdx.x / kPanel;
  const int begin = half * (kPanel / 2);
  for (int first = 0; first <= s.rows; first += kTogether) {
    for (int side = 0; side < 2; ++side) {
      const int64 i = (side == 0 ? p : q) * kPanel + line;
      for (int g = half; g < kTogether; g += 2) {
        const int k = first + g;
        float weight = 0.0f;
        if (k < s.rows && i < s.positions) weight = s.maps[k * s.positions + i];
        weights[side][g][line] = k == s.rows ? 1.0f : weight;
      }
    }
    __syncthreads();
    float sums[2][kTogether];
#pragma unroll
    for (int g = 0; g < kTogether; ++g) sums[0][g] = sums[1][g] = 0.0f;
#pragma unroll 4
    for (int j = begin; j < begin + kPanel / 2; j += 4) {
      float own[4], turned[4];
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        own[k] = tile[line * kStride + j + k];
        turned[k] = tile[(j + k) * kStride + line];
      }
#pragma unroll
      for (int g = 0; g < kTogether; ++g) {
        const float4 cols = *reinterpret_cast<const float4*>(&weights[1][g][j]);
        const float4 rows = *reinterpret_cast<const float4*>(&weights[0][g][j]);
        sums[0][g] = fmaf(own[0], cols.x, sums[0][g]);
        sums[1][g] = fmaf(turned[0], rows.x, sums[1][g]);
        sums[0][g] = fmaf(own[1], cols.y, sums[0][g]);
        sums[1][g] = fmaf(turned[1], rows.y, sums[1][g]);
        sums[0][g] = fmaf(own[2], cols.z, sums[0][g]);
        sums[1][g] = fmaf(turned[2], rows.z, sums[1][g]);
        sums[0][g] = fmaf(own[3], cols.w, sums[0][g]);
        sums[1][g] = fmaf(turned[3], rows.w, sums[1][g]);
      }
    }
    if (half == 1) {
#pragma unroll
      for (int g = 0; g < kTogether; ++g) {
        part[0][g][line] = sums[0][g];
        part[1][g][line] = sums[1][g];
      }
    }
    __syncthreads();
    if (half == 0) {
#pragma unroll
      for (int g = 0; g < kTogether; ++g) {
        if (first + g > s.rows) break;
        float* at = s.sums + (first + g) * s.width + line;
        at[p * kPanel] += sums[0][g] + part[0][g][line];
        if (p != q) at[q * kPanel] += sums[1][g] + part[1][g][line];
      }
    }
  }
}

/* Zeroes the block's sums, each by the thread that will add to it. */
__device__ __forceinline__ void clear(const Image& s) {
  if (threadIdx.x >= kPanel) return;
  for (int k = 0; k <= s.rows; ++k)
    for (int64 i = threadIdx.x; i < s.width; i += kPanel) s.sums[k * s.width + i] = 0.0f;
}

/* The pair at a place of the row-major list of p <= q. */
__device__ __forceinline__ void locate(int64 pair, int64 panels, int64& p, int64& q) {
  p = 0;
  while (pair >= panels - p) {
    pair -= panels - p;
    ++p;
  }
  q = p + pair;
}

/* tile[i][j] = relu(a_i . b_j); `slabs` holds two slabs of both panels and becomes the tile. */
__device__ __forceinline__ void cosines(const float* __restrict__ a, const float* __restrict__ b,
                                        int64 depth, float* slabs) {
  const int t = threadIdx.x, half = t / kPanel;
  const int ty = t % kPanel / 8, tx = t % 8;
  const float4* left = reinterpret_cast<const float4*>(a) + t;
  const float4* right = reinterpret_cast<const float4*>(b) + t;
  float sums[8][8];
#pragma unroll
  for (int i = 0; i < 8; ++i)
#pragma unroll
    for (int j = 0; j < 8; ++j) sums[i][j] = 0.0f;
  float4 next[4] = {left[0], left[kThreads], right[0], right[kThreads]};
  const int64 count = depth / kSlab;
  for (int64 slab = 0; slab < count; ++slab) {
    float* now = slabs + slab % 2 * 2 * kSide;
    float4* to = reinterpret_cast<float4*>(now) + t;
    to[0] = next[0];
    to[kThreads] = next[1];
    to[2 * kThreads] = next[2];
    to[3 * kThreads] = next[3];
    __syncthreads();
    if (slab + 1 < count) {
      left += kSide / 4;
      right += kSide / 4;
      next[0] = left[0];
      next[1] = left[kThreads];
      next[2] = right[0];
      next[3] = right[kThreads];
    }
    const float* from = now + half * kPanel;
#pragma unroll
    for (int k = 0; k < kSlab; k += 2) {
      const float4* rows = reinterpret_cast<const float4*>(from + k * kPanel) + ty;
      const float4* cols = reinterpret_cast<const float4*>(from + kSide + k * kPanel) + tx;
      const float4 r0 = rows[0], r1 = rows[8], c0 = cols[0], c1 = cols[8];
      const float r[8] = {r0.x, r0.y, r0.z, r0.w, r1.x, r1.y, r1.z, r1.w};
      const float c[8] = {c0.x, c0.y, c0.z, c0.w, c1.x, c1.y, c1.z, c1.w};
#pragma unroll
      for (int i = 0; i < 8; ++i)
#pragma unroll
        for (int j = 0; j < 8; ++j) sums[i][j] = fmaf(r[i], c[j], sums[i][j]);
    }
  }
  /* Rows 4 ty + 0..3 and 32 more, columns likewise. */
  float* tile = slabs + ty * 4 * kStride + tx * 4;
  for (int turn = 0; turn < 2; ++turn) {
    __syncthreads();
    if (half != turn) continue;
#pragma unroll
    for (int i = 0; i < 8; ++i)
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        float& at = tile[(i + i / 4 * 28) * kStride + j + j / 4 * 28];
        const float s = turn == 0 ? sums[i][j] : at + sums[i][j];
        at = turn == 0 || !(s <= 0.0f) ? s : 0.0f; /* a NaN stays */
      }
  }
  __syncthreads();
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_sums(const float* __restrict__ units, const float* __restrict__ maps,
                        const int* __restrict__ offsets, float* __restrict__ sums, long long n,
                        long long positions, long long d, long long runs) {
  __shared__ __align__(16) float slabs[kPanel * kStride];
  __shared__ __align__(16) float weights[2][kTogether][kPanel];
  __shared__ float part[2][kTogether][kPanel];
  static_assert(4 * kSide <= kPanel * kStride, "two slabs of both panels fit into the tile");
  const int64 run = blockIdx.x, image = blockIdx.y;
  const int64 panels = (positions + kPanel - 1) / kPanel;
  const int64 depth = (d + kSlab - 1) / kSlab * kSlab;
  const int64 first = offsets[image], lines = offsets[n] + n;
  const Image s{units + image * panels * depth * kPanel,
                maps + first * positions,
                sums + (run * lines + first + image) * panels * kPanel,
                positions,
                panels * kPanel,
                static_cast<int>(offsets[image + 1] - first)};
  clear(s);
  const int64 pairs = panels * (panels + 1) / 2, end = (run + 1) * pairs / runs;
  int64 p, q;
  locate(run * pairs / runs, panels, p, q);
  for (int64 pair = run * pairs / runs; pair < end; ++pair) {
    cosines(s.units + p * depth * kPanel, s.units + q * depth * kPanel, depth, slabs);
    add_tile(s, slabs, p, q, weights, part);
    if (++q == panels) q = ++p;
  }
}

/* The same by definition. */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_sums_naive(const float* units, const float* maps, const int* offsets,
                              float* sums, long long n, long long positions, long long d,
                              long long runs) {
  const int64 image = blockIdx.y;
  const int64 panels = (positions + kPanel - 1) / kPanel, width = panels * kPanel;
  const int64 depth = (d + kSlab - 1) / kSlab * kSlab;
  const int64 i = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  if (i >= width) return;
  const int64 first = offsets[image], rows = offsets[image + 1] - first;
  const int64 lines = offsets[n] + n;
  const float* own = units + image * panels * depth * kPanel;
  const float* left = own + i / kPanel * depth * kPanel + i % kPanel;
  for (int64 run = 0; run < runs; ++run)
    for (int64 k = 0; k <= rows; ++k) sums[(run * lines + first + image + k) * width + i] = 0.0f;
  for (int64 j = 0; j < positions; ++j) {
    const float* right = own + j / kPanel * depth * kPanel + j % kPanel;
    float s = 0.0f;
    for (int64 c = 0; c < depth; ++c) s = s + left[c * kPanel] * right[c * kPanel];
    if (s <= 0.0f) s = 0.0f;
    for (int64 k = 0; k <= rows; ++k) {
      const float weight = k == rows ? 1.0f : maps[(first + k) * positions + j];
      float& at = sums[(first + image + k) * width + i];
      at = at + s * weight;
    }
  }
}
