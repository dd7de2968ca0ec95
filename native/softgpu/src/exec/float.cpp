/* Arithmetic of float and double, rounded as IEEE 754 asks. A result that is no number is some
   NaN: its sign and payload are not modelled. */
#include <cmath>

#include "exec/mode.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

template <class T>
using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
template <class T>
constexpr Bits<T> kSign = Bits<T>{1} << (8 * sizeof(T) - 1);

struct Add { template <class T> static T run(T a, T b) { return a + b; } };
struct Sub { template <class T> static T run(T a, T b) { return a - b; } };
struct Mul { template <class T> static T run(T a, T b) { return a * b; } };
struct Div { template <class T> static T run(T a, T b) { return a / b; } };
struct Fma {
  static float run(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static double run(double a, double b, double c) { return __builtin_fma(a, b, c); }
};
struct Reciprocal { template <class T> static T run(T a) { return T{1} / a; } };
struct SquareRoot {
  static float run(float a) { return __builtin_sqrtf(a); }
  static double run(double a) { return __builtin_sqrt(a); }
};

/* The operand that is a number wins over one that is not; -0 is less than +0. */
struct Min {
  template <class T>
  static T run(T a, T b) {
    const T zero = bit_cast<T>(static_cast<Bits<T>>(bit_cast<Bits<T>>(a) | bit_cast<Bits<T>>(b)));
    const T number = a != a ? b : b != b ? a : a < b ? a : b;
    return a == b ? zero : number;
  }
};
struct Max {
  template <class T>
  static T run(T a, T b) {
    const T zero = bit_cast<T>(static_cast<Bits<T>>(bit_cast<Bits<T>>(a) & bit_cast<Bits<T>>(b)));
    const T number = a != a ? b : b != b ? a : a > b ? a : b;
    return a == b ? zero : number;
  }
};
/* .NaN: an operand that is no number wins. */
struct MinNan {
  template <class T>
  static T run(T a, T b) { return a != a ? a : b != b ? b : Min::run(a, b); }
};
struct MaxNan {
  template <class T>
  static T run(T a, T b) { return a != a ? a : b != b ? b : Max::run(a, b); }
};
struct Abs {
  template <class T>
  static T run(T a) { return bit_cast<T>(static_cast<Bits<T>>(bit_cast<Bits<T>>(a) & ~kSign<T>)); }
};
struct Neg {
  template <class T>
  static T run(T a) { return bit_cast<T>(static_cast<Bits<T>>(bit_cast<Bits<T>>(a) ^ kSign<T>)); }
};
struct AbsFlush {
  static float run(float a) { return Abs::run(flush_subnormal(a)); }
};
struct NegFlush {
  static float run(float a) { return Neg::run(flush_subnormal(a)); }
};
struct CopySign {
  template <class T>
  static T run(T a, T b) {
    return bit_cast<T>(static_cast<Bits<T>>((bit_cast<Bits<T>>(a) & kSign<T>) | (bit_cast<Bits<T>>(b) & ~kSign<T>)));
  }
};

template <class Op>
Exec binary_exec(Type t) {
  return t == Type::f64 ? Exec{&binary<double, double, double, Op>} : Exec{&binary<float, float, float, Op>};
}
template <class Op>
Exec unary_exec(Type t) {
  return t == Type::f64 ? Exec{&unary<double, double, Op>} : Exec{&unary<float, float, Op>};
}

bool is_plain_float(Type t) { return t == Type::f32 || t == Type::f64; }

template <class Op>
bool arithmetic(Decode& d) {
  const Type t = d.last_type();
  if (!is_plain_float(t)) return false;
  d.type();
  operands(d, t, binary_exec<Op>(t), 2);
  wrap_mode(d, t);
  return true;
}

/* Approximate division is done exactly. */
bool divide(Decode& d) {
  d.take("approx");
  d.take("full");
  return arithmetic<Div>(d);
}

bool fused(Decode& d) {
  const Type t = d.last_type();
  if (!is_plain_float(t)) return false;
  d.type();
  operands(d, t, t == Type::f64 ? Exec{&ternary<double, double, double, double, Fma>}
                                : Exec{&ternary<float, float, float, float, Fma>}, 3);
  wrap_mode(d, t);
  return true;
}

template <class Op>
bool exact_unary(Decode& d) {
  const Type t = d.last_type();
  if (!is_plain_float(t)) return false;
  d.type();
  d.take("approx"); /* done exactly: better than the card */
  operands(d, t, unary_exec<Op>(t), 1);
  wrap_mode(d, t);
  return true;
}

template <class Op, class NanOp>
bool extremum(Decode& d) {
  const Type t = d.last_type();
  if (!is_plain_float(t)) return false;
  d.type();
  const bool nan = d.take("NaN");
  operands(d, t, nan ? binary_exec<NanOp>(t) : binary_exec<Op>(t), 2);
  if (d.s.operands.size() != 3) d.unsupported("three operands");
  if (d.has("ftz")) d.unsupported("modifier '.ftz'");
  return true;
}

template <class Op, class FlushOp>
bool sign(Decode& d) {
  const Type t = d.last_type();
  if (!is_plain_float(t)) return false;
  d.type();
  const bool flush = d.has("ftz");
  operands(d, t, flush ? Exec{&unary<float, float, FlushOp>} : unary_exec<Op>(t), 1);
  wrap_mode(d, t);
  return true;
}

template <class T>
const Instr* test_property(Warp& w, const Instr* i) {
  const T* a = lanes<T>(w, i->a);
  const int64_t wanted = i->imm;
  write_predicate(w, i->d, ballot([&](int l) {
    const int kind = std::fpclassify(a[l]);
    const int64_t is = kind == FP_NAN ? 1 : kind == FP_INFINITE ? 2 : kind == FP_SUBNORMAL ? 4 : kind == FP_ZERO ? 8 : 16;
    return (is & wanted) != 0;
  }));
  return i + 1;
}

bool test(Decode& d) {
  const Type t = d.type();
  constexpr int64_t kNan = 1, kInfinite = 2, kSubnormal = 4, kZero = 8, kNormal = 16;
  int64_t wanted = 0;
  if (d.take("finite")) wanted = kSubnormal | kZero | kNormal;
  if (d.take("infinite")) wanted = kInfinite;
  if (d.take("number")) wanted = kInfinite | kSubnormal | kZero | kNormal;
  if (d.take("notanumber")) wanted = kNan;
  if (d.take("normal")) wanted = kNormal;
  if (d.take("subnormal")) wanted = kSubnormal;
  d.out.imm = wanted;
  d.out.fn = t == Type::f64 ? &test_property<double> : &test_property<float>;
  d.out.d = d.predicate_dest(d.operand(0));
  d.out.a = d.source(1, t);
  return true;
}

}  // namespace

void add_float_opcodes(Opcodes& all) {
  all["add"].push_back(arithmetic<Add>);
  all["sub"].push_back(arithmetic<Sub>);
  all["mul"].push_back(arithmetic<Mul>);
  all["div"].push_back(divide);
  all["fma"].push_back(fused);
  all["mad"].push_back(fused);
  all["rcp"].push_back(exact_unary<Reciprocal>);
  all["sqrt"].push_back(exact_unary<SquareRoot>);
  all["min"].push_back(extremum<Min, MinNan>);
  all["max"].push_back(extremum<Max, MaxNan>);
  all["abs"].push_back(sign<Abs, AbsFlush>);
  all["neg"].push_back(sign<Neg, NegFlush>);
  all["testp"].push_back(test);
  all["copysign"].push_back([](Decode& d) {
    const Type t = d.type();
    return operands(d, t, binary_exec<CopySign>(t), 2);
  });
}

}  // namespace softgpu
