/* Integer arithmetic. All sums and products wrap. */
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

/* Arithmetic in the unsigned type of at least 32 bits, where wrapping is defined. */
template <class T>
using Wide = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <class T>
struct Twice;
template <> struct Twice<uint16_t> { using type = uint32_t; };
template <> struct Twice<int16_t> { using type = int32_t; };
template <> struct Twice<uint32_t> { using type = uint64_t; };
template <> struct Twice<int32_t> { using type = int64_t; };
template <> struct Twice<uint64_t> { using type = unsigned __int128; };
template <> struct Twice<int64_t> { using type = __int128; };

template <class T>
T high_half(T a, T b) {
  using W = typename Twice<T>::type;
  return static_cast<T>((static_cast<W>(a) * static_cast<W>(b)) >> (8 * sizeof(T)));
}

/* What a card gives for a division by zero: all ones, and the dividend as the rest. */
template <class T>
T quotient(T a, T b) {
  if (b == 0) return static_cast<T>(-1);
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return static_cast<T>(0 - static_cast<Wide<T>>(a));
  return static_cast<T>(a / b);
}

template <class T>
T rest(T a, T b) {
  if (b == 0) return a;
  if constexpr (std::is_signed_v<T>)
    if (b == -1) return 0;
  return static_cast<T>(a % b);
}

template <class T>
T saturated(int64_t value) {
  return static_cast<T>(value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : value);
}

#define BINARY(Name, expression)                                                       \
  template <class T>                                                                   \
  struct Name {                                                                        \
    static T run(T a, T b) { return static_cast<T>(expression); }                      \
    static Exec exec() { return &binary<T, T, T, Name>; }                              \
  };
#define UNARY(Name, expression)                                                        \
  template <class T>                                                                   \
  struct Name {                                                                        \
    static T run(T a) { return static_cast<T>(expression); }                           \
    static Exec exec() { return &unary<T, T, Name>; }                                  \
  };

BINARY(Add, static_cast<Wide<T>>(a) + static_cast<Wide<T>>(b))
BINARY(Sub, static_cast<Wide<T>>(a) - static_cast<Wide<T>>(b))
BINARY(MulLow, static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b))
BINARY(MulHigh, high_half(a, b))
BINARY(Div, quotient(a, b))
BINARY(Rem, rest(a, b))
BINARY(Min, a < b ? a : b)
BINARY(Max, a > b ? a : b)
UNARY(Abs, a < 0 ? 0 - static_cast<Wide<T>>(a) : static_cast<Wide<T>>(a))
UNARY(Neg, 0 - static_cast<Wide<T>>(a))

struct AddSat {
  static int32_t run(int32_t a, int32_t b) { return saturated<int32_t>(int64_t{a} + b); }
};
struct SubSat {
  static int32_t run(int32_t a, int32_t b) { return saturated<int32_t>(int64_t{a} - b); }
};

template <class T>
struct MulWide {
  using W = typename Twice<T>::type;
  static W run(T a, T b) { return static_cast<W>(a) * static_cast<W>(b); }
  static Exec exec() {
    if constexpr (sizeof(T) <= 4) return &binary<W, T, T, MulWide>;
    return nullptr;
  }
};

template <class T>
struct MadWide {
  using W = typename Twice<T>::type;
  using U = Unsigned<std::conditional_t<sizeof(T) == 8, T, W>>;
  static W run(T a, T b, W c) {
    return static_cast<W>(static_cast<U>(static_cast<W>(a) * static_cast<W>(b)) + static_cast<U>(c));
  }
  static Exec exec() {
    if constexpr (sizeof(T) <= 4) return &ternary<W, T, T, W, MadWide>;
    return nullptr;
  }
};

template <class T>
struct MadLow {
  static T run(T a, T b, T c) {
    using W = Wide<T>;
    return static_cast<T>(static_cast<W>(a) * static_cast<W>(b) + static_cast<W>(c));
  }
  static Exec exec() { return &ternary<T, T, T, T, MadLow>; }
};

template <class T>
struct MadHigh {
  static T run(T a, T b, T c) {
    using W = Wide<T>;
    return static_cast<T>(static_cast<W>(high_half(a, b)) + static_cast<W>(c));
  }
  static Exec exec() { return &ternary<T, T, T, T, MadHigh>; }
};

