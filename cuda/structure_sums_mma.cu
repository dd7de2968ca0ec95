/*
 * The sums of the structure analysis on tensor cores: what structure_sums.cu computes, by mma of
 * halves with float32 sums, to nearly float32's accuracy. Its header explains panels, pairs and
 * runs, which are the same here; structure_seeds.cu has the steps before and after.
 *
 *   wisp_structure_sums_m8n8k4    sm_70 and newer; made for Volta, runs slowly elsewhere
 *   wisp_structure_sums_m16n8k8   sm_75 and newer
 * A module compiled for an older card lacks them. wisp_structure_sums_half_naive is the judge of
 * both on any card: grid (ceil(64 panels / 128), n), a thread a position, sums in run 0, other runs
 * zero.
 *
 * Parameters of all, in order:
 *   const unsigned short* units  half [n, panels, depth / 16, 2, 64, 16], of
 *                                wisp_structure_units_half, 16-byte aligned  in
 *   const float* maps     [rows, P]                    in
 *   const int*   offsets  [n + 1], rows of each image  in
 *   float*       sums     [runs, rows + n, 64 panels]  out
 *   long long    n, P, D  n <= 65535, P < 2^31
 *   long long    runs     1 to 65535
 * with panels = ceil(P / 64), depth = D rounded up to a multiple of 16.
 * Grid (runs, n), block 128, no dynamic shared memory, 21 KB of static.
 *
 * Accuracy (Ootomo and Yokota, "Recovering single precision accuracy from Tensor Cores", 2022): u =
 * high + low / 2^11 with high = half(u), low = half((u - high) 2^11), which has 22 bits or more of
 * u <= 1 and no underflow of low where high has none. Then
 *   u . v ~ sum high high' + (sum high low' + sum low high') / 2^11,
 * three products; low low' is below 2^-22 of the product and left out. A product of halves is exact
 * in float32, but a tensor core truncates when it adds, which would cost about a bit a step. So the
 * first sum is not left to it: every mma begins at zero and its result over 8 channels is added in
 * float32, rounded to nearest. The second sum is 2^-11 of the first, truncation does not reach it.
 *
 * A pair of panels: 3 * 2 * 64 * 64 * depth half operations, 64 * 64 * depth / 8 float32 additions,
 * 2 * 64 * depth * 4 bytes out of the L2 cache, and 4 * 64 * 64 * (rows + 1) for the sums. At 130
 * TFLOP/s a Titan RTX makes 43 TFLOP/s of such products, at best 2.7 times the float32 kernel;
 * tiles of 64 x 64 then need 2.7 TB/s of L2, so that L2 may bound it first. Larger tiles would
 * halve the traffic, but leave an image of 32 x 32 positions with 36 pairs, a batch of four with
 * two a multiprocessor.
 *
 * Inner loop: four warps, each 32 x 32 of the tile. A slab of 16 channels of both panels, high and
 * low, 8 KB contiguous in memory, is loaded into registers while the one before is used. In shared
 * memory a position has 8 words and 4 of padding: fragment loads have no bank conflict (m16n8k8;
 * m8n8k4: two ways).
 */

