/* Arithmetic of f16, bf16 and their pairs. Sums and products are computed in float, where they are
   exact enough to round once; fma rounds to odd in between. */
#include <algorithm>
#include <cmath>

#include "exec/half.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

struct Half {
  static float widen(uint16_t h) { return from_half(h); }
  static uint16_t narrow(float f) { return to_half(f); }
  static constexpr uint16_t kNan = 0x7fff;
};
struct Bfloat {
  static float widen(uint16_t b) { return from_bfloat(b); }
  static uint16_t narrow(float f) { return to_bfloat(f); }
  static constexpr uint16_t kNan = 0x7fff;
};

struct Add { static float run(float a, float b, float) { return a + b; } };
struct Sub { static float run(float a, float b, float) { return a - b; } };
struct Mul { static float run(float a, float b, float) { return a * b; } };
/* The product is exact in double; the sum is made odd where it is not, and rounds once more. */
struct Fma {
  static float run(float a, float b, float c) {
    const double p = static_cast<double>(a) * b, d = c, s = p + d;
    const double back = s - p, error = (p - (s - back)) + (d - back);
    if (!(error != 0) || !std::isfinite(s) || (bit_cast<uint64_t>(s) & 1)) return to_odd(s);
    const bool away = (error > 0) == (s > 0);
    return to_odd(bit_cast<double>(bit_cast<uint64_t>(s) + (away ? 1 : -1)));
  }
};
struct Min {
  static float run(float a, float b, float) {
    return a != a ? b : b != b ? a : a == b ? (__builtin_signbitf(a) ? a : b) : a < b ? a : b;
  }
};
struct Max {
  static float run(float a, float b, float) {
    return a != a ? b : b != b ? a : a == b ? (__builtin_signbitf(a) ? b : a) : a > b ? a : b;
  }
};
struct Abs { static float run(float a, float, float) { return __builtin_fabsf(a); } };
struct Neg { static float run(float a, float, float) { return -a; } };

template <class F, class Op, bool kSat>
uint16_t one(uint16_t a, uint16_t b, uint16_t c) {
  float r = Op::run(F::widen(a), F::widen(b), F::widen(c));
  if (kSat) r = r > 0 ? std::min(r, 1.0f) : 0.0f;
  return r == r ? F::narrow(r) : F::kNan;
}

/* R: uint16_t, or uint32_t for a pair. */
template <class R, class F, class Op, bool kSat>
const Instr* compute(Warp& w, const Instr* i) {
  const R *a = lanes<R>(w, i->a), *b = lanes<R>(w, i->b == kNoSlot ? i->a : i->b),
          *c = lanes<R>(w, i->c == kNoSlot ? i->a : i->c);
  write<R>(w, i->d, [&](int l) {
    uint32_t r = one<F, Op, kSat>(static_cast<uint16_t>(a[l]), static_cast<uint16_t>(b[l]), static_cast<uint16_t>(c[l]));
    if (sizeof(R) == 4)
      r |= static_cast<uint32_t>(one<F, Op, kSat>(static_cast<uint16_t>(uint32_t{a[l]} >> 16),
                                                  static_cast<uint16_t>(uint32_t{b[l]} >> 16),
                                                  static_cast<uint16_t>(uint32_t{c[l]} >> 16))) << 16;
    return static_cast<R>(r);
  });
  return i + 1;
}

template <class Op, bool kSat>
Exec by_type(Type t) {
  switch (t) {
    case Type::f16: return &compute<uint16_t, Half, Op, kSat>;
    case Type::f16x2: return &compute<uint32_t, Half, Op, kSat>;
    case Type::bf16: return &compute<uint16_t, Bfloat, Op, kSat>;
    default: return &compute<uint32_t, Bfloat, Op, kSat>;
  }
}

bool is_half(Type t) { return t == Type::f16 || t == Type::f16x2 || t == Type::bf16 || t == Type::bf16x2; }

template <class Op, int kSources>
bool arithmetic(Decode& d) {
  const Type t = d.last_type();
  if (!is_half(t)) return false;
  d.type();
  d.take("rn");
  return operands(d, t, d.take("sat") ? by_type<Op, true>(t) : by_type<Op, false>(t), kSources);
}

enum class Cmp { eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, num, nan };
constexpr const char* kComparisons[] = {"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "equ",
                                        "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};

/* imm: the comparison. */
template <class F>
const Instr* compare(Warp& w, const Instr* i) {
  const uint16_t *a = lanes<uint16_t>(w, i->a), *b = lanes<uint16_t>(w, i->b);
  write_predicate(w, i->d, ballot([&](int l) {
    const float x = F::widen(a[l]), y = F::widen(b[l]);
    const bool unordered = x != x || y != y;
    switch (static_cast<Cmp>(i->imm)) {
      case Cmp::eq: return x == y;
      case Cmp::ne: return !unordered && x != y;
      case Cmp::lt: return x < y;
      case Cmp::le: return x <= y;
      case Cmp::gt: return x > y;
      case Cmp::ge: return x >= y;
      case Cmp::equ: return unordered || x == y;
      case Cmp::neu: return x != y;
      case Cmp::ltu: return !(x >= y);
      case Cmp::leu: return !(x > y);
      case Cmp::gtu: return !(x <= y);
      case Cmp::geu: return !(x < y);
      case Cmp::num: return !unordered;
      default: return unordered;
    }
  }));
  return i + 1;
}

bool setp(Decode& d) {
  const Type t = d.last_type();
  if (t != Type::f16 && t != Type::bf16) return false;
  d.type();
  d.out.imm = -1;
  for (int64_t c = 0; c < 14; ++c)
    if (d.take(kComparisons[c])) d.out.imm = c;
  if (d.out.imm < 0) d.invalid("comparison");
  d.out.fn = t == Type::f16 ? &compare<Half> : &compare<Bfloat>;
  d.out.d = d.predicate_dest(d.operand(0));
  d.out.a = d.source(1, t), d.out.b = d.source(2, t);
  return true;
}

}  // namespace

void add_half_opcodes(Opcodes& all) {
  all["add"].push_back(arithmetic<Add, 2>);
  all["sub"].push_back(arithmetic<Sub, 2>);
  all["mul"].push_back(arithmetic<Mul, 2>);
  all["fma"].push_back(arithmetic<Fma, 3>);
  all["min"].push_back(arithmetic<Min, 2>);
  all["max"].push_back(arithmetic<Max, 2>);
  all["abs"].push_back(arithmetic<Abs, 1>);
  all["neg"].push_back(arithmetic<Neg, 1>);
  all["setp"].push_back(setp);
}

}  // namespace softgpu
