/*
 * Cosine reactivation and its gradient (SIPE, Chen et al., CVPR 2022, section 3.3). Of n images
 * with P positions and D channels, for every row k of every image:
 *   IS_ki = relu(f_i . P_k / (|f_i| |P_k|)), each norm at least 1e-8.
 * Two launches forward: wisp_reactivate_norms for |P_k|, then wisp_reactivate; one backward.
 */

namespace {

typedef long long int64;

constexpr float kCosineEps = 1e-8f;
constexpr unsigned kAll = 0xffffffffu;

constexpr int kThreads = 128; /* forward */
constexpr int kWarps = kThreads / 32;
constexpr int kPositions = 4; /* of a warp at a time */
constexpr int kTogether = 8;  /* rows that share a load of the features */

constexpr int kBackThreads = 256;
constexpr int kBackWarps = kBackThreads / 32;
constexpr int kAhead = 4; /* positions a thread loads before it works on them */

__device__ __forceinline__ int lesser(int a, int b) { return a < b ? a : b; }

__device__ __forceinline__ float floored(float norm) {
  return norm < kCosineEps ? kCosineEps : norm;
}

/* The sum over the warp, in every lane. */
__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) v += __shfl_xor_sync(kAll, v, step);
  return v;
}

struct Forward {
  const float* feature;    /* of the warp's first position */
  const float* prototypes; /* of the first row */
  const float* prototype_norms;
  float* feature_norms; /* of the first position */
  float* maps;          /* of the first row and position */
  int64 positions, d;
  int count; /* positions there are, at most kPositions */
};

/* R rows; with Norms the features' norms are stored, in any case they are divided by. */
template <int R>
__device__ __forceinline__ void cosines(const Forward& s, int row, bool store_norms) {
  const int lane = threadIdx.x % 32;
  float dots[kPositions][R == 0 ? 1 : R], squares[kPositions];
#pragma unroll
  for (int i = 0; i < kPositions; ++i) {
    squares[i] = 0.0f;
#pragma unroll
    for (int r = 0; r < R; ++r) dots[i][r] = 0.0f;
  }
  const float* prototypes = s.prototypes + row * s.d;
  for (int64 c = lane; c < s.d; c += 32) {
    float f[kPositions];
#pragma unroll
    for (int i = 0; i < kPositions; ++i) {
      f[i] = s.feature[lesser(i, s.count - 1) * s.d + c];
      squares[i] = fmaf(f[i], f[i], squares[i]);
    }
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const float p = prototypes[r * s.d + c];
#pragma unroll
      for (int i = 0; i < kPositions; ++i) dots[i][r] = fmaf(f[i], p, dots[i][r]);
    }
  }
#pragma unroll
  for (int i = 0; i < kPositions; ++i) {
    const float norm = sqrtf(warp_sum(squares[i]));
    if (store_norms && lane == 0 && i < s.count) s.feature_norms[i] = norm;
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const float dot = warp_sum(dots[i][r]);
      if (lane == r && i < s.count) {
        const float cosine = dot / floored(norm) / floored(s.prototype_norms[row + r]);
        s.maps[(row + r) * s.positions + i] = cosine <= 0.0f ? 0.0f : cosine; /* a NaN stays */
      }
    }
  }
}

}  // namespace

