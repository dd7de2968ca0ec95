#include "instructions.h"

using namespace softgpu_tests;

namespace {

uint32_t u32(uint64_t v) { return static_cast<uint32_t>(v); }
int32_t s32(uint64_t v) { return static_cast<int32_t>(v); }

void run(const std::string& statement, const char* types, const Host& host, int target = 75) {
  check_instruction(statement, types, integer_operands(), host, 0, target);
}

bool bit(uint64_t v, uint64_t n) { return (v >> n) & 1; }

Check logic("and, or, xor, not, cnot of 16, 32 and 64 bits", [] {
  run("and.b32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(a & b); });
  run("or.b64 %d, %a, %b;", "ddd", [](uint64_t a, uint64_t b, uint64_t) { return a | b; });
  run("xor.b16 %d, %a, %b;", "hhh", [](uint64_t a, uint64_t b, uint64_t) { return (a ^ b) & 0xffff; });
  run("not.b32 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { return u32(~a); });
  run("not.b64 %d, %a;", "dd", [](uint64_t a, uint64_t, uint64_t) { return ~a; });
  run("cnot.b32 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { return uint64_t{u32(a) == 0}; });
});

Check shifts("shifts by the width and more give zero or the sign", [] {
  run("shl.b32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(b) > 31 ? 0 : u32(a << u32(b)); });
  run("shl.b64 %d, %a, %b;", "ddr", [](uint64_t a, uint64_t b, uint64_t) { return u32(b) > 63 ? 0 : a << u32(b); });
  run("shr.u32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(b) > 31 ? 0 : u32(a) >> u32(b); });
  run("shr.s32 %d, %a, %b;", "rrr", [](uint64_t a, uint64_t b, uint64_t) { return u32(static_cast<uint64_t>(int64_t{s32(a)} >> (u32(b) > 31 ? 31 : u32(b)))); });
  run("shr.u64 %d, %a, %b;", "ddr", [](uint64_t a, uint64_t b, uint64_t) { return u32(b) > 63 ? 0 : a >> u32(b); });
  run("shr.s64 %d, %a, %b;", "ddr", [](uint64_t a, uint64_t b, uint64_t) { return static_cast<uint64_t>(static_cast<int64_t>(a) >> (u32(b) > 63 ? 63 : u32(b))); });
  run("shr.s16 %d, %a, %b;", "hhr", [](uint64_t a, uint64_t b, uint64_t) { return static_cast<uint16_t>(static_cast<int16_t>(a) >> (u32(b) > 15 ? 15 : u32(b))); });
});

Check funnels("funnel shifts", [] {
  auto both = [](uint64_t a, uint64_t b) { return uint64_t{u32(b)} << 32 | u32(a); };
  run("shf.l.wrap.b32 %d, %a, %b, %c;", "rrrr", [=](uint64_t a, uint64_t b, uint64_t c) { return u32((both(a, b) << (c & 31)) >> 32); });
  run("shf.r.wrap.b32 %d, %a, %b, %c;", "rrrr", [=](uint64_t a, uint64_t b, uint64_t c) { return u32(both(a, b) >> (c & 31)); });
  run("shf.l.clamp.b32 %d, %a, %b, %c;", "rrrr", [=](uint64_t a, uint64_t b, uint64_t c) { return u32(c) >= 32 ? u32(a) : u32((both(a, b) << u32(c)) >> 32); });
  run("shf.r.clamp.b32 %d, %a, %b, %c;", "rrrr", [=](uint64_t a, uint64_t b, uint64_t c) { return u32(c) >= 32 ? u32(b) : u32(both(a, b) >> u32(c)); });
});

Check table("lop3 with every kind of table", [] {
  for (unsigned lut : {0x80u, 0xfeu, 0x96u, 0xe8u, 0xcau, 0x6cu, 0x01u, 0x2du}) {
    run("lop3.b32 %d, %a, %b, %c, " + std::to_string(lut) + ";", "rrrr", [=](uint64_t a, uint64_t b, uint64_t c) {
      uint32_t result = 0;
      for (unsigned n = 0; n < 32; ++n)
        result |= ((lut >> (bit(a, n) * 4 + bit(b, n) * 2 + bit(c, n))) & 1u) << n;
      return uint64_t{result};
    });
  }
});

Check counting("popc, clz, brev, bfind", [] {
  auto highest = [](uint64_t v) { int n = 63; while (n >= 0 && !bit(v, static_cast<unsigned>(n))) --n; return n; };
  run("popc.b32 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { unsigned n = 0; for (unsigned k = 0; k < 32; ++k) n += bit(a, k); return uint64_t{n}; });
  run("popc.b64 %d, %a;", "rd", [](uint64_t a, uint64_t, uint64_t) { unsigned n = 0; for (unsigned k = 0; k < 64; ++k) n += bit(a, k); return uint64_t{n}; });
  run("clz.b32 %d, %a;", "rr", [=](uint64_t a, uint64_t, uint64_t) { return static_cast<uint64_t>(31 - highest(u32(a))); });
  run("clz.b64 %d, %a;", "rd", [=](uint64_t a, uint64_t, uint64_t) { return static_cast<uint64_t>(63 - highest(a)); });
  run("brev.b32 %d, %a;", "rr", [](uint64_t a, uint64_t, uint64_t) { uint32_t r = 0; for (unsigned k = 0; k < 32; ++k) r |= uint32_t{bit(a, k)} << (31 - k); return uint64_t{r}; });
  run("brev.b64 %d, %a;", "dd", [](uint64_t a, uint64_t, uint64_t) { uint64_t r = 0; for (unsigned k = 0; k < 64; ++k) r |= uint64_t{bit(a, k)} << (63 - k); return r; });
  run("bfind.u32 %d, %a;", "rr", [=](uint64_t a, uint64_t, uint64_t) { return u32(static_cast<uint64_t>(highest(u32(a)))); });
  run("bfind.s32 %d, %a;", "rr", [=](uint64_t a, uint64_t, uint64_t) { return u32(static_cast<uint64_t>(highest(u32(s32(a) < 0 ? ~a : a)))); });
  run("bfind.shiftamt.u32 %d, %a;", "rr", [=](uint64_t a, uint64_t, uint64_t) { const int h = highest(u32(a)); return h < 0 ? 0xffffffffull : static_cast<uint64_t>(31 - h); });
  run("bfind.u64 %d, %a;", "rd", [=](uint64_t a, uint64_t, uint64_t) { return u32(static_cast<uint64_t>(highest(a))); });
});

Check fields("bfe and bfi beyond the end of the word", [] {
  run("bfe.u32 %d, %a, %b, %c;", "rrrr", [](uint64_t a, uint64_t b, uint64_t c) {
    const unsigned pos = b & 255, len = c & 255;
    uint32_t r = 0;
    for (unsigned n = 0; n < 32; ++n) r |= uint32_t{n < len && pos + n <= 31 && bit(a, pos + n)} << n;
    return uint64_t{r};
  });
  run("bfe.s32 %d, %a, %b, %c;", "rrrr", [](uint64_t a, uint64_t b, uint64_t c) {
    const unsigned pos = b & 255, len = c & 255;
    const bool sign = len && bit(a, pos + len - 1 < 31 ? pos + len - 1 : 31);
    uint32_t r = 0;
    for (unsigned n = 0; n < 32; ++n) r |= uint32_t{n < len && pos + n <= 31 ? bit(a, pos + n) : sign} << n;
    return uint64_t{r};
  });
  run("bfe.s64 %d, %a, %b, %c;", "ddrr", [](uint64_t a, uint64_t b, uint64_t c) {
    const unsigned pos = b & 255, len = c & 255;
    const bool sign = len && bit(a, pos + len - 1 < 63 ? pos + len - 1 : 63);
    uint64_t r = 0;
    for (unsigned n = 0; n < 64; ++n) r |= uint64_t{n < len && pos + n <= 63 ? bit(a, pos + n) : sign} << n;
    return r;
  });
  run("{ .reg .b32 len; cvt.u32.u64 len, %c; bfi.b32 %d, %a, %b, len, 5; }", "rrrd", [](uint64_t a, uint64_t b, uint64_t c) {
    const unsigned pos = c & 255;
    uint32_t r = u32(b);
    for (unsigned n = 0; n < 5 && pos + n <= 31; ++n) r = (r & ~(1u << (pos + n))) | uint32_t{bit(a, n)} << (pos + n);
    return uint64_t{r};
  });
  run("bfi.b64 %d, %a, %b, 32, %c;", "dddr", [](uint64_t a, uint64_t b, uint64_t c) {
    const unsigned len = c & 255;
    for (unsigned n = 0; n < len && n < 32; ++n) b = (b & ~(1ull << (32 + n))) | uint64_t{bit(a, n)} << (32 + n);
    return b;
  });
});

Check permutes("prmt: bytes, signs and the named modes", [] {
  auto byte = [](uint64_t a, uint64_t b, unsigned n) { return (n < 4 ? u32(a) >> (8 * n) : u32(b) >> (8 * (n - 4))) & 255; };
  run("prmt.b32 %d, %a, %b, %c;", "rrrr", [=](uint64_t a, uint64_t b, uint64_t c) {
    uint32_t r = 0;
    for (unsigned n = 0; n < 4; ++n) {
      const unsigned pick = (u32(c) >> (4 * n)) & 15;
      uint32_t v = byte(a, b, pick & 7);
      if (pick & 8) v = v & 128 ? 255 : 0;
      r |= v << (8 * n);
    }
    return uint64_t{r};
  });
  run("prmt.b32.f4e %d, %a, %b, %c;", "rrrr", [=](uint64_t a, uint64_t b, uint64_t c) {
    uint32_t r = 0;
    for (unsigned n = 0; n < 4; ++n) r |= byte(a, b, (c & 3) + n) << (8 * n);
    return uint64_t{r};
  });
  run("prmt.b32.rc8 %d, %a, %b, %c;", "rrrr", [=](uint64_t a, uint64_t b, uint64_t c) { return uint64_t{byte(a, b, c & 3) * 0x01010101u}; });
});

Check nth("fns finds the n-th set bit from a base in both directions", [] {
  std::vector<Operands> operands;
  Random random;
  for (int n = 0; n < 500; ++n) operands.push_back({random.next(), random.next() % 34, random.next() % 11 - 5});
  check_instruction("fns.b32 %d, %a, %b, %c;", "rrrr", operands, [](uint64_t a, uint64_t b, uint64_t c) {
    const uint32_t mask = u32(a), base = u32(b);
    const int offset = s32(c);
    if (base > 31) return uint64_t{0xffffffff};
    std::vector<unsigned> set;
    if (offset == 0) return bit(mask, base) ? uint64_t{base} : uint64_t{0xffffffff};
    if (offset > 0) for (unsigned n = base; n < 32; ++n) { if (bit(mask, n)) set.push_back(n); }
    if (offset < 0) for (unsigned n = base + 1; n-- > 0;) { if (bit(mask, n)) set.push_back(n); }
    const size_t k = static_cast<size_t>(offset > 0 ? offset : -offset) - 1;
    return k < set.size() ? uint64_t{set[k]} : uint64_t{0xffffffff};
  });
});

}  // namespace
