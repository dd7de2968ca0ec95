#include <cmath>

#include "instructions.h"

using namespace softgpu_tests;

namespace {

int32_t s32(uint64_t v) { return static_cast<int32_t>(v); }
uint32_t u32(uint64_t v) { return static_cast<uint32_t>(v); }

void ints(const std::string& statement, const char* types, const Host& host) {
  check_instruction(statement, types, integer_operands(), host);
}
void floats(const std::string& statement, const char* types, const Host& host) {
  check_instruction(statement, types, float_operands(), host);
}

Check integers("setp compares signed and unsigned integers", [] {
  ints("setp.lt.s32 %d, %a, %b;", "prr", [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{s32(a) < s32(b)}; });
  ints("setp.lt.u32 %d, %a, %b;", "prr", [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{u32(a) < u32(b)}; });
  ints("setp.hs.u32 %d, %a, %b;", "prr", [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{u32(a) >= u32(b)}; });
  ints("setp.ge.s64 %d, %a, %b;", "pdd", [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{static_cast<int64_t>(a) >= static_cast<int64_t>(b)}; });
  ints("setp.gt.u64 %d, %a, %b;", "pdd", [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{a > b}; });
  ints("setp.ne.s16 %d, %a, %b;", "phh", [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{(a & 0xffff) != (b & 0xffff)}; });
  ints("setp.eq.b32 %d, %a, %b;", "prr", [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{u32(a) == u32(b)}; });
  ints("setp.le.s32 %d, %a, 7;", "pr", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{s32(a) <= 7}; });
});

Check reals("setp: ordered comparisons fail on NaN, unordered ones hold", [] {
  struct Case {
    const char* name;
    bool (*holds)(float, float);
  };
  const Case cases[] = {
      {"eq", [](float a, float b) { return a == b; }},
      {"ne", [](float a, float b) { return !std::isunordered(a, b) && a != b; }},
      {"lt", [](float a, float b) { return std::isless(a, b); }},
      {"le", [](float a, float b) { return std::islessequal(a, b); }},
      {"gt", [](float a, float b) { return std::isgreater(a, b); }},
      {"ge", [](float a, float b) { return std::isgreaterequal(a, b); }},
      {"equ", [](float a, float b) { return std::isunordered(a, b) || a == b; }},
      {"neu", [](float a, float b) { return std::isunordered(a, b) || a != b; }},
      {"ltu", [](float a, float b) { return std::isunordered(a, b) || a < b; }},
      {"leu", [](float a, float b) { return std::isunordered(a, b) || a <= b; }},
      {"gtu", [](float a, float b) { return std::isunordered(a, b) || a > b; }},
      {"geu", [](float a, float b) { return std::isunordered(a, b) || a >= b; }},
      {"num", [](float a, float b) { return !std::isunordered(a, b); }},
      {"nan", [](float a, float b) { return bool{std::isunordered(a, b)}; }},
  };
  for (const Case& c : cases)
    floats(std::string("setp.") + c.name + ".f32 %d, %a, %b;", "pff",
           [&](uint64_t a, uint64_t b, uint64_t) { return uint64_t{c.holds(f32(a), f32(b))}; });
  check_instruction("setp.lt.f64 %d, %a, %b;", "pFF", double_operands(), [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{f64(a) < f64(b)}; });
});

Check combined("setp combines with a predicate and gives its complement", [] {
  const char* both = "{ .reg .pred p, q, r; .reg .b32 x, y; setp.ne.u32 r, %c, 5; setp.lt.and.s32 p|q, %a, %b, r;"
                     " selp.b32 x, 1, 0, p; selp.b32 y, 2, 0, q; or.b32 %d, x, y; }";
  ints(both, "rrrr", [](uint64_t a, uint64_t b, uint64_t c) {
    const bool less = s32(a) < s32(b), r = u32(c) != 5;
    return uint64_t{less && r} | uint64_t{!less && r} << 1;
  });
  const char* negated = "{ .reg .pred r; setp.ne.u32 r, %c, 5; setp.gt.xor.u32 %d, %a, %b, !r; }";
  ints(negated, "prrr", [](uint64_t a, uint64_t b, uint64_t c) { return uint64_t{(u32(a) > u32(b)) != (u32(c) == 5)}; });
  const char* logic = "{ .reg .pred p, q; setp.lt.s32 p, %a, %b; setp.lt.u32 q, %b, %c; not.pred p, p; xor.pred %d, p, q; }";
  ints(logic, "prrr", [](uint64_t a, uint64_t b, uint64_t c) { return uint64_t{!(s32(a) < s32(b)) != (u32(b) < u32(c))}; });
});

Check values("set, selp and slct", [] {
  ints("set.lt.u32.s32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return s32(a) < s32(b) ? 0xffffffffull : 0; });
  floats("set.gt.f32.f32 %d, %a, %b;", "fff", [](uint64_t a, uint64_t b, uint64_t) { return f32(a) > f32(b) ? bits(1.0f) : 0; });
  ints("{ .reg .pred p; setp.lt.u64 p, %a, %c; selp.b64 %d, %a, %b, p; }", "dddd", [](uint64_t a, uint64_t b, uint64_t c) { return a < c ? a : b; });
  ints("slct.b32.s32 %d, %a, %b, %c;", "rrrr", [](uint64_t a, uint64_t b, uint64_t c) { return u32(s32(c) >= 0 ? a : b); });
  floats("slct.f32.f32 %d, %a, %b, %c;", "ffff", [](uint64_t a, uint64_t b, uint64_t c) { return f32(c) >= 0 ? a : b; });
});

Check guards("a guard leaves the register of the other lanes alone", [] {
  ints("{ .reg .pred p; setp.lt.s32 p, %a, %b; mov.b32 %d, %a; @p add.s32 %d, %b, 1; @!p sub.s32 %d, %d, 3; }", "rrr",
       [](uint64_t a, uint64_t b, uint64_t) { return u32(s32(a) < s32(b) ? b + 1 : a - 3); });
});

Check moves("registers are packed and unpacked", [] {
  ints("{ .reg .b16 x, y; mov.b32 {x, y}, %a; mov.b32 %d, {y, x}; }", "rr", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{u32(a) >> 16 | u32(a << 16)}; });
  ints("{ .reg .b32 x, y; mov.b64 {x, y}, %a; mov.b64 %d, {y, x}; }", "dd", [](uint64_t a, uint64_t, uint64_t) { return a >> 32 | a << 32; });
  ints("{ .reg .b16 x, y, z, w; mov.b64 {x, y, z, w}, %a; mov.b64 %d, {w, z, y, x}; }", "dd", [](uint64_t a, uint64_t, uint64_t) {
    return (a >> 48) | ((a >> 32 & 0xffff) << 16) | ((a >> 16 & 0xffff) << 32) | (a << 48);
  });
});

}  // namespace
