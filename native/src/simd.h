/*
 * Vectors of the instruction set a unit is compiled for. Every file in native/src/kernels/ is
 * compiled once per tier (portable, avx2, avx512) with WISP_TIER naming the namespace; nothing in
 * such a file may have external linkage outside that namespace, or the linker could hand a wider
 * tier's copy to an older processor. So: no std:: templates or inline functions there.
 *
 * Arithmetic and comparisons use the compiler's vector operators (a < b yields a mask for ?:).
 * A fused multiply-add happens only in fma(): contraction is off.
 */
#ifndef WISP_SIMD_H
#define WISP_SIMD_H

#include <cstdint>

#if defined(WISP_TIER_AVX512) || defined(WISP_TIER_AVX2)
#include <immintrin.h>
#endif

#if defined(WISP_TIER_AVX512) && !(defined(__AVX512F__) && defined(__AVX512VL__) && \
                                   defined(__AVX512BW__) && defined(__AVX512DQ__))
#error "this unit must be compiled for AVX-512 F, VL, BW and DQ"
#endif
#if defined(WISP_TIER_AVX2) && !(defined(__AVX2__) && defined(__FMA__) && !defined(__AVX512F__))
#error "this unit must be compiled for AVX2 and FMA alone"
#endif
#if defined(WISP_TIER_PORTABLE) && defined(__AVX__)
#error "this unit must be compiled for the baseline instruction set"
#endif

namespace wisp {
namespace WISP_TIER {

#if defined(WISP_TIER_AVX512)
constexpr int kLanes = 16;
#elif defined(WISP_TIER_AVX2)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float vf __attribute__((vector_size(kLanes * 4)));
typedef int32_t vi __attribute__((vector_size(kLanes * 4)));

static inline vf load(const float* p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

static inline void store(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }

static inline vf splat(float value) { return value - vf{}; }

static inline vi load(const int32_t* p) {
  vi v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

static inline void store(int32_t* p, vi v) { __builtin_memcpy(p, &v, sizeof v); }

/* The first n lanes (0..kLanes) from memory, zero in the others; reads nothing past p + n. */
static inline vf load_part(const float* p, int64_t n) {
#if defined(WISP_TIER_AVX512)
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
#elif defined(WISP_TIER_AVX2)
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return (vf)_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane));
#else
  vf v{};
  for (int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}

/* Stores the first n lanes (0..kLanes); touches nothing past p + n. */
static inline void store_part(float* p, vf v, int64_t n) {
#if defined(WISP_TIER_AVX512)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), (__m512)v);
#elif defined(WISP_TIER_AVX2)
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  _mm256_maskstore_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane), (__m256)v);
#else
  for (int64_t i = 0; i < n; ++i) p[i] = v[i];
#endif
}

/* a * b + c, in one rounding where the tier has the instruction. */
static inline vf fma(vf a, vf b, vf c) {
#if defined(WISP_TIER_AVX512)
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(WISP_TIER_AVX2)
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

/* Lanewise; b where either lane is NaN. */
static inline vf max(vf a, vf b) { return a > b ? a : b; }
static inline vf min(vf a, vf b) { return a < b ? a : b; }

static inline vf abs(vf a) { return (vf)((vi)a & 0x7fffffff); }

static inline vf sqrt(vf a) {
#if defined(WISP_TIER_AVX512)
  return (vf)_mm512_maskz_sqrt_ps(0xffff, (__m512)a); /* the plain form warns in g++ 12 */
#elif defined(WISP_TIER_AVX2)
  return (vf)_mm256_sqrt_ps((__m256)a);
#else
  for (int i = 0; i < kLanes; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
#endif
}

/* Sum of the lanes in a fixed order: halves are added until one lane is left. */
static inline float sum(vf v) {
  float lane[kLanes];
  store(lane, v);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}

/* Largest lane of a vector without NaN. */
static inline float max_lane(vf v) {
  float lane[kLanes];
  store(lane, v);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
  return lane[0];
}

static inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

/* Elements one block of a streaming loop handles: 64 KB, enough to pay for waking a thread. */
constexpr int64_t kStreamGrain = 16384;

}  // namespace WISP_TIER
}  // namespace wisp

#endif
