/* cvt between integers, float and double. Registers may be wider than the types. */
#include <cmath>
#include <limits>

#include "exec/convert.h"
#include "exec/mode.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

/* aux bits 16..23: bytes of the source register, 24..31: of the destination; the low half of aux
   belongs to the floating-point mode. */
constexpr int kSourceShift = 16, kDestShift = 24;

template <class S>
const S* narrow(Warp& w, const Instr* i, S* room) {
  const unsigned width = i->aux >> kSourceShift & 255;
  if (width == sizeof(S)) return lanes<S>(w, i->a);
  if (width == 2) {
    const uint16_t* a = lanes<uint16_t>(w, i->a);
    SOFTGPU_LANES room[l] = static_cast<S>(a[l]);
  } else if (width == 4) {
    const uint32_t* a = lanes<uint32_t>(w, i->a);
    SOFTGPU_LANES room[l] = static_cast<S>(a[l]);
  } else {
    const uint64_t* a = lanes<uint64_t>(w, i->a);
    SOFTGPU_LANES room[l] = static_cast<S>(a[l]);
  }
  return room;
}

template <class D, class F>
inline __attribute__((always_inline)) void store(Warp& w, const Instr* i, F f) {
  const unsigned width = i->aux >> kDestShift;
  if (width == sizeof(D)) return write<D>(w, i->d, f);
  if constexpr (std::is_integral_v<D>) {
    if (width == 2) return write<uint16_t>(w, i->d, [&](int l) { return static_cast<uint16_t>(f(l)); });
    if (width == 4) return write<uint32_t>(w, i->d, [&](int l) { return static_cast<uint32_t>(f(l)); });
    write<uint64_t>(w, i->d, [&](int l) { return static_cast<uint64_t>(f(l)); });
  }
}

template <class D, class S, class Op>
const Instr* convert(Warp& w, const Instr* i) {
  alignas(64) S room[kLanes];
  const S* s;
  if constexpr (std::is_integral_v<S>) {
    s = narrow<S>(w, i, room);
  } else {
    s = lanes<S>(w, i->a);
  }
  store<D>(w, i, [&](int l) { return static_cast<D>(Op::template run<D, S>(s[l])); });
  return i + 1;
}

struct Cast {
  template <class D, class S>
  static D run(S a) { return static_cast<D>(a); }
};

struct Flush {
  template <class D, class S>
  static D run(S a) { return flush_subnormal(a); }
};

/* Integers clamped to the range of the destination. */
struct Clamp {
  template <class D, class S>
  static D run(S a) {
    using L = std::numeric_limits<D>;
    if constexpr (std::is_signed_v<S>) {
      const int64_t v = a;
      if (std::is_signed_v<D>)
        return static_cast<D>(v < static_cast<int64_t>(L::min()) ? static_cast<int64_t>(L::min())
                              : v > static_cast<int64_t>(L::max()) ? static_cast<int64_t>(L::max()) : v);
      return v < 0 ? D{0} : static_cast<uint64_t>(v) > static_cast<uint64_t>(L::max()) ? L::max() : static_cast<D>(v);
    } else {
      const uint64_t v = a;
      return v > static_cast<uint64_t>(L::max()) ? L::max() : static_cast<D>(v);
    }
  }
};

/* Integers of 32 bits go through double, which holds them: one rounding, in any mode. */
struct ToReal {
  template <class D, class S>
  static D run(S a) {
    if constexpr (sizeof(S) <= 4) return static_cast<D>(static_cast<double>(a));
    return static_cast<D>(a);
  }
};

template <class T> T rounded(T a, int mode) {
  switch (mode) {
    case 0: return std::is_same_v<T, double> ? static_cast<T>(__builtin_nearbyint(static_cast<double>(a))) : static_cast<T>(__builtin_nearbyintf(static_cast<float>(a)));
    case 1: return std::is_same_v<T, double> ? static_cast<T>(__builtin_trunc(static_cast<double>(a))) : static_cast<T>(__builtin_truncf(static_cast<float>(a)));
    case 2: return std::is_same_v<T, double> ? static_cast<T>(__builtin_floor(static_cast<double>(a))) : static_cast<T>(__builtin_floorf(static_cast<float>(a)));
    default: return std::is_same_v<T, double> ? static_cast<T>(__builtin_ceil(static_cast<double>(a))) : static_cast<T>(__builtin_ceilf(static_cast<float>(a)));
  }
}

/* Rounded, clamped to the range of the integer; NaN becomes 0. */
template <int kMode>
struct ToInteger {
  template <class D, class S>
  static D run(S a) {
    using L = std::numeric_limits<D>;
    const S r = rounded(a, kMode);
    constexpr S low = static_cast<S>(L::min());
    constexpr S above = 2 * static_cast<S>(L::max() / 2 + 1); /* max + 1: a power of two */
    const bool inside = r >= low && r < above;
    const D value = static_cast<D>(inside ? r : S{0});
    return inside ? value : r >= above ? L::max() : r < low ? L::min() : D{0};
  }
};

template <int kMode>
struct RoundReal {
  template <class D, class S>
  static D run(S a) { return rounded(a, kMode); }
};