struct MadHighSat {
  static int32_t run(int32_t a, int32_t b, int32_t c) {
    return saturated<int32_t>(int64_t{high_half(a, b)} + c);
  }
};

/* The low 24 bits of an operand, extended. */
int64_t low24(int32_t a) { return static_cast<int32_t>(static_cast<uint32_t>(a) << 8) >> 8; }
uint64_t low24(uint32_t a) { return a & 0xffffffu; }

template <class T, int kShift>
struct Mul24 {
  static T run(T a, T b) { return static_cast<T>((low24(a) * low24(b)) >> kShift); }
};
template <class T, int kShift>
struct Mad24 {
  static T run(T a, T b, T c) {
    return static_cast<T>(static_cast<uint32_t>(Mul24<T, kShift>::run(a, b)) + static_cast<uint32_t>(c));
  }
};

template <class T>
struct Sad {
  static T run(T a, T b, T c) {
    using W = Wide<T>;
    const W difference = a < b ? static_cast<W>(b) - static_cast<W>(a) : static_cast<W>(a) - static_cast<W>(b);
    return static_cast<T>(static_cast<W>(c) + difference);
  }
  static Exec exec() { return &ternary<T, T, T, T, Sad>; }
};

/* Additions with a carry. The carry is a lane mask that the decoder keeps in a scratch register. */
template <class T, bool kSubtract, bool kIn, bool kOut>
const Instr* with_carry(Warp& w, const Instr* i) {
  const T *a = lanes<T>(w, i->a), *b = lanes<T>(w, i->b);
  const uint32_t in = kIn ? predicate(w, i->list[0]) : 0;
  T sum[kLanes];
  uint32_t carry = 0;
  for (int l = 0; l < kLanes; ++l) {
    const T c = (in >> l) & 1;
    const T partial = kSubtract ? static_cast<T>(a[l] - b[l]) : static_cast<T>(a[l] + b[l]);
    bool out = kSubtract ? a[l] < b[l] : partial < a[l];
    sum[l] = kSubtract ? static_cast<T>(partial - c) : static_cast<T>(partial + c);
    out |= kSubtract ? partial < c : sum[l] < partial;
    carry |= out ? 1u << l : 0u;
  }
  if (kOut) write_predicate(w, i->list[0], carry);
  write<T>(w, i->d, [&](int l) { return sum[l]; });
  return i + 1;
}

template <class T>
Exec carry_exec(bool subtract, bool in, bool out) {
  if (subtract)
    return in ? (out ? &with_carry<T, true, true, true> : &with_carry<T, true, true, false>)
              : &with_carry<T, true, false, true>;
  return in ? (out ? &with_carry<T, false, true, true> : &with_carry<T, false, true, false>)
            : &with_carry<T, false, false, true>;
}

template <template <class> class F>
bool same_type(Decode& d, int sources) {
  const Type t = d.last_type();
  if (!is_integer(t)) return false;
  d.type();
  return operands(d, t, for_integer<F>(t), sources);
}

bool add_or_sub(Decode& d, bool subtract) {
  const Type t = d.last_type();
  if (!is_integer(t) && t != Type::b32 && t != Type::b64) return false;
  d.type();
  const bool carry = d.take("cc");
  if (carry) {
    d.out.list = d.scope.list({d.scope.carry()});
    const bool wide = ptx::bytes_of(t) == 8;
    return operands(d, t, wide ? carry_exec<uint64_t>(subtract, false, true)
                               : carry_exec<uint32_t>(subtract, false, true), 2);
  }
  if (d.take("sat")) {
    if (t != Type::s32) d.invalid(".sat is for .s32");
    return operands(d, t, subtract ? &binary<int32_t, int32_t, int32_t, SubSat>
                                   : &binary<int32_t, int32_t, int32_t, AddSat>, 2);
  }
  return operands(d, t, subtract ? for_integer<Sub>(t) : for_integer<Add>(t), 2);
}

bool extended(Decode& d) {
  const Type t = d.type();
  const bool out = d.take("cc"), subtract = d.s.opcode == "subc";
  d.out.list = d.scope.list({d.scope.carry()});
  return operands(d, t, ptx::bytes_of(t) == 8 ? carry_exec<uint64_t>(subtract, true, out)
                                              : carry_exec<uint32_t>(subtract, true, out), 2);
}