/*
 * norms_k = |v_k|. Parameters of both kernels, in order:
 *   const float* vectors  [rows, D]  in
 *   float*       norms    [rows]     out
 *   long long    rows, D
 * Grid (ceil(rows / 4)), block 128, no dynamic shared memory: a warp a row. 4 bytes and two
 * operations an element; bound by memory.
 * wisp_reactivate_norms_naive: a thread a row, grid (ceil(rows / 128)).
 */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_reactivate_norms(const float* __restrict__ vectors, float* __restrict__ norms,
                          long long rows, long long d) {
  const int64 row = blockIdx.x * static_cast<int64>(kWarps) + threadIdx.x / 32;
  if (row >= rows) return;
  float squares = 0.0f;
  for (int64 c = threadIdx.x % 32; c < d; c += 32) {
    const float v = vectors[row * d + c];
    squares = fmaf(v, v, squares);
  }
  squares = warp_sum(squares);
  if (threadIdx.x % 32 == 0) norms[row] = sqrtf(squares);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_reactivate_norms_naive(const float* vectors, float* norms, long long rows,
                                long long d) {
  const int64 row = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  if (row >= rows) return;
  float squares = 0.0f;
  for (int64 c = 0; c < d; ++c) squares = squares + vectors[row * d + c] * vectors[row * d + c];
  norms[row] = sqrtf(squares);
}

/*
 * The maps and |f_i|. Parameters of both kernels, in order:
 *   const float* feature          [n, P, D]                    in
 *   const float* prototypes       [rows, D]                    in
 *   const float* prototype_norms  [rows]                       in
 *   const int*   offsets          [n + 1], rows of each image  in
 *   float*       feature_norms    [n, P]                       out
 *   float*       maps             [rows, P]                    out
 *   long long    n, P, D          n <= 65535
 * Grid (ceil(P / 16), n), block 128, no dynamic shared memory: a warp four positions, a lane every
 * 32nd channel; sums over the lanes by a butterfly.
 * wisp_reactivate_naive: a thread a position, grid (ceil(P / 128), n).
 *
 * Per feature element with R rows: reads 4 bytes (prototypes out of the cache, one load for four
 * positions), 2 R + 2 operations: bound by memory up to R = 48. One pass over the features does
 * norms and up to 8 rows; 21 rows take three, of which two hit the cache. 16 images of 32 x 32
 * positions, 771 channels: 51 MB, 75 us at a Titan RTX's 672 GB/s.
 */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_reactivate(const float* __restrict__ feature, const float* __restrict__ prototypes,
                    const float* __restrict__ prototype_norms, const int* __restrict__ offsets,
                    float* __restrict__ feature_norms, float* __restrict__ maps, long long n,
                    long long positions, long long d) {
  const int64 image = blockIdx.y;
  const int64 begin = (blockIdx.x * static_cast<int64>(kWarps) + threadIdx.x / 32) * kPositions;
  if (begin >= positions) return;
  const int64 first = offsets[image], at = image * positions + begin, left = positions - begin;
  const int rows = static_cast<int>(offsets[image + 1] - first);
  const Forward s{feature + at * d,
                  prototypes + first * d,
                  prototype_norms + first,
                  feature_norms + at,
                  maps + first * positions + begin,
                  positions,
                  d,
                  left < kPositions ? static_cast<int>(left) : kPositions};
  if (rows == 0) cosines<0>(s, 0, true);
  for (int row = 0; row < rows; row += kTogether) {
    switch (lesser(kTogether, rows - row)) {
      case 8: cosines<8>(s, row, row == 0); break;
      case 7: cosines<7>(s, row, row == 0); break;
      case 6: cosines<6>(s, row, row == 0); break;
      case 5: cosines<5>(s, row, row == 0); break;
      case 4: cosines<4>(s, row, row == 0); break;
      case 3: cosines<3>(s, row, row == 0); break;
      case 2: cosines<2>(s, row, row == 0); break;
      default: cosines<1>(s, row, row == 0); break;
    }
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_reactivate_naive(const float* feature, const float* prototypes,
                          const float* prototype_norms, const int* offsets,
                          float* feature_norms, float* maps, long long n, long long positions,
                          long long d) {
  const int64 i = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x, image = blockIdx.y;
  if (i >= positions) return;
  const float* f = feature + (image * positions + i) * d;
  float squares = 0.0f;
  for (int64 c = 0; c < d; ++c) squares = squares + f[c] * f[c];
  const float norm = sqrtf(squares);
  feature_norms[image * positions + i] = norm;
  for (int64 row = offsets[image]; row < offsets[image + 1]; ++row) {
    float dot = 0.0f;
    for (int64 c = 0; c < d; ++c) dot = dot + f[c] * prototypes[row * d + c];
    const float cosine = dot / floored(norm) / floored(prototype_norms[row]);
    maps[row * positions + i] = cosine <= 0.0f ? 0.0f : cosine;
  }
}

/*
 * Gradient. With g_ki = dIS_ki where IS_ki > 0, else 0:
 *   dF_i += sum_k g_ki / (|f_i| |P_k|) P_k - f_i sum_k g_ki IS_ki / |f_i|^2
 *   dP_k  = sum_i g_ki / (|f_i| |P_k|) f_i - P_k sum_i g_ki IS_ki / |P_k|^2
 * A norm below 1e-8 counts as the constant 1e-8: its second term vanishes.
 * Parameters of both kernels, in order:
 *   const float* feature          [n, P, D]                     in
 *   const float* prototypes       [rows, D]                     in
 *   const int*   offsets          [n + 1], rows of each image   in
 *   const float* feature_norms    [n, P]                        in
 *   const float* prototype_norms  [rows]                        in
 *   const float* maps             [rows, P], IS                 in
 *   const float* d_maps           [rows, P]                     in
 *   float*       d_feature        [n, P, D]                     in, out: added to
 *   float*       d_prototypes     [rows, D]                     out
 *   long long    n, P, D          n <= 65535
 * Grid (ceil(D / 32), n), block 256, no dynamic shared memory, 18 KB of static: a lane a channel, a
 * warp every eighth group of 32 positions, 8 rows at a time whose prototypes and sums are
 * registers. The factors of 256 positions are computed by a thread each and shared. A warp adds its
 * positions in order, the eight warps are added in order; the sums of g IS are doubles: no atomics.
 * wisp_reactivate_backward_naive: a thread a channel of an image, grid (ceil(D / 128), n), block
 * 128.
 *
 * Per feature element with R <= 8 rows: reads 4 bytes of feature and 4 of d_feature, writes 4; 4 R
 * + 2 operations: bound by memory up to R = 70. One kernel for both results reads the features
 * once; two would read 4 bytes more of 12. Factors are computed D / 32 times, 8 R bytes a position
 * out of the cache beside 384 of features. 16 images of 32 x 32 positions, 771 channels: 152 MB,
 * 226 us on a Titan RTX.
 */
extern "C" __global__ void __launch_bounds__(kBackThreads)
    wisp_reactivate_backward(const float* __restrict__ feature,
                             const float* __restrict__ prototypes,
                             const int* __restrict__ offsets,
                             const float* __restrict__ feature_norms,
                             const float* __restrict__ prototype_norms,
                             const float* __restrict__ maps, const float* __restrict__ d_maps,
                             float* __restrict__ d_feature, float* __restrict__ d_prototypes,
                             long long n, long long positions, long long d) {
  __shared__ float factors[kTogether][kBackThreads]; /* g / (|f| |P|) */
  __shared__ float turns[kBackThreads];              /* sum_k g IS / |f|^2 */
  __shared__ float parts[kBackWarps][kTogether][32];
  __shared__ double turn_parts[kBackWarps][kTogether];
  const int t = threadIdx.x, lane = t % 32, warp = t / 32;
  const int64 image = blockIdx.y, c = blockIdx.x * static_cast<int64>(32) + lane;
  const int64 first = offsets[image], last = offsets[image + 1];
  const float* own = feature + image * positions * d + c;
  float* target = d_feature + image * positions * d + c;
  for (int64 row = first; row < last; row += kTogether) {
    float p[kTogether], sums[kTogether];
    double turned[kTogether]; /* of the positions whose factors this thread computes */
#pragma unroll
    for (int r = 0; r < kTogether; ++r) {
      p[r] = row + r < last && c < d ? prototypes[(row + r) * d + c] : 0.0f;
      sums[r] = 0.0f;
      turned[r] = 0;
    }
    for (int64 begin = 0; begin < positions; begin += kBackThreads) {
      const int64 i = begin + t;
      __syncthreads();
      const float f_norm = i < positions ? feature_norms[image * positions + i] : 0.0f;
#pragma unroll
      for (int r = 0; r < kTogether; ++r) {
        float factor = 0.0f;
        if (i < positions && row + r < last) {
          const int64 at = (row + r) * positions + i;
          if (maps[at] > 0.0f) {
            factor = d_maps[at] / floored(f_norm) / floored(prototype_norms[row + r]);
            turned[r] += static_cast<double>(d_maps[at] * maps[at]);
          }
        }
        factors[r][t] = factor;
      }
      float turn = 0.0f;
      if (row == first && i < positions && f_norm >= kCosineEps) {
        for (int64 k = first; k < last; ++k) {
          const int64 at = k * positions + i;
          if (maps[at] > 0.0f) turn += d_maps[at] * maps[at];
        }
        turn = turn / f_norm / f_norm;
      }
      turns[t] = turn;
      __syncthreads();
      for (int j = warp * 32; j < warp * 32 + 32; j += kAhead) {
        const int64 at = (begin + j) * d;
        float f[kAhead], df[kAhead];
#pragma unroll
        for (int k = 0; k < kAhead; ++k) {
          const bool inside = c < d && begin + j + k < positions;
          f[k] = inside ? own[at + k * d] : 0.0f;
          df[k] = inside ? target[at + k * d] : 0.0f;
        }
#pragma unroll
        for (int k = 0; k < kAhead; ++k) {
          df[k] = df[k] - turns[j + k] * f[k];
#pragma unroll
          for (int r = 0; r < kTogether; ++r) {
            const float factor = factors[r][j + k];
            df[k] = fmaf(factor, p[r], df[k]);
            sums[r] = fmaf(factor, f[k], sums[r]);
          }
          if (c < d && begin + j + k < positions) target[at + k * d] = df[k];
        }
      }
    }
#pragma unroll
    for (int r = 0; r < kTogether; ++r) {
      parts[warp][r][lane] = sums[r];
      double turn = turned[r];
#pragma unroll
      for (int step = 16; step > 0; step /= 2) turn += __shfl_down_sync(kAll, turn, step);
      if (lane == 0) turn_parts[warp][r] = turn;
    }
    __syncthreads();
    /* A warp a row. */
    if (row + warp < last && c < d) {
      const float norm = prototype_norms[row + warp];
      float sum = parts[0][warp][lane];
      double turn = turn_parts[0][warp];
      for (int w = 1; w < kBackWarps; ++w) {
        sum += parts[w][warp][lane];
        turn += turn_parts[w][warp];
      }
      const float own_turn =
          norm < kCosineEps ? 0.0f : static_cast<float>(turn) / norm / norm;
      const int64 at = (row + warp) * d + c;
      d_prototypes[at] = sum - own_turn * prototypes[at];
    }
    __syncthreads();
  }
}

extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_reactivate_backward_naive(const float* feature, const float* prototypes,
                                   const int* offsets, const float* feature_norms,
                                   const float* prototype_norms, const float* maps,
                                   const float* d_maps, float* d_feature, float* d_prototypes,
                                   long long n, long long positions, long long d) {
  const int64 c = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x, image = blockIdx.y;
  if (c >= d) return;
  for (int64 row = offsets[image]; row < offsets[image + 1]; ++row) {
    const float p_norm = prototype_norms[row], p = prototypes[row * d + c];
    double sum = 0;
    for (int64 i = 0; i < positions; ++i) {
      const float cosine = maps[row * positions + i], g = d_maps[row * positions + i];
      if (!(cosine > 0.0f)) continue;
      const float f_norm = feature_norms[image * positions + i];
      const int64 at = (image * positions + i) * d + c;
      const float u = feature[at] / floored(f_norm), v = p / floored(p_norm);
      const float f_turn = f_norm < kCosineEps ? 0.0f : cosine * u;
      const float p_turn = p_norm < kCosineEps ? 0.0f : cosine * v;
      d_feature[at] += g * ((v - f_turn) / floored(f_norm));
      sum += static_cast<double>(g * ((u - p_turn) / floored(p_norm)));
    }
    d_prototypes[row * d + c] = static_cast<float>(sum);
  }
}