namespace {

typedef long long int64;

constexpr int kPanel = 64;
constexpr int kThreads = 128;
constexpr int kSlab = 16;
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 700
constexpr int kTogether = 4;        /* lines of sums a tile is used for at a time */
constexpr int kStride = kPanel + 1; /* of the tile: neither rows nor columns share banks */
constexpr int kWords = kSlab / 2;   /* of a position in a slab */
constexpr int kPitch = kWords + 4;  /* the same in shared memory */
constexpr int kPart = kPanel * kPitch;             /* one panel's high or low parts there */
constexpr int kSlabWords = 2 * kPanel * kWords;    /* of a panel, high and low, in memory */

/* The image of a block. */
struct Image {
  const unsigned* units; /* words of two halves */
  const float* maps;
  float* sums; /* of the block's run */
  int64 positions, width;
  int rows;
};

/*
 * Adds the tile (rows of panel p, columns of panel q) to the sums of p, and of q where it is
 * another. Each thread takes a row, then a column, over half of its 32 + 32 elements; `part`
 * carries the second half. The same in structure_sums.cu: a kernel file stands alone.
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

/* Four 8 x 8 x 4 products of the warp's quad pairs: d = a b + c. */
__device__ __forceinline__ void mma_m8n8k4(float* d, uint2 a, uint2 b, const float* c) {
  asm("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, "
      "{%8, %9}, {%10, %11}, {%12, %13, %14, %15, %16, %17, %18, %19};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]), "=f"(d[4]), "=f"(d[5]), "=f"(d[6]),
        "=f"(d[7])
      : "r"(a.x), "r"(a.y), "r"(b.x), "r"(b.y), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]),
        "f"(c[4]), "f"(c[5]), "f"(c[6]), "f"(c[7]));
}

/*
 * 32 x 32 cosines of a warp from 16 x 16 blocks. In a block quad pair t (lanes 4t..4t+3 and 16
 * more) has rows 8 (t % 2) and columns 8 (t / 2); a lane holds the four channels of one row of a
 * and of one column of b, and eight results in rows and columns as at() says (PTX ISA, mma.m8n8k4).
 */
struct Volta {
  static constexpr int kResults = 8, kRows = 2, kCols = 2, kBlockRows = 16, kBlockCols = 16;
  uint2 a[2][kRows][2], b[2][kCols][2]; /* channels 0..3 and 4..7; block; high, low */

  static __device__ int pair(int lane) { return lane / 4 % 4; }
  static __device__ int own(int lane) { return lane % 4 + lane / 16 * 4; }

  __device__ void load(const unsigned* left, const unsigned* right, int lane) {
    const int row = pair(lane) % 2 * 8 + own(lane), col = pair(lane) / 2 * 8 + own(lane);
#pragma unroll
    for (int k = 0; k < 2; ++k)
#pragma unroll
      for (int part = 0; part < 2; ++part) {
#pragma unroll
        for (int i = 0; i < kRows; ++i) {
          a[k][i][part] = *reinterpret_cast<const uint2*>(
              left + part * kPart + (i * kBlockRows + row) * kPitch + 2 * k);
        }
#pragma unroll
        for (int j = 0; j < kCols; ++j) {
          b[k][j][part] = *reinterpret_cast<const uint2*>(
              right + part * kPart + (j * kBlockCols + col) * kPitch + 2 * k);
        }
      }
  }

  /* d = a b + c over 8 channels, of the parts named. */
  __device__ void multiply(float* d, int i, int left, int j, int right, const float* c) const {
    mma_m8n8k4(d, a[0][i][left], b[0][j][right], c);
    mma_m8n8k4(d, a[1][i][left], b[1][j][right], d);
  }

  static __device__ int at(int lane, int e) {
    const int row = pair(lane) % 2 * 8 + lane % 2 + e / 2 % 2 * 2 + lane / 16 * 4;
    const int col = pair(lane) / 2 * 8 + e / 4 * 4 + lane / 2 % 2 * 2 + e % 2;
    return row * kStride + col;
  }
};

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 750
/* One 16 x 8 x 8 product of the warp: d = a b + c. */
__device__ __forceinline__ void mma_m16n8k8(float* d, uint2 a, unsigned b, const float* c) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
      "{%7, %8, %9, %10};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a.x), "r"(a.y), "r"(b), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}

/*
 * 32 x 32 cosines of a warp from 16 x 8 blocks. A lane holds two channels, 2 (lane % 4), of rows
 * lane / 4 and 8 more of a and of column lane / 4 of b, and four results (PTX ISA, mma.m16n8k8).
 */
struct Turing {
  static constexpr int kResults = 4, kRows = 2, kCols = 4, kBlockRows = 16, kBlockCols = 8;
  uint2 a[kRows][2]; /* block; high, low */
  unsigned b[kCols][2];

