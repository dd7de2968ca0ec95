/* Logic, shifts and bit fields. */
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

struct And { template <class T> static T run(T a, T b) { return static_cast<T>(a & b); } };
struct Or { template <class T> static T run(T a, T b) { return static_cast<T>(a | b); } };
struct Xor { template <class T> static T run(T a, T b) { return static_cast<T>(a ^ b); } };
struct Not { template <class T> static T run(T a) { return static_cast<T>(~a); } };
struct Cnot { template <class T> static T run(T a) { return a == 0; } };

/* Shifts by the width or more give zero, or the sign. */
struct ShiftLeft {
  template <class T>
  static T run(T a, uint32_t n) {
    return n >= 8 * sizeof(T) ? T{0} : static_cast<T>(static_cast<uint64_t>(a) << n);
  }
};
struct ShiftRight {
  template <class T>
  static T run(T a, uint32_t n) {
    if constexpr (std::is_signed_v<T>) return static_cast<T>(a >> (n >= 8 * sizeof(T) ? 8 * sizeof(T) - 1 : n));
    return n >= 8 * sizeof(T) ? T{0} : static_cast<T>(a >> n);
  }
};

template <bool kLeft, bool kClamp>
struct Funnel {
  static uint32_t run(uint32_t low, uint32_t high, uint32_t n) {
    const uint32_t by = kClamp ? (n > 32 ? 32 : n) : n & 31;
    const uint64_t both = uint64_t{high} << 32 | low;
    return static_cast<uint32_t>(kLeft ? (both << by) >> 32 : both >> by);
  }
};

struct Popc { template <class T> static uint32_t run(T a) { return static_cast<uint32_t>(__builtin_popcountll(a)); } };
struct Clz {
  template <class T>
  static uint32_t run(T a) {
    return a == 0 ? 8 * sizeof(T) : static_cast<uint32_t>(__builtin_clzll(a)) - (64 - 8 * sizeof(T));
  }
};
struct Brev {
  template <class T>
  static T run(T a) {
    uint64_t v = a;
    v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
    v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0fu) | (v & 0x0f0f0f0f0f0f0f0fu) << 4;
    return static_cast<T>(__builtin_bswap64(v) >> (64 - 8 * sizeof(T)));
  }
};

/* Position of the highest bit that differs from the sign; all ones where there is none. */
template <bool kShiftAmount>
struct Find {
  template <class T>
  static uint32_t run(T a) {
    using U = Unsigned<T>;
    U bits = static_cast<U>(a);
    if (std::is_signed_v<T> && a < 0) bits = static_cast<U>(~bits);
    if (bits == 0) return ~0u;
    const uint32_t at = 63u - static_cast<uint32_t>(__builtin_clzll(bits));
    return kShiftAmount ? 8 * sizeof(T) - 1 - at : at;
  }
};

struct Extract {
  template <class T>
  static T run(T a, uint32_t position, uint32_t length) {
    constexpr uint32_t kBits = 8 * sizeof(T);
    using U = Unsigned<T>;
    const uint32_t pos = position & 255, len = length & 255;
    if (len == 0) return 0;
    const uint32_t last = pos + len - 1 < kBits - 1 ? pos + len - 1 : kBits - 1;
    const bool sign = std::is_signed_v<T> && ((static_cast<U>(a) >> last) & 1);
    U field = pos < kBits ? static_cast<U>(a) >> pos : 0;
    const U mask = len >= kBits ? static_cast<U>(~U{0}) : static_cast<U>((U{1} << len) - 1);
    field &= mask;
    const uint32_t present = pos < kBits ? kBits - pos : 0;
    if (sign) field |= static_cast<U>(~(len < present ? mask : present >= kBits ? static_cast<U>(~U{0}) : static_cast<U>((U{1} << present) - 1)));
    return static_cast<T>(field);
  }
};

