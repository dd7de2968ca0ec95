/*
 * The approximate functions of PTX. A card gives a few wrong last bits; here each is computed in
 * double and rounded once, so that results are better than the card's and the same everywhere.
 */
#include <cmath>
#include <limits>

#include "exec/mode.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

/* 2^x in double, |error| < 1e-14 relative: 2^n times a Taylor polynomial of e^(f ln 2). */
struct Exp2 {
  static float run(float a) {
    double x = a;
    x = x > -200 ? (x < 200 ? x : 200) : -200;
    constexpr double kRound = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    const double n = (x + kRound) - kRound;
    const double t = (x - n) * 0.69314718055994530942;
    double p = 1.0 / 6227020800.0;
    p = p * t + 1.0 / 479001600.0;
    p = p * t + 1.0 / 39916800.0;
    p = p * t + 1.0 / 3628800.0;
    p = p * t + 1.0 / 362880.0;
    p = p * t + 1.0 / 40320.0;
    p = p * t + 1.0 / 5040.0;
    p = p * t + 1.0 / 720.0;
    p = p * t + 1.0 / 120.0;
    p = p * t + 1.0 / 24.0;
    p = p * t + 1.0 / 6.0;
    p = p * t + 0.5;
    p = p * t + 1.0;
    p = p * t + 1.0;
    const int64_t exponent = static_cast<int64_t>(static_cast<int32_t>(n)) + 1023;
    const float result = static_cast<float>(p * bit_cast<double>(exponent << 52));
    return a == a ? result : a;
  }
};

/* log2 of m * 2^e with m in [sqrt(1/2), sqrt(2)): the series of atanh in (m - 1) / (m + 1). */
struct Log2 {
  static float run(float a) {
    const double x = a;
    const uint64_t bits = bit_cast<uint64_t>(x);
    const uint64_t shifted = bits - 0x3fe6a09e667f3bcdu;
    const int32_t e = static_cast<int32_t>(static_cast<int64_t>(shifted) >> 52);
    const double m = bit_cast<double>(bits - (static_cast<uint64_t>(static_cast<int64_t>(e)) << 52));
    const double s = (m - 1) / (m + 1), q = s * s;
    double p = 1.0 / 21;
    p = p * q + 1.0 / 19;
    p = p * q + 1.0 / 17;
    p = p * q + 1.0 / 15;
    p = p * q + 1.0 / 13;
    p = p * q + 1.0 / 11;
    p = p * q + 1.0 / 9;
    p = p * q + 1.0 / 7;
    p = p * q + 1.0 / 5;
    p = p * q + 1.0 / 3;
    p = p * q + 1.0;
    const float result = static_cast<float>(e + s * p * 2.8853900817779268147); /* 2 / ln 2 */
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    return a > 0 ? (a == kInfinity ? a : result) : a == 0 ? -kInfinity : kNan;
  }
};

struct ReciprocalRoot {
  static float run(float a) { return static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(a))); }
  static double run(double a) { return 1.0 / __builtin_sqrt(a); }
};
struct Sine { static float run(float a) { return static_cast<float>(std::sin(static_cast<double>(a))); } };
struct Cosine { static float run(float a) { return static_cast<float>(std::cos(static_cast<double>(a))); } };
struct Tangent { static float run(float a) { return static_cast<float>(std::tanh(static_cast<double>(a))); } };

template <class Op>
bool approximate(Decode& d) {
  if (d.last_type() != Type::f32 || !d.take("approx")) return false;
  d.type();
  operands(d, Type::f32, &unary<float, float, Op>, 1);
  wrap_mode(d, Type::f32);
  return true;
}

}  // namespace

void add_approximate_opcodes(Opcodes& all) {
  all["ex2"].push_back(approximate<Exp2>);
  all["lg2"].push_back(approximate<Log2>);
  all["sin"].push_back(approximate<Sine>);
  all["cos"].push_back(approximate<Cosine>);
  all["tanh"].push_back(approximate<Tangent>);
  all["rsqrt"].push_back([](Decode& d) {
    if (d.last_type() != Type::f64) return approximate<ReciprocalRoot>(d);
    d.type();
    d.take("approx");
    operands(d, Type::f64, &unary<double, double, ReciprocalRoot>, 1);
    wrap_mode(d, Type::f64);
    return true;
  });
}

}  // namespace softgpu