  __device__ void load(const unsigned* left, const unsigned* right, int lane) {
    const int at = lane / 4 * kPitch + lane % 4;
#pragma unroll
    for (int part = 0; part < 2; ++part) {
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        const unsigned* row = left + part * kPart + i * kBlockRows * kPitch + at;
        a[i][part] = make_uint2(row[0], row[8 * kPitch]);
      }
#pragma unroll
      for (int j = 0; j < kCols; ++j) {
        b[j][part] = right[part * kPart + j * kBlockCols * kPitch + at];
      }
    }
  }

  /* d = a b + c over 8 channels, of the parts named. */
  __device__ void multiply(float* d, int i, int left, int j, int right, const float* c) const {
    mma_m16n8k8(d, a[i][left], b[j][right], c);
  }

  static __device__ int at(int lane, int e) {
    return (lane / 4 + e / 2 * 8) * kStride + lane % 4 * 2 + e % 2;
  }
};
#endif

/* tile[i][j] = relu(a_i . b_j); `words` holds a slab of both panels and becomes the tile. */
template <typename Fragments>
__device__ __forceinline__ void cosines(const unsigned* __restrict__ a,
                                        const unsigned* __restrict__ b, int64 slabs, float* tile) {
  constexpr int kRows = Fragments::kRows, kCols = Fragments::kCols;
  constexpr int kResults = Fragments::kResults;
  unsigned* words = reinterpret_cast<unsigned*>(tile);
  const int t = threadIdx.x, lane = t % 32, warp = t / 32;
  const int row = warp / 2 * 32, col = warp % 2 * 32;
  /* 16 bytes a thread of each of: left high, left low, right high, right low. */
  const uint4* left = reinterpret_cast<const uint4*>(a) + t;
  const uint4* right = reinterpret_cast<const uint4*>(b) + t;
  uint4* to = reinterpret_cast<uint4*>(words + t / 2 * kPitch + t % 2 * 4);
  constexpr int kNext = kPart / 4;
  float sums[kRows][kCols][kResults], rest[kRows][kCols][kResults];
#pragma unroll
  for (int i = 0; i < kRows; ++i)
#pragma unroll
    for (int j = 0; j < kCols; ++j)
#pragma unroll
      for (int e = 0; e < kResults; ++e) sums[i][j][e] = rest[i][j][e] = 0.0f;
  uint4 next[4] = {left[0], left[kThreads], right[0], right[kThreads]};
  for (int64 slab = 0; slab < slabs; ++slab) {
    to[0] = next[0];
    to[kNext] = next[1];
    to[2 * kNext] = next[2];
    to[3 * kNext] = next[3];
    __syncthreads();
    if (slab + 1 < slabs) {
      left += kSlabWords / 4;
      right += kSlabWords / 4;
      next[0] = left[0];
      next[1] = left[kThreads];
      next[2] = right[0];
      next[3] = right[kThreads];
    }
#pragma unroll
    for (int k = 0; k < kWords; k += 4) {
      Fragments f;
      f.load(words + row * kPitch + k, words + 2 * kPart + col * kPitch + k, lane);
#pragma unroll
      for (int i = 0; i < kRows; ++i)
#pragma unroll
        for (int j = 0; j < kCols; ++j) {
          const float zero[kResults] = {};
          float eight[kResults];
          f.multiply(eight, i, 0, j, 0, zero);
          f.multiply(rest[i][j], i, 0, j, 1, rest[i][j]);
          f.multiply(rest[i][j], i, 1, j, 0, rest[i][j]);
#pragma unroll
          for (int e = 0; e < kResults; ++e) sums[i][j][e] += eight[e];
        }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < kRows; ++i)
#pragma unroll
    for (int j = 0; j < kCols; ++j)
#pragma unroll
      for (int e = 0; e < kResults; ++e) {
        const float s = sums[i][j][e] + rest[i][j][e] * (1.0f / 2048.0f);
        tile[(row + i * Fragments::kBlockRows) * kStride + col + j * Fragments::kBlockCols +
             Fragments::at(lane, e)] = s <= 0.0f ? 0.0f : s; /* a NaN stays */
      }
  __syncthreads();
}

/* One run; the kernels differ in the fragments only. */
template <typename Fragments>
__device__ __forceinline__ void structure_sums(const unsigned short* units, const float* maps,
                                               const int* offsets, float* sums, int64 n,
                                               int64 positions, int64 d, int64 runs) {
  __shared__ __align__(16) float tile[kPanel * kStride];
  __shared__ __align__(16) float weights[2][kTogether][kPanel];
  __shared__ float part[2][kTogether][kPanel];
  static_assert(4 * kPart <= kPanel * kStride, "a slab of both panels fits into the tile");
  const int64 run = blockIdx.x, image = blockIdx.y;
  const int64 panels = (positions + kPanel - 1) / kPanel, slabs = (d + kSlab - 1) / kSlab;
  const int64 first = offsets[image], lines = offsets[n] + n, panel = slabs * kSlabWords;
  const Image s{reinterpret_cast<const unsigned*>(units) + image * panels * panel,
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
    cosines<Fragments>(s.units + p * panel, s.units + q * panel, slabs, tile);
    add_tile(s, tile, p, q, weights, part);
    if (++q == panels) q = ++p;
  }
}
#endif

__device__ __forceinline__ float half_value(unsigned short bits) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
  return x;
}

}  // namespace

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 700
extern "C" __global__ void __launch_bounds__(kThreads, 2)
    wisp_structure_sums_m8n8k4(const unsigned short* __restrict__ units,
                               const float* __restrict__ maps, const int* __restrict__ offsets,
                               float* __restrict__ sums, long long n, long long positions,
                               long long d, long long runs) {
  structure_sums<Volta>(units, maps, offsets, sums, n, positions, d, runs);
}
#endif

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 750
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_sums_m16n8k8(const unsigned short* __restrict__ units,
                                const float* __restrict__ maps, const int* __restrict__ offsets,
                                float* __restrict__ sums, long long n, long long positions,
                                long long d, long long runs) {
  structure_sums<Turing>(units, maps, offsets, sums, n, positions, d, runs);
}
#endif

