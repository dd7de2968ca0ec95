/* cvt from or to f16, bf16 and tf32. Every source becomes a float that rounds on as the source
   itself would; every destination is made from that float. */
#include <limits>

#include "exec/convert.h"
#include "exec/half.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

struct Half {
  using Reg = uint16_t;
  static float read(uint16_t h) { return from_half(h); }
};
struct Bfloat {
  using Reg = uint16_t;
  static float read(uint16_t b) { return from_bfloat(b); }
};
struct Single {
  using Reg = float;
  static float read(float f) { return f; }
};
template <class T>
struct Wider { /* exact in double */
  using Reg = T;
  static float read(T v) { return to_odd(static_cast<double>(v)); }
};

enum class Round { nearest, down, up, zero };

template <Round kRound>
struct AsHalf {
  using Reg = uint16_t;
  static uint16_t make(float f) {
    if (f != f) return 0x7fff;
    switch (kRound) {
      case Round::nearest: return _cvtss_sh(f, 0);
      case Round::down: return _cvtss_sh(f, 1);
      case Round::up: return _cvtss_sh(f, 2);
      default: return _cvtss_sh(f, 3);
    }
  }
};
template <bool kZero>
struct AsBfloat {
  using Reg = uint16_t;
  static uint16_t make(float f) { return kZero ? to_bfloat_zero(f) : to_bfloat(f); }
};
struct AsSingle {
  using Reg = float;
  static float make(float f) { return f; }
};
struct AsDouble {
  using Reg = double;
  static double make(float f) { return f; }
};
/* The upper 19 bits of a float: ties away from zero, or to even. */
template <bool kAway>
struct AsTf32 {
  using Reg = uint32_t;
  static uint32_t make(float f) {
    const uint32_t bits = bit_cast<uint32_t>(f);
    if ((bits & 0x7f800000) == 0x7f800000) return bits & ~0x1fffu;
    return (bits + (kAway ? 0x1000 : 0xfff + (bits >> 13 & 1))) & ~0x1fffu;
  }
};
template <class T, Round kRound>
struct AsInteger {
  using Reg = T;
  static T make(float f) {
    using L = std::numeric_limits<T>;
    float r = 0;
    switch (kRound) {
      case Round::nearest: r = __builtin_nearbyintf(f); break;
      case Round::down: r = __builtin_floorf(f); break;
      case Round::up: r = __builtin_ceilf(f); break;
      default: r = __builtin_truncf(f);
    }
    constexpr float above = 2 * static_cast<float>(L::max() / 2 + 1);
    if (f != f) return 0;
    return r >= above ? L::max() : r < static_cast<float>(L::min()) ? L::min() : static_cast<T>(r);
  }
};

template <class From, class To>
const Instr* through_float(Warp& w, const Instr* i) {
  const auto* a = lanes<typename From::Reg>(w, i->a);
  write<typename To::Reg>(w, i->d, [&](int l) { return To::make(From::read(a[l])); });
  return i + 1;
}

/* Two floats as one register, the first in the high half. */
template <class To>
const Instr* pair(Warp& w, const Instr* i) {
  const float *a = lanes<float>(w, i->a), *b = lanes<float>(w, i->b);
  write<uint32_t>(w, i->d, [&](int l) { return uint32_t{To::make(a[l])} << 16 | To::make(b[l]); });
  return i + 1;
}

Round rounding(Decode& d) {
  if (d.take("rz") || d.take("rzi")) return Round::zero;
  if (d.take("rm") || d.take("rmi")) return Round::down;
  if (d.take("rp") || d.take("rpi")) return Round::up;
  if (!d.take("rn")) d.take("rni");
  return Round::nearest;
}

template <class From, class T>
Exec to_integer(Round r) {
  switch (r) {
    case Round::nearest: return &through_float<From, AsInteger<T, Round::nearest>>;
    case Round::down: return &through_float<From, AsInteger<T, Round::down>>;
    case Round::up: return &through_float<From, AsInteger<T, Round::up>>;
    default: return &through_float<From, AsInteger<T, Round::zero>>;
  }
}

template <class From>
Exec choose(Type to, Round r) {
  switch (to) {
    case Type::f16:
      switch (r) {
        case Round::nearest: return &through_float<From, AsHalf<Round::nearest>>;
        case Round::down: return &through_float<From, AsHalf<Round::down>>;
        case Round::up: return &through_float<From, AsHalf<Round::up>>;
        default: return &through_float<From, AsHalf<Round::zero>>;
      }
    case Type::bf16:
      return r == Round::zero ? &through_float<From, AsBfloat<true>> : &through_float<From, AsBfloat<false>>;
    case Type::f32: return &through_float<From, AsSingle>;
    case Type::f64: return &through_float<From, AsDouble>;
    case Type::u16: return to_integer<From, uint16_t>(r);
    case Type::s16: return to_integer<From, int16_t>(r);
    case Type::u32: return to_integer<From, uint32_t>(r);
    case Type::s32: return to_integer<From, int32_t>(r);
    case Type::u64: return to_integer<From, uint64_t>(r);
    case Type::s64: return to_integer<From, int64_t>(r);
    default: return nullptr;
  }
}

Exec pick(Type from, Type to, Round r) {
  switch (from) {
    case Type::f16: return choose<Half>(to, r);
    case Type::bf16: return choose<Bfloat>(to, r);
    case Type::f32: return choose<Single>(to, r);
    case Type::f64: return choose<Wider<double>>(to, r);
    case Type::u16: return choose<Wider<uint16_t>>(to, r);
    case Type::s16: return choose<Wider<int16_t>>(to, r);
    case Type::u32: return choose<Wider<uint32_t>>(to, r);
    case Type::s32: return choose<Wider<int32_t>>(to, r);
    /* Above 2^53 every value is beyond f16: the rounding to double does not matter. */
    case Type::u64: return to == Type::f16 ? choose<Wider<uint64_t>>(to, r) : nullptr;
    case Type::s64: return to == Type::f16 ? choose<Wider<int64_t>>(to, r) : nullptr;
    default: return nullptr;
  }
}

}  // namespace

bool convert_half(Decode& d) {
  const Type to = d.type(), from = d.type();
  if (to == Type::f16x2 || to == Type::bf16x2) {
    if (from != Type::f32) d.unsupported("source type");
    const Round r = rounding(d);
    if (to == Type::bf16x2) d.need_target(80);
    d.out.fn = to == Type::f16x2 ? (r == Round::zero ? &pair<AsHalf<Round::zero>> : &pair<AsHalf<Round::nearest>>)
                                 : (r == Round::zero ? &pair<AsBfloat<true>> : &pair<AsBfloat<false>>);
    d.out.d = d.dest(0, Type::b32), d.out.a = d.source(1, from), d.out.b = d.source(2, from);
    return true;
  }
  if (to == Type::tf32) {
    if (from != Type::f32) d.invalid("source type");
    d.need_target(80);
    d.out.fn = d.take("rna") ? &through_float<Single, AsTf32<true>> : &through_float<Single, AsTf32<false>>;
    d.take("rn");
    d.out.d = d.dest(0, Type::b32), d.out.a = d.source(1, from);
    return true;
  }
  const bool half = from == Type::f16 || from == Type::bf16 || to == Type::f16 || to == Type::bf16;
  if (!half) return false;
  if (from == to) d.unsupported("rounding within the type");
  d.out.fn = pick(from, to, rounding(d));
  if (!d.out.fn) d.unsupported("types");
  d.out.d = d.dest(0, to), d.out.a = d.source(1, from);
  return true;
}

}  // namespace softgpu
