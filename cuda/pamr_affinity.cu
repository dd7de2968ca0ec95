/*
 * PAMR affinity: of every pixel p to its neighbours q, the softmax over all neighbours together of
 *   ABS_STD:  a(p, q) = mean over channels of -|I(p) - I(q)| / (1e-8 + 0.1 std(p))
 *   GAUSSIAN: a(p, q) = mean over channels of -(I(p) - I(q))^2 / (2 sigma^2)
 * (Araslanov and Roth, CVPR 2020, section 4.2; AE-SIPE runs ABS_STD). Neighbours are the eight
 * outer taps of a 3x3 window at each dilation, dilation by dilation, in the order NW N NE W E SW S
 * SE; coordinates clamp at the border. std is the sample deviation (divisor n - 1) of one channel
 * over the nine taps of all dilations together, the centre once per dilation. It is computed from
 * differences to the centre, so that a constant window has deviation 0 and logits of exactly 0.
 *
 * Parameters of both kernels, in order:
 *   const float* guide       [n, h, w, c]                      in
 *   const int*   dilations   [dilation_count], each >= 1       in
 *   float*       affinity    [n, 8 dilation_count, h, w]       out
 *   float*       deviation   [n, c, h, w], or 0                out, std
 *   float*       logit       [n, 8 dilation_count, h, w], or 0 out, a(p, q)
 *   long long    n, h, w, c  h w c < 2^31, n <= 65535
 *   int          dilation_count
 *   float        sigma       > 0: GAUSSIAN with this scale; 0: ABS_STD
 * Grid (ceil(h w / 128), n), block 128, no dynamic shared memory: one thread a pixel.
 * wisp_pamr_affinity takes at most 6 dilations (the method's number), the naive one any number.
 *
 * Per pixel, with Q neighbours: reads 4 c bytes of guide (the taps come from the L1 cache: c (Q +
 * 1) loads), writes 4 Q bytes, as many more with logit, 4 c with deviation; 8 c Q + 12 Q operations
 * and Q exponentials. For c = 3, Q = 48: 204 bytes and about 1700 operations, 8.5 a byte. A Titan
 * RTX does 24 a byte at its bounds of 672 GB/s and 16.3 TFLOP/s: bound by memory, 3.3 Gpixel/s.
 *
 * Versions considered: (a) logits and differences in registers, 2 * 48 of them, every tap loaded
 * once: this one; (b) taps loaded again for the mean, the squares and the logits: half the
 * registers, but three times the loads, about 1500 cycles of L1 a warp where memory allows 1240;
 * (c) logits in shared memory: 24 KB for 128 threads, fewer warps than (a), and 7 more shared
 * accesses per neighbour. Storing the affinity beats computing it again in each of the ten steps:
 * the computation takes about as long as the 192 bytes.
 */