/* The same by definition, in float32. */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_structure_sums_half_naive(const unsigned short* units, const float* maps,
                                   const int* offsets, float* sums, long long n,
                                   long long positions, long long d, long long runs) {
  const int64 image = blockIdx.y;
  const int64 panels = (positions + kPanel - 1) / kPanel, width = panels * kPanel;
  const int64 slabs = (d + kSlab - 1) / kSlab, slab_halves = 2 * kPanel * kSlab;
  const int64 i = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  if (i >= width) return;
  const int64 first = offsets[image], rows = offsets[image + 1] - first;
  const int64 lines = offsets[n] + n;
  const unsigned short* own = units + image * panels * slabs * slab_halves;
  const unsigned short* left = own + i / kPanel * slabs * slab_halves + i % kPanel * kSlab;
  for (int64 run = 0; run < runs; ++run)
    for (int64 k = 0; k <= rows; ++k) sums[(run * lines + first + image + k) * width + i] = 0.0f;
  for (int64 j = 0; j < positions; ++j) {
    const unsigned short* right = own + j / kPanel * slabs * slab_halves + j % kPanel * kSlab;
    float s = 0.0f;
    for (int64 c = 0; c < slabs * kSlab; ++c) {
      const int64 at = c / kSlab * slab_halves + c % kSlab, low = at + kPanel * kSlab;
      const float a = half_value(left[at]) + half_value(left[low]) / 2048.0f;
      const float b = half_value(right[at]) + half_value(right[low]) / 2048.0f;
      s = s + a * b;
    }
    if (s <= 0.0f) s = 0.0f;
    for (int64 k = 0; k <= rows; ++k) {
      const float weight = k == rows ? 1.0f : maps[(first + k) * positions + j];
      float& at = sums[(first + image + k) * width + i];
      at = at + s * weight;
    }
  }
}