template <class D, class Op>
Exec from_integer(Type s) {
  switch (s) {
    case Type::u8: return &convert<D, uint8_t, Op>;
    case Type::s8: return &convert<D, int8_t, Op>;
    case Type::u16: return &convert<D, uint16_t, Op>;
    case Type::s16: return &convert<D, int16_t, Op>;
    case Type::u32: return &convert<D, uint32_t, Op>;
    case Type::s32: return &convert<D, int32_t, Op>;
    case Type::u64: return &convert<D, uint64_t, Op>;
    case Type::s64: return &convert<D, int64_t, Op>;
    default: return nullptr;
  }
}

template <class Op>
Exec between_integers(Type d, Type s) {
  switch (d) {
    case Type::u8: return from_integer<uint8_t, Op>(s);
    case Type::s8: return from_integer<int8_t, Op>(s);
    case Type::u16: return from_integer<uint16_t, Op>(s);
    case Type::s16: return from_integer<int16_t, Op>(s);
    case Type::u32: return from_integer<uint32_t, Op>(s);
    case Type::s32: return from_integer<int32_t, Op>(s);
    case Type::u64: return from_integer<uint64_t, Op>(s);
    case Type::s64: return from_integer<int64_t, Op>(s);
    default: return nullptr;
  }
}

template <class S, class Op>
Exec to_integer(Type d) {
  switch (d) {
    case Type::u8: return &convert<uint8_t, S, Op>;
    case Type::s8: return &convert<int8_t, S, Op>;
    case Type::u16: return &convert<uint16_t, S, Op>;
    case Type::s16: return &convert<int16_t, S, Op>;
    case Type::u32: return &convert<uint32_t, S, Op>;
    case Type::s32: return &convert<int32_t, S, Op>;
    case Type::u64: return &convert<uint64_t, S, Op>;
    case Type::s64: return &convert<int64_t, S, Op>;
    default: return nullptr;
  }
}

template <class S>
Exec real_to_integer(Type d, int mode) {
  switch (mode) {
    case 0: return to_integer<S, ToInteger<0>>(d);
    case 1: return to_integer<S, ToInteger<1>>(d);
    case 2: return to_integer<S, ToInteger<2>>(d);
    default: return to_integer<S, ToInteger<3>>(d);
  }
}

template <class T>
Exec round_exec(int mode) {
  switch (mode) {
    case 0: return &convert<T, T, RoundReal<0>>;
    case 1: return &convert<T, T, RoundReal<1>>;
    case 2: return &convert<T, T, RoundReal<2>>;
    default: return &convert<T, T, RoundReal<3>>;
  }
}

/* Takes .rni .rzi .rmi .rpi: 0 to 3; -1: none. */
int integer_rounding(Decode& d) {
  constexpr const char* kNames[] = {"rni", "rzi", "rmi", "rpi"};
  for (int mode = 0; mode < 4; ++mode)
    if (d.take(kNames[mode])) return mode;
  return -1;
}

bool is_bytes_or_integer(Type t) { return is_integer(t) || t == Type::u8 || t == Type::s8; }

bool cvt(Decode& d) {
  const Type to = d.type(), from = d.type();
  const bool to_real = to == Type::f32 || to == Type::f64, real = from == Type::f32 || from == Type::f64;
  if (!(to_real || is_bytes_or_integer(to)) || !(real || is_bytes_or_integer(from))) return false;
  unsigned source_width, dest_width;
  d.out.d = d.wide_dest(d.operand(0), to, dest_width);
  d.out.a = d.wide_source(d.operand(1), from, source_width);
  if ((to_real && dest_width != ptx::bytes_of(to)) || (real && source_width != ptx::bytes_of(from)))
    d.invalid("register of another width");
  const int rounding = integer_rounding(d);
  if (!to_real && !real) {
    d.out.fn = d.take("sat") ? between_integers<Clamp>(to, from) : between_integers<Cast>(to, from);
  } else if (!to_real) {
    d.take("sat"); /* as always */
    d.out.fn = from == Type::f64 ? real_to_integer<double>(to, rounding) : real_to_integer<float>(to, rounding);
  } else if (!real) {
    d.out.fn = to == Type::f64 ? from_integer<double, ToReal>(from) : from_integer<float, ToReal>(from);
  } else if (to == from && rounding >= 0) {
    d.out.fn = to == Type::f64 ? round_exec<double>(rounding) : round_exec<float>(rounding);
  } else if (to == Type::f64) {
    d.out.fn = from == Type::f64 ? &convert<double, double, Cast> : &convert<double, float, Cast>;
  } else if (from == Type::f64) {
    d.out.fn = &convert<float, double, Cast>;
  } else {
    d.out.fn = d.has("ftz") ? &convert<float, float, Flush> : &convert<float, float, Cast>;
  }
  wrap_mode(d, to);
  d.out.aux |= source_width << kSourceShift | dest_width << kDestShift;
  return true;
}

}  // namespace

void add_convert_opcodes(Opcodes& all) {
  all["cvt"].push_back(cvt);
  all["cvt"].push_back(convert_half);
}

}  // namespace softgpu