Type twice(Type t) {
  switch (t) {
    case Type::u16: return Type::u32;
    case Type::s16: return Type::s32;
    case Type::u32: return Type::u64;
    default: return Type::s64;
  }
}

bool multiply(Decode& d) {
  const Type t = d.last_type();
  if (!is_integer(t)) return false;
  d.type();
  if (d.take("wide")) {
    d.out.fn = for_integer<MulWide>(t);
    if (!d.out.fn) d.invalid("wide multiplication of 64 bits");
    d.out.d = d.dest(0, twice(t));
    d.out.a = d.source(1, t), d.out.b = d.source(2, t);
    return true;
  }
  if (d.take("lo")) return operands(d, t, for_integer<MulLow>(t), 2);
  if (d.take("hi")) return operands(d, t, for_integer<MulHigh>(t), 2);
  d.invalid(".lo, .hi or .wide is missing");
}

bool multiply_add(Decode& d) {
  const Type t = d.last_type();
  if (!is_integer(t)) return false;
  d.type();
  if (d.has("cc")) d.unsupported("a carry out of mad");
  if (d.take("wide")) {
    d.out.fn = for_integer<MadWide>(t);
    if (!d.out.fn) d.invalid("wide multiplication of 64 bits");
    d.out.d = d.dest(0, twice(t));
    d.out.a = d.source(1, t), d.out.b = d.source(2, t), d.out.c = d.source(3, twice(t));
    return true;
  }
  if (d.take("lo")) return operands(d, t, for_integer<MadLow>(t), 3);
  if (!d.take("hi")) d.invalid(".lo, .hi or .wide is missing");
  if (d.take("sat"))
    return operands(d, t, &ternary<int32_t, int32_t, int32_t, int32_t, MadHighSat>, 3);
  return operands(d, t, for_integer<MadHigh>(t), 3);
}

bool in_24_bits(Decode& d) {
  const Type t = d.type();
  const bool high = d.take("hi"), add = d.s.opcode == "mad24";
  if (!high && !d.take("lo")) d.invalid(".lo or .hi is missing");
  if (t == Type::u32) {
    using U = uint32_t;
    if (add) return operands(d, t, high ? &ternary<U, U, U, U, Mad24<U, 16>> : &ternary<U, U, U, U, Mad24<U, 0>>, 3);
    return operands(d, t, high ? &binary<U, U, U, Mul24<U, 16>> : &binary<U, U, U, Mul24<U, 0>>, 2);
  }
  if (t != Type::s32) d.invalid("24-bit products are for 32-bit types");
  using S = int32_t;
  if (add) return operands(d, t, high ? &ternary<S, S, S, S, Mad24<S, 16>> : &ternary<S, S, S, S, Mad24<S, 0>>, 3);
  return operands(d, t, high ? &binary<S, S, S, Mul24<S, 16>> : &binary<S, S, S, Mul24<S, 0>>, 2);
}

}  // namespace

void add_integer_opcodes(Opcodes& all) {
  all["add"].push_back([](Decode& d) { return add_or_sub(d, false); });
  all["sub"].push_back([](Decode& d) { return add_or_sub(d, true); });
  all["addc"].push_back(extended);
  all["subc"].push_back(extended);
  all["mul"].push_back(multiply);
  all["mad"].push_back(multiply_add);
  all["mul24"].push_back(in_24_bits);
  all["mad24"].push_back(in_24_bits);
  all["div"].push_back([](Decode& d) { return same_type<Div>(d, 2); });
  all["rem"].push_back([](Decode& d) { return same_type<Rem>(d, 2); });
  all["min"].push_back([](Decode& d) { return same_type<Min>(d, 2); });
  all["max"].push_back([](Decode& d) { return same_type<Max>(d, 2); });
  all["abs"].push_back([](Decode& d) { return same_type<Abs>(d, 1); });
  all["neg"].push_back([](Decode& d) { return same_type<Neg>(d, 1); });
  all["sad"].push_back([](Decode& d) { return same_type<Sad>(d, 3); });
}

}  // namespace softgpu