template <class T>
const Instr* insert(Warp& w, const Instr* i) {
  constexpr uint32_t kBits = 8 * sizeof(T);
  const T *a = lanes<T>(w, i->a), *b = lanes<T>(w, i->b);
  const uint32_t *p = lanes<uint32_t>(w, i->c), *n = lanes<uint32_t>(w, i->list[0]);
  write<T>(w, i->d, [&](int l) {
    const uint32_t pos = p[l] & 255, len = n[l] & 255;
    if (pos >= kBits || len == 0) return b[l];
    const T mask = static_cast<T>((len >= kBits ? static_cast<T>(~T{0}) : static_cast<T>((T{1} << len) - 1)) << pos);
    return static_cast<T>((b[l] & static_cast<T>(~mask)) | (static_cast<T>(a[l] << pos) & mask));
  });
  return i + 1;
}

const Instr* lop3(Warp& w, const Instr* i) {
  const uint32_t *a = lanes<uint32_t>(w, i->a), *b = lanes<uint32_t>(w, i->b), *c = lanes<uint32_t>(w, i->c);
  const uint32_t table = static_cast<uint32_t>(i->imm);
  uint32_t terms[8];
  for (int t = 0; t < 8; ++t) terms[t] = (table >> t) & 1 ? ~0u : 0u;
  write<uint32_t>(w, i->d, [&](int l) {
    const uint32_t x = a[l], y = b[l], z = c[l];
    return (terms[0] & ~x & ~y & ~z) | (terms[1] & ~x & ~y & z) | (terms[2] & ~x & y & ~z) |
           (terms[3] & ~x & y & z) | (terms[4] & x & ~y & ~z) | (terms[5] & x & ~y & z) |
           (terms[6] & x & y & ~z) | (terms[7] & x & y & z);
  });
  return i + 1;
}

struct Permute {
  static uint32_t run(uint32_t a, uint32_t b, uint32_t selector) {
    const uint64_t bytes = uint64_t{b} << 32 | a;
    uint32_t result = 0;
    for (int n = 0; n < 4; ++n) {
      const uint32_t pick = selector >> (4 * n) & 15;
      uint32_t byte = static_cast<uint32_t>(bytes >> (8 * (pick & 7))) & 255;
      if (pick & 8) byte = byte & 128 ? 255 : 0;
      result |= byte << (8 * n);
    }
    return result;
  }
};

/* The other selection modes as selectors of the plain one. */
template <int kMode>
struct PermuteMode {
  static uint32_t run(uint32_t a, uint32_t b, uint32_t c) {
    static constexpr uint16_t kSelectors[6][4] = {
        {0x3210, 0x4321, 0x5432, 0x6543}, /* f4e */
        {0x5670, 0x6701, 0x7012, 0x0123}, /* b4e */
        {0x0000, 0x1111, 0x2222, 0x3333}, /* rc8 */
        {0x3210, 0x3211, 0x3222, 0x3333}, /* ecl */
        {0x0000, 0x1110, 0x2210, 0x3210}, /* ecr */
        {0x1010, 0x3232, 0x1010, 0x3232}, /* rc16 */
    };
    return Permute::run(a, b, kSelectors[kMode][c & 3]);
  }
};

/* The n-th set bit from a base: fns. */
struct FindNth {
  static uint32_t run(uint32_t mask, uint32_t base, int32_t offset) {
    if (base > 31) return ~0u;
    if (offset == 0) return mask >> base & 1 ? base : ~0u;
    const int step = offset > 0 ? 1 : -1;
    int32_t left = offset > 0 ? offset : -offset;
    for (int at = static_cast<int>(base); at >= 0 && at < 32; at += step)
      if (mask >> at & 1 && --left == 0) return static_cast<uint32_t>(at);
    return ~0u;
  }
};

template <class Op>
Exec by_bits(Type t) {
  switch (ptx::bytes_of(t)) {
    case 2: return &binary<uint16_t, uint16_t, uint16_t, Op>;
    case 4: return &binary<uint32_t, uint32_t, uint32_t, Op>;
    default: return &binary<uint64_t, uint64_t, uint64_t, Op>;
  }
}
template <class Op>
Exec by_bits_unary(Type t) {
  switch (ptx::bytes_of(t)) {
    case 2: return &unary<uint16_t, uint16_t, Op>;
    case 4: return &unary<uint32_t, uint32_t, Op>;
    default: return &unary<uint64_t, uint64_t, Op>;
  }
}

