#include <cfenv>
#include <cmath>

#include "instructions.h"

using namespace softgpu_tests;

namespace {

uint32_t u32(uint64_t v) { return static_cast<uint32_t>(v); }

void ints(const std::string& statement, const char* types, const Host& host) {
  check_instruction(statement, types, integer_operands(), host);
}
void floats(const std::string& statement, const char* types, const Host& host, int target = 75) {
  check_instruction(statement, types, float_operands(), host, 0, target);
}
void doubles(const std::string& statement, const char* types, const Host& host) {
  check_instruction(statement, types, double_operands(), host);
}

Check widths("integers are cut, extended by zeros or by the sign", [] {
  ints("cvt.u64.u32 %d, %a;", "dr", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{u32(a)}; });
  ints("cvt.s64.s32 %d, %a;", "dr", [](uint64_t a, uint64_t, uint64_t) { return static_cast<uint64_t>(int64_t{static_cast<int32_t>(a)}); });
  ints("cvt.u32.u64 %d, %a;", "rd", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{u32(a)}; });
  ints("cvt.u32.u8 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { return a & 255; });
  ints("cvt.s32.s8 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{u32(static_cast<uint64_t>(int64_t{static_cast<int8_t>(a)}))}; });
  ints("cvt.s32.s16 %d, %a;", "rh", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{u32(static_cast<uint64_t>(int64_t{static_cast<int16_t>(a)}))}; });
  ints("cvt.u16.u32 %d, %a;", "hr", [](uint64_t a, uint64_t, uint64_t) { return a & 0xffff; });
  ints("cvt.s8.s32 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{u32(static_cast<uint64_t>(int64_t{static_cast<int8_t>(a)}))}; });
});

Check clamped("sat clamps integers to the range of the destination", [] {
  ints("cvt.sat.u8.s32 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) {
    const int32_t v = static_cast<int32_t>(a);
    return static_cast<uint64_t>(v < 0 ? 0 : v > 255 ? 255 : v);
  });
  ints("cvt.sat.s32.u64 %d, %a;", "rd", [](uint64_t a, uint64_t, uint64_t) { return a > INT32_MAX ? uint64_t{INT32_MAX} : a; });
  ints("cvt.sat.s16.s64 %d, %a;", "hd", [](uint64_t a, uint64_t, uint64_t) {
    const int64_t v = static_cast<int64_t>(a);
    return static_cast<uint64_t>(static_cast<uint16_t>(v < -32768 ? -32768 : v > 32767 ? 32767 : v));
  });
});

