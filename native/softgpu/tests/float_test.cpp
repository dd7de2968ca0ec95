#include <cfenv>
#include <cmath>

#include "instructions.h"

using namespace softgpu_tests;

namespace {

/* f under a rounding mode; volatile operands keep the compiler from computing it elsewhere. */
template <class T, class F>
T rounded(int mode, F f) {
  const int saved = std::fegetround();
  std::fesetround(mode);
  volatile T result = f();
  std::fesetround(saved);
  return result;
}

struct Mode {
  const char* name;
  int mode;
};
constexpr Mode kModes[] = {{"rn", FE_TONEAREST}, {"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};

void run32(const std::string& statement, const char* types, const Host& host, unsigned ulps = 0) {
  check_instruction(statement, types, float_operands(), host, ulps);
}
void run64(const std::string& statement, const char* types, const Host& host, unsigned ulps = 0) {
  check_instruction(statement, types, double_operands(), host, ulps);
}

float flush(float v) { return std::fpclassify(v) == FP_SUBNORMAL ? std::copysign(0.0f, v) : v; }

Check arithmetic32("float arithmetic is exact in every rounding mode", [] {
  for (const Mode& m : kModes) {
    const std::string mode = m.name;
    auto two = [&](const char* op, auto f) {
      run32(op + std::string(".") + mode + ".f32 %d, %a, %b;", "fff", [&m, f](uint64_t a, uint64_t b, uint64_t) {
        volatile float x = f32(a), y = f32(b);
        return bits(rounded<float>(m.mode, [&] { return f(x, y); }));
      });
    };
    two("add", [](float x, float y) { return x + y; });
    two("sub", [](float x, float y) { return x - y; });
    two("mul", [](float x, float y) { return x * y; });
    two("div", [](float x, float y) { return x / y; });
    run32("fma." + mode + ".f32 %d, %a, %b, %c;", "ffff", [&m](uint64_t a, uint64_t b, uint64_t c) {
      volatile float x = f32(a), y = f32(b), z = f32(c);
      return bits(rounded<float>(m.mode, [&] { return std::fma(float{x}, float{y}, float{z}); }));
    });
    run32("sqrt." + mode + ".f32 %d, %a;", "ff", [&m](uint64_t a, uint64_t, uint64_t) {
      volatile float x = f32(a);
      return bits(rounded<float>(m.mode, [&] { return std::sqrt(float{x}); }));
    });
    run32("rcp." + mode + ".f32 %d, %a;", "ff", [&m](uint64_t a, uint64_t, uint64_t) {
      volatile float x = f32(a);
      return bits(rounded<float>(m.mode, [&] { return 1.0f / x; }));
    });
  }
});

Check arithmetic64("double arithmetic is exact in every rounding mode", [] {
  for (const Mode& m : kModes) {
    const std::string mode = m.name;
    auto two = [&](const char* op, auto f) {
      run64(op + std::string(".") + mode + ".f64 %d, %a, %b;", "FFF", [&m, f](uint64_t a, uint64_t b, uint64_t) {
        volatile double x = f64(a), y = f64(b);
        return bits(rounded<double>(m.mode, [&] { return f(x, y); }));
      });
    };
    two("add", [](double x, double y) { return x + y; });
    two("sub", [](double x, double y) { return x - y; });
    two("mul", [](double x, double y) { return x * y; });
    two("div", [](double x, double y) { return x / y; });
    run64("fma." + mode + ".f64 %d, %a, %b, %c;", "FFFF", [&m](uint64_t a, uint64_t b, uint64_t c) {
      volatile double x = f64(a), y = f64(b), z = f64(c);
      return bits(rounded<double>(m.mode, [&] { return std::fma(double{x}, double{y}, double{z}); }));
    });
    run64("sqrt." + mode + ".f64 %d, %a;", "FF", [&m](uint64_t a, uint64_t, uint64_t) {
      volatile double x = f64(a);
      return bits(rounded<double>(m.mode, [&] { return std::sqrt(double{x}); }));
    });
  }
});

Check separate("a product and a sum are rounded apart unless the PTX fuses them", [] {
  run32("{ .reg .f32 p; mul.f32 p, %a, %b; add.f32 %d, p, %c; }", "ffff", [](uint64_t a, uint64_t b, uint64_t c) {
    volatile float p = f32(a) * f32(b);
    return bits(p + f32(c));
  });
});

Check flushing("ftz flushes operands and results", [] {
  run32("add.ftz.f32 %d, %a, %b;", "fff", [](uint64_t a, uint64_t b, uint64_t) { return bits(flush(flush(f32(a)) + flush(f32(b)))); });
  run32("mul.ftz.f32 %d, %a, %b;", "fff", [](uint64_t a, uint64_t b, uint64_t) { return bits(flush(flush(f32(a)) * flush(f32(b)))); });
  run32("abs.ftz.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { return bits(std::fabs(flush(f32(a)))); });
  run32("neg.ftz.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { return bits(-flush(f32(a))); });
  run32("mul.f32 %d, %a, 0f3F000000;", "ff", [](uint64_t a, uint64_t, uint64_t) { return bits(f32(a) * 0.5f); });
});

Check saturation("sat clamps to [0, 1] and NaN becomes 0", [] {
  auto clamp = [](float v) { return bits(std::isnan(v) || v < 0 ? 0.0f : v > 1 ? 1.0f : v); };
  auto plus = [=](uint64_t a, uint64_t b, uint64_t) {
    const uint64_t r = clamp(f32(a) + f32(b));
    return r == 0x80000000 ? 0 : r;
  };
  run32("add.sat.f32 %d, %a, %b;", "fff", plus);
  run32("fma.rn.sat.f32 %d, %a, %b, %c;", "ffff", [=](uint64_t a, uint64_t b, uint64_t c) {
    const uint64_t r = clamp(std::fma(f32(a), f32(b), f32(c)));
    return r == 0x80000000 ? 0 : r;
  });
});

template <class T>
T least(T a, T b) {
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

Check extremes("min and max prefer numbers, -0 is below +0", [] {
  run32("min.f32 %d, %a, %b;", "fff", [](uint64_t a, uint64_t b, uint64_t) { return bits(least(f32(a), f32(b))); });
  run32("max.f32 %d, %a, %b;", "fff", [](uint64_t a, uint64_t b, uint64_t) { return bits(-least(-f32(a), -f32(b))); });
  run64("min.f64 %d, %a, %b;", "FFF", [](uint64_t a, uint64_t b, uint64_t) { return bits(least(f64(a), f64(b))); });
  run64("max.f64 %d, %a, %b;", "FFF", [](uint64_t a, uint64_t b, uint64_t) { return bits(-least(-f64(a), -f64(b))); });
  check_instruction("max.NaN.f32 %d, %a, %b;", "fff", float_operands(), [](uint64_t a, uint64_t b, uint64_t) {
    return std::isnan(f32(a)) || std::isnan(f32(b)) ? bits(NAN) : bits(-least(-f32(a), -f32(b)));
  }, 0, 80);
});

Check signs("abs, neg and copysign change the sign alone", [] {
  run32("abs.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { return a & 0x7fffffff; });
  run32("neg.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { return a ^ 0x80000000; });
  run64("abs.f64 %d, %a;", "FF", [](uint64_t a, uint64_t, uint64_t) { return a & ~(1ull << 63); });
  run64("neg.f64 %d, %a;", "FF", [](uint64_t a, uint64_t, uint64_t) { return a ^ (1ull << 63); });
  run32("copysign.f32 %d, %a, %b;", "fff", [](uint64_t a, uint64_t b, uint64_t) { return (a & 0x80000000) | (b & 0x7fffffff); });
});

Check properties("testp tells what a float is", [] {
  run32("testp.finite.f32 %d, %a;", "pf", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{std::isfinite(f32(a))}; });
  run32("testp.infinite.f32 %d, %a;", "pf", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{std::isinf(f32(a))}; });
  run32("testp.notanumber.f32 %d, %a;", "pf", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{std::isnan(f32(a))}; });
  run32("testp.number.f32 %d, %a;", "pf", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{!std::isnan(f32(a))}; });
  run32("testp.subnormal.f32 %d, %a;", "pf", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{std::fpclassify(f32(a)) == FP_SUBNORMAL}; });
  run64("testp.normal.f64 %d, %a;", "pF", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{std::isnormal(f64(a))}; });
});

Check approximations("approximate functions are the rounded true values", [] {
  auto of = [](double (*f)(double)) {
    return [f](uint64_t a, uint64_t, uint64_t) { return bits(static_cast<float>(f(static_cast<double>(f32(a))))); };
  };
  run32("ex2.approx.f32 %d, %a;", "ff", of([](double x) { return std::exp2(x); }), 1);
  run32("lg2.approx.f32 %d, %a;", "ff", of([](double x) { return std::log2(x); }), 1);
  run32("sin.approx.f32 %d, %a;", "ff", of([](double x) { return std::sin(x); }));
  run32("cos.approx.f32 %d, %a;", "ff", of([](double x) { return std::cos(x); }));
  run32("tanh.approx.f32 %d, %a;", "ff", of([](double x) { return std::tanh(x); }));
  run32("rsqrt.approx.f32 %d, %a;", "ff", of([](double x) { return 1 / std::sqrt(x); }));
  run32("rcp.approx.ftz.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { return bits(flush(1.0f / flush(f32(a)))); });
  run32("div.approx.f32 %d, %a, %b;", "fff", [](uint64_t a, uint64_t b, uint64_t) { return bits(f32(a) / f32(b)); });
  run32("div.full.f32 %d, %a, %b;", "fff", [](uint64_t a, uint64_t b, uint64_t) { return bits(f32(a) / f32(b)); });
  run32("sqrt.approx.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { return bits(std::sqrt(f32(a))); });
  run32("ex2.approx.ftz.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) {
    return bits(flush(static_cast<float>(std::exp2(static_cast<double>(flush(f32(a)))))));
  }, 1);
});

}  // namespace