namespace {

typedef long long int64;

constexpr int kThreads = 128;
constexpr int kWindow = 8;
constexpr int kDilations = 6; /* largest number the registers hold */

__device__ __forceinline__ int lesser(int a, int b) { return a < b ? a : b; }

/* The eight taps' positions, in pixels, of one dilation around (y, x). */
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

__device__ __forceinline__ float sum8(const float* v) {
  return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/* 1 / (scale of a difference, times the channels), see the formulas above. */
__device__ __forceinline__ float abs_std_scale(float deviation, int64 c) {
  return 1.0f / ((1e-8f + 0.1f * deviation) * static_cast<float>(c));
}

__device__ __forceinline__ float gaussian_scale(float sigma, int64 c) {
  return 1.0f / (2.0f * sigma * sigma * static_cast<float>(c));
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads, 4)
    wisp_pamr_affinity(const float* __restrict__ guide, const int* __restrict__ dilations,
                       float* __restrict__ affinity, float* __restrict__ deviation,
                       float* __restrict__ logit, long long n, long long h, long long w,
                       long long c, int dilation_count, float sigma) {
  const int64 pixels = h * w;
  const int64 pixel = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  const int64 image = blockIdx.y;
  if (pixel >= pixels || image >= n) return;
  const int width = static_cast<int>(w), height = static_cast<int>(h);
  const int channels = static_cast<int>(c);
  const int p = static_cast<int>(pixel), y = p / width, x = p - y * width;
  const bool gaussian = sigma > 0.0f;
  const float samples = static_cast<float>((kWindow + 1) * dilation_count);

  /* Dilations past dilation_count are skipped by branches that all threads take alike; loops
     are unrolled so that the arrays are registers. */
  float logits[kDilations * kWindow];
#pragma unroll
  for (int q = 0; q < kDilations * kWindow; ++q) logits[q] = 0.0f;
  for (int ch = 0; ch < channels; ++ch) {
    const float* plane = guide + image * pixels * c + ch;
    const float centre = plane[p * channels];
    float differences[kDilations * kWindow];
    float total = 0.0f;
#pragma unroll
    for (int k = 0; k < kDilations; ++k) {
      if (k >= dilation_count) break;
      int at[kWindow];
      locate(dilations[k], y, x, height, width, at);
#pragma unroll
      for (int t = 0; t < kWindow; ++t) {
        differences[k * kWindow + t] = plane[at[t] * channels] - centre;
      }
      total = total + sum8(differences + k * kWindow);
    }
    float scale = gaussian_scale(sigma, c);
    if (!gaussian || deviation != nullptr) {
      const float mean = total / samples;
      float squares = mean * mean * static_cast<float>(dilation_count);
#pragma unroll
      for (int k = 0; k < kDilations; ++k) {
        if (k >= dilation_count) break;
        float s[kWindow];
#pragma unroll
        for (int t = 0; t < kWindow; ++t) {
          const float e = differences[k * kWindow + t] - mean;
          s[t] = e * e;
        }
        squares = squares + sum8(s);
      }
      const float spread = sqrtf(squares / (samples - 1.0f));
      if (deviation != nullptr) deviation[(image * c + ch) * pixels + pixel] = spread;
      if (!gaussian) scale = abs_std_scale(spread, c);
    }
#pragma unroll
    for (int k = 0; k < kDilations; ++k) {
      if (k >= dilation_count) break;
#pragma unroll
      for (int t = 0; t < kWindow; ++t) {
        const float d = differences[k * kWindow + t];
        logits[k * kWindow + t] -= (gaussian ? d * d : fabsf(d)) * scale;
      }
    }
  }

  const int64 first = image * (kWindow * dilation_count) * pixels + pixel;
  float largest = logits[0];
#pragma unroll
  for (int k = 0; k < kDilations; ++k) {
    if (k >= dilation_count) break;
#pragma unroll
    for (int t = 0; t < kWindow; ++t) {
      const int q = k * kWindow + t;
      largest = fmaxf(largest, logits[q]);
      if (logit != nullptr) logit[first + q * pixels] = logits[q];
    }
  }
  float total = 0.0f;
#pragma unroll
  for (int k = 0; k < kDilations; ++k) {
    if (k >= dilation_count) break;
#pragma unroll
    for (int t = 0; t < kWindow; ++t) {
      logits[k * kWindow + t] = expf(logits[k * kWindow + t] - largest);
    }
    total = total + sum8(logits + k * kWindow);
  }
  const float share = 1.0f / total;
#pragma unroll
  for (int k = 0; k < kDilations; ++k) {
    if (k >= dilation_count) break;
#pragma unroll
    for (int t = 0; t < kWindow; ++t) {
      affinity[first + (k * kWindow + t) * pixels] = logits[k * kWindow + t] * share;
    }
  }
}

/* The same, tap by tap: logits gather in the thread's own elements of affinity. */
extern "C" __global__ void __launch_bounds__(kThreads)
    wisp_pamr_affinity_naive(const float* guide, const int* dilations, float* affinity,
                             float* deviation, float* logit, long long n, long long h,
                             long long w, long long c, int dilation_count, float sigma) {
  const int64 pixels = h * w;
  const int64 pixel = blockIdx.x * static_cast<int64>(kThreads) + threadIdx.x;
  const int64 image = blockIdx.y;
  if (pixel >= pixels || image >= n) return;
  const int width = static_cast<int>(w), height = static_cast<int>(h);
  const int p = static_cast<int>(pixel), y = p / width, x = p - y * width;
  const int taps = kWindow * dilation_count;
  const float samples = static_cast<float>(taps + dilation_count);
  float* own = affinity + image * taps * pixels + pixel;
  for (int q = 0; q < taps; ++q) own[q * pixels] = 0.0f;
  for (int64 ch = 0; ch < c; ++ch) {
    const float* plane = guide + image * pixels * c + ch;
    const float centre = plane[pixel * c];
    int at[kWindow];
    float sum = 0.0f;
    for (int k = 0; k < dilation_count; ++k) {
      locate(dilations[k], y, x, height, width, at);
      for (int t = 0; t < kWindow; ++t) sum = sum + (plane[at[t] * c] - centre);
    }
    const float mean = sum / samples;
    float squares = static_cast<float>(dilation_count) * (mean * mean);
    for (int k = 0; k < dilation_count; ++k) {
      locate(dilations[k], y, x, height, width, at);
      for (int t = 0; t < kWindow; ++t) {
        const float e = plane[at[t] * c] - centre - mean;
        squares = squares + e * e;
      }
    }
    const float spread = sqrtf(squares / (samples - 1.0f));
    if (deviation != nullptr) deviation[(image * c + ch) * pixels + pixel] = spread;
    const float scale = sigma > 0.0f ? gaussian_scale(sigma, c) : abs_std_scale(spread, c);
    for (int k = 0; k < dilation_count; ++k) {
      locate(dilations[k], y, x, height, width, at);
      for (int t = 0; t < kWindow; ++t) {
        const float d = plane[at[t] * c] - centre;
        own[(k * kWindow + t) * pixels] -= (sigma > 0.0f ? d * d : fabsf(d)) * scale;
      }
    }
  }
  float largest = own[0];
  for (int q = 0; q < taps; ++q) largest = fmaxf(largest, own[q * pixels]);
  float total = 0.0f;
  for (int q = 0; q < taps; ++q) {
    const float value = own[q * pixels];
    if (logit != nullptr) logit[(image * taps + q) * pixels + pixel] = value;
    own[q * pixels] = expf(value - largest);
    total = total + own[q * pixels];
  }
  for (int q = 0; q < taps; ++q) own[q * pixels] = own[q * pixels] / total;
}