Check to_float("integers become floats in every rounding mode", [] {
  const std::pair<const char*, int> modes[] = {{"rn", FE_TONEAREST}, {"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};
  for (const auto& [name, mode] : modes) {
    auto under = [m = mode](auto f) {
      return [m, f](uint64_t a, uint64_t, uint64_t) {
        std::fesetround(m);
        volatile auto result = f(a);
        std::fesetround(FE_TONEAREST);
        return bits(result);
      };
    };
    const std::string r = name;
    ints("cvt." + r + ".f32.s32 %d, %a;", "fr", under([](uint64_t a) { volatile int32_t v = static_cast<int32_t>(a); return static_cast<float>(v); }));
    ints("cvt." + r + ".f32.u32 %d, %a;", "fr", under([](uint64_t a) { volatile uint32_t v = u32(a); return static_cast<float>(v); }));
    ints("cvt." + r + ".f32.s64 %d, %a;", "fd", under([](uint64_t a) { volatile int64_t v = static_cast<int64_t>(a); return static_cast<float>(v); }));
    ints("cvt." + r + ".f64.s64 %d, %a;", "Fd", under([](uint64_t a) { volatile int64_t v = static_cast<int64_t>(a); return static_cast<double>(v); }));
  }
  ints("cvt.rn.f32.u64 %d, %a;", "fd", [](uint64_t a, uint64_t, uint64_t) { return bits(static_cast<float>(a)); });
  ints("cvt.rn.f64.s32 %d, %a;", "Fr", [](uint64_t a, uint64_t, uint64_t) { return bits(static_cast<double>(static_cast<int32_t>(a))); });
  ints("cvt.rn.f32.u8 %d, %a;", "fr", [](uint64_t a, uint64_t, uint64_t) { return bits(static_cast<float>(a & 255)); });
});

/* Clamped, and 0 for NaN. */
template <class I>
uint64_t integer(double v) {
  if (std::isnan(v)) return 0;
  if (v >= std::ldexp(1.0, 8 * sizeof(I) - (std::is_signed_v<I> ? 1 : 0))) return static_cast<uint64_t>(std::numeric_limits<I>::max());
  if (v < static_cast<double>(std::numeric_limits<I>::min())) return static_cast<std::make_unsigned_t<I>>(std::numeric_limits<I>::min());
  return static_cast<std::make_unsigned_t<I>>(static_cast<I>(v));
}

Check to_integer("floats become integers by each rounding, clamped, NaN as 0", [] {
  floats("cvt.rni.s32.f32 %d, %a;", "rf", [](uint64_t a, uint64_t, uint64_t) { return integer<int32_t>(std::nearbyint(static_cast<double>(f32(a)))); });
  floats("cvt.rzi.s32.f32 %d, %a;", "rf", [](uint64_t a, uint64_t, uint64_t) { return integer<int32_t>(std::trunc(static_cast<double>(f32(a)))); });
  floats("cvt.rmi.s32.f32 %d, %a;", "rf", [](uint64_t a, uint64_t, uint64_t) { return integer<int32_t>(std::floor(static_cast<double>(f32(a)))); });
  floats("cvt.rpi.u32.f32 %d, %a;", "rf", [](uint64_t a, uint64_t, uint64_t) { return integer<uint32_t>(std::ceil(static_cast<double>(f32(a)))); });
  floats("cvt.rzi.u64.f32 %d, %a;", "df", [](uint64_t a, uint64_t, uint64_t) { return integer<uint64_t>(std::trunc(static_cast<double>(f32(a)))); });
  floats("cvt.rzi.s64.f32 %d, %a;", "df", [](uint64_t a, uint64_t, uint64_t) { return integer<int64_t>(std::trunc(static_cast<double>(f32(a)))); });
  doubles("cvt.rzi.s32.f64 %d, %a;", "rF", [](uint64_t a, uint64_t, uint64_t) { return integer<int32_t>(std::trunc(f64(a))); });
  doubles("cvt.rni.s64.f64 %d, %a;", "dF", [](uint64_t a, uint64_t, uint64_t) { return integer<int64_t>(std::nearbyint(f64(a))); });
  doubles("cvt.rmi.u64.f64 %d, %a;", "dF", [](uint64_t a, uint64_t, uint64_t) { return integer<uint64_t>(std::floor(f64(a))); });
});

Check between("float and double, and rounding to whole numbers", [] {
  floats("cvt.f64.f32 %d, %a;", "Ff", [](uint64_t a, uint64_t, uint64_t) { return bits(static_cast<double>(f32(a))); });
  doubles("cvt.rn.f32.f64 %d, %a;", "fF", [](uint64_t a, uint64_t, uint64_t) { return bits(static_cast<float>(f64(a))); });
  doubles("cvt.rz.f32.f64 %d, %a;", "fF", [](uint64_t a, uint64_t, uint64_t) {
    std::fesetround(FE_TOWARDZERO);
    volatile double v = f64(a);
    volatile float r = static_cast<float>(v);
    std::fesetround(FE_TONEAREST);
    return bits(float{r});
  });
  floats("cvt.rni.f32.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { return bits(std::nearbyint(f32(a))); });
  floats("cvt.rzi.f32.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { return bits(std::trunc(f32(a))); });
  doubles("cvt.rmi.f64.f64 %d, %a;", "FF", [](uint64_t a, uint64_t, uint64_t) { return bits(std::floor(f64(a))); });
  floats("cvt.sat.f32.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { const float v = f32(a); return bits(v > 0 ? std::fmin(v, 1.0f) : 0.0f); });
  floats("cvt.ftz.f32.f32 %d, %a;", "ff", [](uint64_t a, uint64_t, uint64_t) { const float v = f32(a); return bits(std::fpclassify(v) == FP_SUBNORMAL ? std::copysign(0.0f, v) : v); });
});

/* f16 from its definition: sign, 5 bits of exponent, 10 of fraction. */
double half_value(uint16_t h) {
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const double sign = h & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

/* The f16 nearest to v, found by looking at all of one sign. */
uint64_t nearest_half(double v) {
  if (std::isnan(v)) return 0x7fff;
  const uint16_t sign = std::signbit(v) ? 0x8000 : 0;
  const double magnitude = std::fabs(v);
  if (magnitude >= 65520) return static_cast<uint64_t>(sign | 0x7c00);
  uint16_t low = 0, high = 0x7c00;
  while (high - low > 1) {
    const uint16_t middle = static_cast<uint16_t>((low + high) / 2);
    (half_value(middle) <= magnitude ? low : high) = middle;
  }
  const double below = magnitude - half_value(low), above = (high == 0x7c00 ? 65536 : half_value(high)) - magnitude;
  const uint16_t best = below < above || (below == above && low % 2 == 0) ? low : high;
  return static_cast<uint64_t>(sign | best);
}

std::vector<Operands> halves() {
  std::vector<Operands> all;
  Random random;
  for (uint64_t h = 0; h < 65536; h += 13) all.push_back({h, random.next() & 0xffff, random.next() & 0xffff});
  return all;
}

Check half("f16 conversions round to the nearest f16", [] {
  floats("cvt.rn.f16.f32 %d, %a;", "hf", [](uint64_t a, uint64_t, uint64_t) { return nearest_half(static_cast<double>(f32(a))); });
  doubles("cvt.rn.f16.f64 %d, %a;", "hF", [](uint64_t a, uint64_t, uint64_t) { return nearest_half(f64(a)); });
  ints("cvt.rn.f16.s32 %d, %a;", "hr", [](uint64_t a, uint64_t, uint64_t) { return nearest_half(static_cast<double>(static_cast<int32_t>(a))); });
  check_instruction("cvt.f32.f16 %d, %a;", "fh", halves(), [](uint64_t a, uint64_t, uint64_t) { return bits(static_cast<float>(half_value(static_cast<uint16_t>(a)))); });
  check_instruction("cvt.rzi.s32.f16 %d, %a;", "rh", halves(), [](uint64_t a, uint64_t, uint64_t) { return integer<int32_t>(std::trunc(half_value(static_cast<uint16_t>(a)))); });
  floats("cvt.rn.f16x2.f32 %d, %a, %b;", "rff", [](uint64_t a, uint64_t b, uint64_t) {
    return nearest_half(static_cast<double>(f32(a))) << 16 | nearest_half(static_cast<double>(f32(b)));
  }, 80);
});

Check bfloat("bf16 and tf32 keep the upper bits of a float", [] {
  floats("cvt.rn.bf16.f32 %d, %a;", "hf", [](uint64_t a, uint64_t, uint64_t) {
    if (std::isnan(f32(a))) return uint64_t{0x7fff};
    const uint32_t low = a & 0xffff, high = static_cast<uint32_t>(a >> 16);
    return uint64_t{high + (low > 0x8000 || (low == 0x8000 && high % 2))};
  }, 80);
  floats("{ .reg .b16 h; cvt.rn.bf16.f32 h, %a; cvt.f32.bf16 %d, h; }", "ff", [](uint64_t a, uint64_t, uint64_t) {
    if (std::isnan(f32(a))) return bits(NAN);
    const uint32_t low = a & 0xffff, high = static_cast<uint32_t>(a >> 16);
    return uint64_t{high + (low > 0x8000 || (low == 0x8000 && high % 2))} << 16;
  }, 90);
  floats("cvt.rna.tf32.f32 %d, %a;", "rf", [](uint64_t a, uint64_t, uint64_t) {
    const float v = f32(a);
    if (std::isnan(v) || std::isinf(v)) return a & ~0x1fffull;
    return uint64_t{u32(a + 0x1000)} & ~0x1fffull;
  }, 80);
});

Check half_arithmetic("f16 arithmetic is the exact result rounded once", [] {
  auto v = [](uint64_t bits) { return half_value(static_cast<uint16_t>(bits)); };
  auto run = [](const std::string& s, const char* t, const Host& h, int target = 75) { check_instruction(s, t, halves(), h, 0, target); };
  run("add.rn.f16 %d, %a, %b;", "hhh", [=](uint64_t a, uint64_t b, uint64_t) { return nearest_half(v(a) + v(b)); });
  run("sub.f16 %d, %a, %b;", "hhh", [=](uint64_t a, uint64_t b, uint64_t) { return nearest_half(v(a) - v(b)); });
  run("mul.rn.f16 %d, %a, %b;", "hhh", [=](uint64_t a, uint64_t b, uint64_t) { return nearest_half(v(a) * v(b)); });
  /* long double holds the sum of a product and an f16 exactly unless both ends differ by 2^64. */
  run("fma.rn.f16 %d, %a, %b, %c;", "hhhh", [=](uint64_t a, uint64_t b, uint64_t c) {
    const long double exact = static_cast<long double>(v(a)) * v(b) + v(c);
    const double d = static_cast<double>(exact);
    if (!std::isfinite(d) || static_cast<long double>(d) == exact) return nearest_half(d);
    /* Not a double: a neighbour that is no tie of f16 decides. */
    const double toward = static_cast<long double>(d) < exact ? INFINITY : -INFINITY;
    uint64_t near = nearest_half(d), other = nearest_half(std::nextafter(d, toward));
    return near == other ? near : other;
  });
  run("max.f16 %d, %a, %b;", "hhh", [=](uint64_t a, uint64_t b, uint64_t) {
    if (std::isnan(v(a))) return std::isnan(v(b)) ? uint64_t{0x7fff} : b;
    if (std::isnan(v(b))) return a;
    if (v(a) == v(b)) return std::signbit(v(a)) ? b : a;
    return v(a) > v(b) ? a : b;
  }, 80);
  run("{ .reg .b32 x, y, z; mov.b32 x, {%a, %b}; mov.b32 y, {%b, %c}; mul.f16x2 z, x, y; mov.b32 %d, z; }", "rhhh",
      [=](uint64_t a, uint64_t b, uint64_t c) { return nearest_half(v(a) * v(b)) | nearest_half(v(b) * v(c)) << 16; });
  run("setp.lt.f16 %d, %a, %b;", "phh", [=](uint64_t a, uint64_t b, uint64_t) { return uint64_t{v(a) < v(b)}; });
});

}  // namespace
