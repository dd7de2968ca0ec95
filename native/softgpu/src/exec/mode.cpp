#include "exec/mode.h"

#include <xmmintrin.h>

#include "exec/lanes.h"

namespace softgpu {
namespace {

constexpr unsigned kNearest = 0u << 13, kDown = 1u << 13, kUp = 2u << 13, kToZero = 3u << 13;
constexpr unsigned kFlush = 1u << 15 | 1u << 6; /* results and operands */
constexpr unsigned kModeBits = 3u << 13 | kFlush; /* of the low half of aux */

/* The operation is reached through a pointer: the compiler cannot move its arithmetic out. */
const Instr* run_in_mode(Warp& w, const Instr* i) {
  const unsigned saved = _mm_getcsr();
  _mm_setcsr((saved & ~kModeBits) | (i->aux & kModeBits));
  i->op(w, i);
  _mm_setcsr(saved);
  return i + 1;
}

/* To [0, 1]; NaN becomes 0. */
template <class T>
const Instr* saturate(Warp& w, const Instr* i) {
  run_in_mode(w, i);
  const T* d = lanes<T>(w, i->d);
  write<T>(w, i->d, [&](int l) { return d[l] > T{0} ? (d[l] < T{1} ? d[l] : T{1}) : T{0}; });
  return i + 1;
}

}  // namespace

void wrap_mode(Decode& d, ptx::Type type) {
  unsigned mode = kNearest;
  d.take("rn");
  if (d.take("rm")) mode = kDown;
  if (d.take("rp")) mode = kUp;
  if (d.take("rz")) mode = kToZero;
  if (d.take("ftz")) mode |= kFlush;
  const bool sat = d.take("sat");
  if (mode == kNearest && !sat) return;
  d.out.aux = mode;
  d.out.op = d.out.fn;
  d.out.fn = !sat ? &run_in_mode : type == ptx::Type::f64 ? &saturate<double> : &saturate<float>;
}

}  // namespace softgpu
