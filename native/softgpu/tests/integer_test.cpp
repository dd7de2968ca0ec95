#include "instructions.h"

using namespace softgpu_tests;

namespace {

using U128 = unsigned __int128;
using S128 = __int128;

int16_t s16(uint64_t v) { return static_cast<int16_t>(v); }
int32_t s32(uint64_t v) { return static_cast<int32_t>(v); }
int64_t s64(uint64_t v) { return static_cast<int64_t>(v); }
uint16_t u16(uint64_t v) { return static_cast<uint16_t>(v); }
uint32_t u32(uint64_t v) { return static_cast<uint32_t>(v); }

void run(const char* statement, const char* types, const Host& host, int target = 75) {
  check_instruction(statement, types, integer_operands(), host, 0, target);
}

Check sums("integer sums and differences wrap", [] {
  run("add.s32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(a + b); });
  run("add.u64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return a + b; });
  run("add.s16 %d, %a, %b;", "hhh", [](uint64_t a, uint64_t b, uint64_t) { return u16(a + b); });
  run("sub.u32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(a - b); });
  run("sub.s64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return a - b; });
  run("add.s32 %d, %a, -7;", "rr", [](uint64_t a, uint64_t, uint64_t) { return u32(a - 7); });
});

Check saturating("add.sat and sub.sat clamp to the range", [] {
  auto clamp = [](int64_t v) { return u32(static_cast<uint64_t>(v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v)); };
  run("add.sat.s32 %d, %a, %b;", "rrr", [=](uint64_t a, uint64_t b, uint64_t) { return clamp(int64_t{s32(a)} + s32(b)); });
  run("sub.sat.s32 %d, %a, %b;", "rrr", [=](uint64_t a, uint64_t b, uint64_t) { return clamp(int64_t{s32(a)} - s32(b)); });
});

Check carries("carries go from add.cc to addc and from sub.cc to subc", [] {
  const char* add = "{ .reg .b32 a0, a1, b0, b1, d0, d1; mov.b64 {a0, a1}, %a; mov.b64 {b0, b1}, %b;"
                    " add.cc.u32 d0, a0, b0; addc.u32 d1, a1, b1; mov.b64 %d, {d0, d1}; }";
  run(add, "ddd", [](uint64_t a, uint64_t b, uint64_t) { return a + b; });
  const char* sub = "{ .reg .b32 a0, a1, b0, b1, d0, d1; mov.b64 {a0, a1}, %a; mov.b64 {b0, b1}, %b;"
                    " sub.cc.u32 d0, a0, b0; subc.u32 d1, a1, b1; mov.b64 %d, {d0, d1}; }";
  run(sub, "ddd", [](uint64_t a, uint64_t b, uint64_t) { return a - b; });
});

Check products("products: low, high and wide halves", [] {
  run("mul.lo.s32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(u32(a) * uint64_t{u32(b)}); });
  run("mul.lo.s64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return a * b; });
  run("mul.lo.u16 %d, %a, %b;", "hhh", [](uint64_t a, uint64_t b, uint64_t) { return u16(u16(a) * uint64_t{u16(b)}); });
  run("mul.hi.u32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return (uint64_t{u32(a)} * u32(b)) >> 32; });
  run("mul.hi.s32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(static_cast<uint64_t>((int64_t{s32(a)} * s32(b)) >> 32)); });
  run("mul.hi.u64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return static_cast<uint64_t>((static_cast<U128>(a) * b) >> 64); });
  run("mul.hi.s64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return static_cast<uint64_t>((static_cast<S128>(s64(a)) * s64(b)) >> 64); });
  run("mul.wide.u32 %d, %a, %b;", "drr", [](uint64_t a, uint64_t b, uint64_t) { return uint64_t{u32(a)} * u32(b); });
  run("mul.wide.s32 %d, %a, %b;", "drr", [](uint64_t a, uint64_t b, uint64_t) { return static_cast<uint64_t>(int64_t{s32(a)} * s32(b)); });
  run("mul.wide.s16 %d, %a, %b;", "rhh", [](uint64_t a, uint64_t b, uint64_t) { return u32(static_cast<uint64_t>(int64_t{s16(a)} * s16(b))); });
  run("mul.wide.u16 %d, %a, %b;", "rhh", [](uint64_t a, uint64_t b, uint64_t) { return u32(u16(a) * uint64_t{u16(b)}); });
});

Check fused("mad adds to each form of the product", [] {
  run("mad.lo.s32 %d, %a, %b, %c;", "rrrr", [](uint64_t a, uint64_t b, uint64_t c) { return u32(u32(a) * uint64_t{u32(b)} + c); });
  run("mad.lo.u64 %d, %a, %b, %c;", "dddd", [](uint64_t a, uint64_t b, uint64_t c) { return a * b + c; });
  run("mad.hi.u32 %d, %a, %b, %c;", "rrrr", [](uint64_t a, uint64_t b, uint64_t c) { return u32(((uint64_t{u32(a)} * u32(b)) >> 32) + c); });
  run("mad.wide.u32 %d, %a, %b, %c;", "drrd", [](uint64_t a, uint64_t b, uint64_t c) { return uint64_t{u32(a)} * u32(b) + c; });
  run("mad.wide.s32 %d, %a, %b, %c;", "drrd", [](uint64_t a, uint64_t b, uint64_t c) { return static_cast<uint64_t>(int64_t{s32(a)} * s32(b)) + c; });
  run("mad.wide.s16 %d, %a, %b, %c;", "rhhr", [](uint64_t a, uint64_t b, uint64_t c) { return u32(static_cast<uint64_t>(int64_t{s16(a)} * s16(b)) + c); });
});

Check in24("mul24 and mad24 use 24 bits", [] {
  auto low = [](uint64_t v) { return int64_t{s32(v << 8) >> 8}; };
  run("mul24.lo.s32 %d, %a, %b;", "rrr", [=](uint64_t a, uint64_t b, uint64_t) { return u32(static_cast<uint64_t>(low(a) * low(b))); });
  run("mul24.hi.s32 %d, %a, %b;", "rrr", [=](uint64_t a, uint64_t b, uint64_t) { return u32(static_cast<uint64_t>((low(a) * low(b)) >> 16)); });
  run("mul24.lo.u32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32((a & 0xffffff) * (b & 0xffffff)); });
  run("mad24.lo.u32 %d, %a, %b, %c;", "rrrr", [](uint64_t a, uint64_t b, uint64_t c) { return u32((a & 0xffffff) * (b & 0xffffff) + c); });
});

Check quotients("quotients and remainders, by zero as a card gives them", [] {
  run("div.u32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(b) ? u32(a) / u32(b) : 0xffffffffu; });
  run("rem.u32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(b) ? u32(a) % u32(b) : u32(a); });
  run("div.s32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(s32(b) ? static_cast<uint64_t>(int64_t{s32(a)} / s32(b)) : ~0ull); });
  run("rem.s32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(s32(b) ? static_cast<uint64_t>(int64_t{s32(a)} % s32(b)) : a); });
  run("div.u64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return b ? a / b : ~0ull; });
  run("div.s64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return s64(b) ? static_cast<uint64_t>(static_cast<S128>(s64(a)) / s64(b)) : ~0ull; });
  run("rem.s64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return s64(b) ? static_cast<uint64_t>(static_cast<S128>(s64(a)) % s64(b)) : a; });
  run("div.s16 %d, %a, %b;", "hhh", [](uint64_t a, uint64_t b, uint64_t) { return u16(s16(b) ? static_cast<uint64_t>(int64_t{s16(a)} / s16(b)) : ~0ull); });
});

Check extremes("min, max, abs, neg and sad", [] {
  run("min.s32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(s32(a) < s32(b) ? a : b); });
  run("max.u32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(a) > u32(b) ? u32(a) : u32(b); });
  run("max.s64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return s64(a) > s64(b) ? a : b; });
  run("min.u16 %d, %a, %b;", "hhh", [](uint64_t a, uint64_t b, uint64_t) { return u16(a) < u16(b) ? u16(a) : u16(b); });
  run("abs.s32 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { return u32(s32(a) < 0 ? 0 - a : a); });
  run("abs.s64 %d, %a;", "dd", [](uint64_t a, uint64_t, uint64_t) { return s64(a) < 0 ? 0 - a : a; });
  run("neg.s32 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { return u32(0 - a); });
  run("neg.s64 %d, %a;", "dd", [](uint64_t a, uint64_t, uint64_t) { return 0 - a; });
  run("sad.u32 %d, %a, %b, %c;", "rrrr", [](uint64_t a, uint64_t b, uint64_t c) { return u32(c + (u32(a) < u32(b) ? u32(b) - u32(a) : u32(a) - u32(b))); });
  run("sad.s32 %d, %a, %b, %c;", "rrrr", [](uint64_t a, uint64_t b, uint64_t c) { return u32(c + static_cast<uint64_t>(std::abs(int64_t{s32(a)} - s32(b)))); });
});

}  // namespace
