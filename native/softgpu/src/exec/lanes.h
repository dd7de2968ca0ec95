/* Operations over the 32 lanes of a warp. */
#ifndef SOFTGPU_EXEC_LANES_H
#define SOFTGPU_EXEC_LANES_H

#include <cstring>

#include "exec/warp.h"

#define SOFTGPU_LANES _Pragma("GCC ivdep") for (int l = 0; l < kLanes; ++l)

namespace softgpu {

template <class T>
inline T* lanes(Warp& w, Slot slot) {
  return reinterpret_cast<T*>(w.base[slot >> 31] + (slot & ~kConstant));
}

/* Predicates are one bit a lane. */
inline uint32_t& predicate(Warp& w, Slot slot) { return *lanes<uint32_t>(w, slot); }

/* d[l] = f(l) for the active lanes. f is also called for the others: it must not mind operands
   that no thread computed. */
template <class T, class F>
inline __attribute__((always_inline)) void write(Warp& w, Slot slot, F f) {
  T* d = lanes<T>(w, slot);
  if (__builtin_expect(w.mask == kFull, 1)) {
    SOFTGPU_LANES d[l] = f(l);
  } else {
    alignas(64) T t[kLanes];
    SOFTGPU_LANES t[l] = f(l);
    const uint32_t mask = w.mask;
    SOFTGPU_LANES d[l] = (mask >> l) & 1 ? t[l] : d[l];
  }
}

/* The lanes for which f holds, as bits, among all 32. */
template <class F>
inline __attribute__((always_inline)) uint32_t ballot(F f) {
  uint32_t bits = 0;
  for (int l = 0; l < kLanes; ++l) bits |= f(l) ? 1u << l : 0u;
  return bits;
}

inline void write_predicate(Warp& w, Slot slot, uint32_t bits) {
  uint32_t& p = predicate(w, slot);
  p = (p & ~w.mask) | (bits & w.mask);
}

/* Calls f(lane) for the lanes of a mask, lowest first. */
template <class F>
inline __attribute__((always_inline)) void each(uint32_t mask, F f) {
  for (; mask; mask &= mask - 1) f(__builtin_ctz(mask));
}

inline uint32_t guard_mask(Warp& w, const Instr* i) {
  return i->guard == kNoSlot ? w.mask : w.mask & (predicate(w, i->guard) ^ i->guard_flip);
}

template <class To, class From>
inline To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

}  // namespace softgpu

#endif
