/* Templates of instructions that compute each lane from its own operands. */
#ifndef SOFTGPU_EXEC_OPS_H
#define SOFTGPU_EXEC_OPS_H

#include "exec/lanes.h"
#include "program/decode.h"

namespace softgpu {

/* .ftz: subnormal numbers become zeros of their sign. */
inline float flush_subnormal(float a) {
  return __builtin_fabsf(a) < 1.17549435e-38f ? __builtin_copysignf(0.0f, a) : a;
}

template <class D, class A, class Op>
const Instr* unary(Warp& w, const Instr* i) {
  const A* a = lanes<A>(w, i->a);
  write<D>(w, i->d, [&](int l) { return static_cast<D>(Op::run(a[l])); });
  return i + 1;
}

template <class D, class A, class B, class Op>
const Instr* binary(Warp& w, const Instr* i) {
  const A* a = lanes<A>(w, i->a);
  const B* b = lanes<B>(w, i->b);
  write<D>(w, i->d, [&](int l) { return static_cast<D>(Op::run(a[l], b[l])); });
  return i + 1;
}

template <class D, class A, class B, class C, class Op>
const Instr* ternary(Warp& w, const Instr* i) {
  const A* a = lanes<A>(w, i->a);
  const B* b = lanes<B>(w, i->b);
  const C* c = lanes<C>(w, i->c);
  write<D>(w, i->d, [&](int l) { return static_cast<D>(Op::run(a[l], b[l], c[l])); });
  return i + 1;
}

/* One function for each of the integer types of 16, 32 and 64 bits; null for others. */
template <template <class> class F>
Exec for_integer(ptx::Type type) {
  using ptx::Type;
  switch (type) {
    case Type::u16: case Type::b16: return F<uint16_t>::exec();
    case Type::u32: case Type::b32: return F<uint32_t>::exec();
    case Type::u64: case Type::b64: return F<uint64_t>::exec();
    case Type::s16: return F<int16_t>::exec();
    case Type::s32: return F<int32_t>::exec();
    case Type::s64: return F<int64_t>::exec();
    default: return nullptr;
  }
}

inline bool is_integer(ptx::Type t) {
  using ptx::Type;
  return t == Type::u16 || t == Type::u32 || t == Type::u64 || t == Type::s16 || t == Type::s32 ||
         t == Type::s64;
}

template <class T>
using Unsigned = std::make_unsigned_t<T>;

/* d = op(a), op(a, b), op(a, b, c), all of one type. */
inline bool operands(Decode& d, ptx::Type type, Exec exec, int sources) {
  d.out.fn = exec;
  d.out.d = d.dest(0, type);
  d.out.a = d.source(1, type);
  if (sources > 1) d.out.b = d.source(2, type);
  if (sources > 2) d.out.c = d.source(3, type);
  return true;
}

}  // namespace softgpu

#endif