template <class Op>
const Instr* on_predicates(Warp& w, const Instr* i) {
  const uint32_t a = predicate(w, i->a) ^ static_cast<uint32_t>(i->imm);
  const uint32_t b = i->b == kNoSlot ? 0 : predicate(w, i->b) ^ static_cast<uint32_t>(i->imm >> 32);
  write_predicate(w, i->d, Op::run(a, b));
  return i + 1;
}
struct NotFirst { static uint32_t run(uint32_t a, uint32_t) { return ~a; } };

/* Predicate operands; a negated one is flipped by a half of imm. */
void predicate_sources(Decode& d, bool two) {
  bool first, second = false;
  d.out.d = d.predicate_dest(d.operand(0));
  d.out.a = d.predicate(d.operand(1), first);
  if (two) d.out.b = d.predicate(d.operand(2), second);
  d.out.imm = static_cast<int64_t>((first ? 0xffffffffull : 0) | (second ? 0xffffffffull << 32 : 0));
}

template <class Op>
bool logic(Decode& d) {
  const Type t = d.type();
  if (t == Type::pred) {
    d.out.fn = &on_predicates<Op>;
    predicate_sources(d, true);
    return true;
  }
  return operands(d, t, by_bits<Op>(t), 2);
}

bool invert(Decode& d) {
  const Type t = d.type();
  if (t == Type::pred) {
    d.out.fn = &on_predicates<NotFirst>;
    predicate_sources(d, false);
    return true;
  }
  return operands(d, t, by_bits_unary<Not>(t), 1);
}

template <class Op, class T>
Exec shift_exec() { return &binary<T, T, uint32_t, Op>; }

bool shift(Decode& d) {
  const Type t = d.type();
  if (d.s.opcode == "shl") {
    const unsigned bytes = ptx::bytes_of(t);
    d.out.fn = bytes == 2 ? shift_exec<ShiftLeft, uint16_t>()
               : bytes == 4 ? shift_exec<ShiftLeft, uint32_t>() : shift_exec<ShiftLeft, uint64_t>();
  } else {
    switch (t) {
      case Type::s16: d.out.fn = shift_exec<ShiftRight, int16_t>(); break;
      case Type::s32: d.out.fn = shift_exec<ShiftRight, int32_t>(); break;
      case Type::s64: d.out.fn = shift_exec<ShiftRight, int64_t>(); break;
      case Type::u16: case Type::b16: d.out.fn = shift_exec<ShiftRight, uint16_t>(); break;
      case Type::u32: case Type::b32: d.out.fn = shift_exec<ShiftRight, uint32_t>(); break;
      default: d.out.fn = shift_exec<ShiftRight, uint64_t>();
    }
  }
  d.out.d = d.dest(0, t), d.out.a = d.source(1, t), d.out.b = d.source(2, Type::u32);
  return true;
}

bool funnel(Decode& d) {
  const bool left = d.take("l");
  if (!left && !d.take("r")) d.invalid(".l or .r is missing");
  const bool clamp = d.take("clamp");
  if (!clamp) d.take("wrap");
  const Type t = d.type();
  using U = uint32_t;
  const Exec exec = left ? (clamp ? &ternary<U, U, U, U, Funnel<true, true>> : &ternary<U, U, U, U, Funnel<true, false>>)
                         : (clamp ? &ternary<U, U, U, U, Funnel<false, true>> : &ternary<U, U, U, U, Funnel<false, false>>);
  return operands(d, t, exec, 3);
}

/* A 32-bit count of a 32 or 64-bit operand. */
template <class Op>
bool count(Decode& d) {
  const Type t = d.type();
  d.out.fn = ptx::bytes_of(t) == 8 ? Exec{&unary<uint32_t, uint64_t, Op>} : Exec{&unary<uint32_t, uint32_t, Op>};
  d.out.d = d.dest(0, Type::u32), d.out.a = d.source(1, t);
  return true;
}

template <bool kShiftAmount>
Exec find_exec(Type t) {
  switch (t) {
    case Type::u32: return &unary<uint32_t, uint32_t, Find<kShiftAmount>>;
    case Type::s32: return &unary<uint32_t, int32_t, Find<kShiftAmount>>;
    case Type::u64: return &unary<uint32_t, uint64_t, Find<kShiftAmount>>;
    default: return &unary<uint32_t, int64_t, Find<kShiftAmount>>;
  }
}

