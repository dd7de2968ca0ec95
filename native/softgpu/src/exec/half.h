/* Numbers of 16 bits: half (f16) and bfloat16, as their bits. */
#ifndef SOFTGPU_EXEC_HALF_H
#define SOFTGPU_EXEC_HALF_H

#include <immintrin.h>

#include "exec/lanes.h"

namespace softgpu {

inline float from_half(uint16_t h) { return _cvtsh_ss(h); }
inline float from_bfloat(uint16_t b) { return bit_cast<float>(uint32_t{b} << 16); }
/* To the nearest, ties to even. */
inline uint16_t to_half(float f) { return _cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT); }
inline uint16_t to_half_zero(float f) { return _cvtss_sh(f, _MM_FROUND_TO_ZERO); }

inline uint16_t to_bfloat(float f) {
  const uint32_t bits = bit_cast<uint32_t>(f);
  if (f != f) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
inline uint16_t to_bfloat_zero(float f) {
  return f != f ? 0x7fff : static_cast<uint16_t>(bit_cast<uint32_t>(f) >> 16);
}

/* A double as a float that rounds on to fewer bits as the double itself would: to odd. */
inline float to_odd(double d) {
  const float f = static_cast<float>(d);
  const double back = f;
  if (back == d || f != f) return f;
  const uint32_t bits = bit_cast<uint32_t>(f);
  if (bits & 1) return f;
  const bool away = __builtin_fabs(back) > __builtin_fabs(d);
  return bit_cast<float>(away ? bits - 1 : bits + 1);
}

}  // namespace softgpu

#endif