bool find(Decode& d) {
  const bool amount = d.take("shiftamt");
  const Type t = d.type();
  d.out.fn = amount ? find_exec<true>(t) : find_exec<false>(t);
  d.out.d = d.dest(0, Type::u32), d.out.a = d.source(1, t);
  return true;
}

bool extract(Decode& d) {
  const Type t = d.type();
  switch (t) {
    case Type::u32: d.out.fn = &ternary<uint32_t, uint32_t, uint32_t, uint32_t, Extract>; break;
    case Type::s32: d.out.fn = &ternary<int32_t, int32_t, uint32_t, uint32_t, Extract>; break;
    case Type::u64: d.out.fn = &ternary<uint64_t, uint64_t, uint32_t, uint32_t, Extract>; break;
    case Type::s64: d.out.fn = &ternary<int64_t, int64_t, uint32_t, uint32_t, Extract>; break;
    default: d.invalid("type");
  }
  d.out.d = d.dest(0, t), d.out.a = d.source(1, t);
  d.out.b = d.source(2, Type::u32), d.out.c = d.source(3, Type::u32);
  return true;
}

bool insert_field(Decode& d) {
  const Type t = d.type();
  d.out.fn = ptx::bytes_of(t) == 8 ? Exec{&insert<uint64_t>} : Exec{&insert<uint32_t>};
  d.out.d = d.dest(0, t), d.out.a = d.source(1, t), d.out.b = d.source(2, t);
  d.out.c = d.source(3, Type::u32);
  d.out.list = d.scope.list({d.source(4, Type::u32)});
  return true;
}

bool logic3(Decode& d) {
  if (d.s.operands[0].kind == ptx::Operand::pair) d.unsupported("a predicate result");
  d.type();
  const ptx::Operand& table = d.operand(4);
  if (table.kind != ptx::Operand::integer) d.invalid("the table is no literal");
  d.out.imm = static_cast<int64_t>(table.bits);
  return operands(d, Type::b32, &lop3, 3);
}

bool permute(Decode& d) {
  using U = uint32_t;
  d.take("b32");
  Exec exec = &ternary<U, U, U, U, Permute>;
  if (d.take("f4e")) exec = &ternary<U, U, U, U, PermuteMode<0>>;
  if (d.take("b4e")) exec = &ternary<U, U, U, U, PermuteMode<1>>;
  if (d.take("rc8")) exec = &ternary<U, U, U, U, PermuteMode<2>>;
  if (d.take("ecl")) exec = &ternary<U, U, U, U, PermuteMode<3>>;
  if (d.take("ecr")) exec = &ternary<U, U, U, U, PermuteMode<4>>;
  if (d.take("rc16")) exec = &ternary<U, U, U, U, PermuteMode<5>>;
  return operands(d, Type::b32, exec, 3);
}

bool find_nth(Decode& d) {
  d.type();
  return operands(d, Type::b32, &ternary<uint32_t, uint32_t, uint32_t, int32_t, FindNth>, 3);
}

}  // namespace

void add_bit_opcodes(Opcodes& all) {
  all["and"].push_back(logic<And>);
  all["or"].push_back(logic<Or>);
  all["xor"].push_back(logic<Xor>);
  all["not"].push_back(invert);
  all["cnot"].push_back([](Decode& d) {
    const Type t = d.type();
    return operands(d, t, by_bits_unary<Cnot>(t), 1);
  });
  all["shl"].push_back(shift);
  all["shr"].push_back(shift);
  all["shf"].push_back(funnel);
  all["popc"].push_back(count<Popc>);
  all["clz"].push_back(count<Clz>);
  all["brev"].push_back([](Decode& d) {
    const Type t = d.type();
    return operands(d, t, by_bits_unary<Brev>(t), 1);
  });
  all["bfind"].push_back(find);
  all["bfe"].push_back(extract);
  all["bfi"].push_back(insert_field);
  all["lop3"].push_back(logic3);
  all["prmt"].push_back(permute);
  all["fns"].push_back(find_nth);
}

}  // namespace softgpu
