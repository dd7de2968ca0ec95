/* mma.sync and ldmatrix against a plain matrix product. The layouts are those of the PTX ISA,
   written out here a second time. */
#include <cmath>
#include <cstring>

#include "harness.h"

using namespace softgpu_tests;

namespace {

struct Cell {
  int row, column;
};

/* Small whole numbers: every product and sum is exact in all of the types. */
std::vector<float> matrix(int cells, uint64_t seed) {
  std::vector<float> m(static_cast<size_t>(cells));
  Random random{seed};
  for (float& v : m) v = static_cast<float>(static_cast<int>(random.next() % 9) - 4);
  return m;
}

/* Exact for whole numbers up to 2048. */
uint16_t half(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, 4);
  if (v == 0) return 0;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | (((bits >> 13) - (112u << 10)) & 0x7fff));
}
float from_half(uint16_t h) {
  const int e = h >> 10 & 31, f = h & 1023;
  const float magnitude = std::ldexp(static_cast<float>(e ? 1024 + f : f), (e ? e : 1) - 25);
  return h & 0x8000 ? -magnitude : magnitude;
}
uint16_t bfloat(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, 4);
  return static_cast<uint16_t>(bits >> 16);
}
uint32_t word(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, 4);
  return bits;
}

/* A kernel in which every lane loads na + nb + nc registers, multiplies and stores nd. */
std::string kernel(const std::string& op, int nd, int na, int nb, int nc, bool float_c, bool float_d, int target) {
  auto list = [](const char* name, int n) {
    std::string text = "{";
    for (int k = 0; k < n; ++k) text += (k ? ", %" : "%") + std::string(name) + std::to_string(k);
    return text + "}";
  };
  std::string text = ".visible .entry t(.param .u64 out, .param .u64 in)\n{\n .reg .b32 %r<4>; .reg .b64 %q<8>;\n"
                     " .reg .b32 %a<8>, %b<8>; .reg ." + std::string(float_c ? "f32" : "b32") + " %c<8>; .reg ." +
                     (float_d ? "f32" : "b32") + " %d<8>;\n ld.param.u64 %q0, [out]; ld.param.u64 %q1, [in]; mov.u32 %r0, %laneid;\n";
  const int words = na + nb + nc;
  text += " mul.wide.u32 %q2, %r0, " + std::to_string(4 * words) + "; add.u64 %q3, %q1, %q2; mul.wide.u32 %q4, %r0, " +
          std::to_string(4 * nd) + "; add.u64 %q5, %q0, %q4;\n";
  int at = 0;
  for (const auto& [name, n] : {std::pair<const char*, int>{"a", na}, {"b", nb}, {"c", nc}})
    for (int k = 0; k < n; ++k, at += 4)
      text += " ld.global." + std::string(*name == 'c' && float_c ? "f32" : "b32") + " %" + name + std::to_string(k) + ", [%q3+" + std::to_string(at) + "];\n";
  text += " " + op + " " + list("d", nd) + ", " + list("a", na) + ", " + list("b", nb) + ", " + list("c", nc) + ";\n";
  for (int k = 0; k < nd; ++k)
    text += " st.global." + std::string(float_d ? "f32" : "b32") + " [%q5+" + std::to_string(4 * k) + "], %d" + std::to_string(k) + ";\n";
  return ptx(text + " ret;\n}\n", target);
}

struct Shape {
  const char* op;
  int m, n, k, elements_a, elements_b, elements_c, per_register; /* elements of a lane */
  uint16_t (*narrow)(float); /* null: tf32 */
  bool float_c, float_d;
  int target;
  Cell (*a)(int lane, int e);
  Cell (*b)(int lane, int e);
  Cell (*c)(int lane, int e);
  Cell (*d)(int lane, int e);
  int parts; /* independent products of a warp */
  int (*part)(int lane);
};

int whole(int) { return 0; }
int quad(int lane) { return lane % 16 / 4; }
Cell c16(int l, int e) { return {l / 4 + 8 * (e / 2), 2 * (l % 4) + e % 2}; }

void check(const Shape& s) {
  const size_t ca = static_cast<size_t>(s.m * s.k), cb = static_cast<size_t>(s.k * s.n), cc = static_cast<size_t>(s.m * s.n);
  const auto parts = static_cast<size_t>(s.parts);
  const auto a = matrix(static_cast<int>(ca * parts), 1), b = matrix(static_cast<int>(cb * parts), 2), c = matrix(static_cast<int>(cc * parts), 3);
  const int na = s.elements_a / s.per_register, nb = s.elements_b / s.per_register;
  const int nc = s.float_c ? s.elements_c : s.elements_c / 2, nd = s.float_d ? s.elements_c : s.elements_c / 2;
  std::vector<uint32_t> in(static_cast<size_t>(32 * (na + nb + nc)), 0);
  auto put = [&](uint32_t& reg, int e, float v) {
    if (s.narrow) reg |= static_cast<uint32_t>(s.narrow(v)) << (16 * (e % 2));
    else reg = word(v);
  };
  for (int l = 0; l < 32; ++l) {
    uint32_t* regs = &in[static_cast<size_t>(l * (na + nb + nc))];
    const auto p = static_cast<size_t>(s.part(l));
    for (int e = 0; e < s.elements_a; ++e) {
      const Cell x = s.a(l, e);
      put(regs[e / s.per_register], e, a[p * ca + static_cast<size_t>(x.row * s.k + x.column)]);
    }
    for (int e = 0; e < s.elements_b; ++e) {
      const Cell x = s.b(l, e);
      put(regs[na + e / s.per_register], e, b[p * cb + static_cast<size_t>(x.row * s.n + x.column)]);
    }
    for (int e = 0; e < s.elements_c; ++e) {
      const Cell x = s.c(l, e);
      const float v = c[p * cc + static_cast<size_t>(x.row * s.n + x.column)];
      if (s.float_c) regs[na + nb + e] = word(v);
      else regs[na + nb + e / 2] |= static_cast<uint32_t>(half(v)) << (16 * (e % 2));
    }
  }
  Session session(0);
  void* k = session.kernel(kernel(s.op, nd, na, nb, nc, s.float_c, s.float_d, s.target), "t");
  const DevicePointer i = session.upload(in), o = session.allocate(static_cast<size_t>(32 * nd * 4));
  Session::must(launch(k, {1}, {32}, 0, o, i), s.op);
  const auto out = session.download<uint32_t>(o, static_cast<size_t>(32 * nd));
  for (int l = 0; l < 32; ++l)
    for (int e = 0; e < s.elements_c; ++e) {
      const Cell x = s.d(l, e);
      const auto p = static_cast<size_t>(s.part(l));
      float wanted = c[p * cc + static_cast<size_t>(x.row * s.n + x.column)];
      for (int q = 0; q < s.k; ++q)
        wanted += a[p * ca + static_cast<size_t>(x.row * s.k + q)] * b[p * cb + static_cast<size_t>(q * s.n + x.column)];
      const uint32_t reg = out[static_cast<size_t>(s.float_d ? l * nd + e : l * nd + e / 2)];
      float found;
      if (s.float_d) std::memcpy(&found, &reg, 4);
      else found = from_half(static_cast<uint16_t>(reg >> (16 * (e % 2))));
      if (found != wanted)
        return expect(false, std::string(s.op) + ": lane " + std::to_string(l) + " element " + std::to_string(e) + ": " +
                                 std::to_string(found) + " instead of " + std::to_string(wanted));
    }
}

Check turing("mma of 16x8x8, f16 and bf16, float and f16 sums", [] {
  const auto a = [](int l, int e) { return Cell{l / 4 + 8 * (e / 2), 2 * (l % 4) + e % 2}; };
  const auto b = [](int l, int e) { return Cell{2 * (l % 4) + e, l / 4}; };
  check({"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", 16, 8, 8, 4, 2, 4, 2, half, true, true, 75, a, b, c16, c16, 1, whole});
  check({"mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16", 16, 8, 8, 4, 2, 4, 2, half, false, false, 75, a, b, c16, c16, 1, whole});
  check({"mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32", 16, 8, 8, 4, 2, 4, 2, bfloat, true, true, 80, a, b, c16, c16, 1, whole});
});

Check ampere("mma of 16x8x16, f16 and bf16; of 16x8x4 and 16x8x8, tf32", [] {
  const auto a16 = [](int l, int e) { return Cell{l / 4 + 8 * (e / 2 % 2), 2 * (l % 4) + e % 2 + 8 * (e / 4)}; };
  const auto b16 = [](int l, int e) { return Cell{2 * (l % 4) + e % 2 + 8 * (e / 2), l / 4}; };
  check({"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 16, 8, 16, 8, 4, 4, 2, half, true, true, 80, a16, b16, c16, c16, 1, whole});
  check({"mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", 16, 8, 16, 8, 4, 4, 2, half, false, false, 80, a16, b16, c16, c16, 1, whole});
  check({"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 16, 8, 16, 8, 4, 4, 2, bfloat, true, true, 80, a16, b16, c16, c16, 1, whole});
  const auto a4 = [](int l, int e) { return Cell{l / 4 + 8 * e, l % 4}; };
  const auto b4 = [](int l, int) { return Cell{l % 4, l / 4}; };
  check({"mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32", 16, 8, 4, 2, 1, 4, 1, nullptr, true, true, 80, a4, b4, c16, c16, 1, whole});
  const auto a8 = [](int l, int e) { return Cell{l / 4 + 8 * (e % 2), l % 4 + 4 * (e / 2)}; };
  const auto b8 = [](int l, int e) { return Cell{l % 4 + 4 * e, l / 4}; };
  check({"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 16, 8, 8, 4, 2, 4, 1, nullptr, true, true, 80, a8, b8, c16, c16, 1, whole});
});

Check volta("mma of 8x8x4: four products of a warp, every layout and kind of sum", [] {
  const auto a_row = [](int l, int e) { return Cell{l % 4 + (l < 16 ? 0 : 4), e}; };
  const auto a_col = [](int l, int e) { return Cell{e + (l < 16 ? 0 : 4), l % 4}; };
  const auto b_row = [](int l, int e) { return Cell{l % 4, e + (l < 16 ? 0 : 4)}; };
  const auto b_col = [](int l, int e) { return Cell{e, l % 4 + (l < 16 ? 0 : 4)}; };
  const auto c_half = [](int l, int e) { return Cell{l % 4 + (l < 16 ? 0 : 4), e}; };
  const auto c_float = [](int l, int e) { return Cell{l % 2 + (e & 2) + (l < 16 ? 0 : 4), (e & 4) + (l & 2) + (e & 1)}; };
  using Of = Cell (*)(int, int);
  for (bool arow : {true, false})
    for (bool brow : {true, false})
      for (const auto& [d, c] : {std::pair<bool, bool>{true, true}, {false, false}, {true, false}}) {
        const std::string op = std::string("mma.sync.aligned.m8n8k4.") + (arow ? "row." : "col.") + (brow ? "row." : "col.") +
                               (d ? "f32" : "f16") + ".f16.f16." + (c ? "f32" : "f16");
        check({op.c_str(), 8, 8, 4, 4, 4, 8, 2, half, c, d, 70, arow ? Of{a_row} : Of{a_col}, brow ? Of{b_row} : Of{b_col},
               c ? Of{c_float} : Of{c_half}, d ? Of{c_float} : Of{c_half}, 4, quad});
      }
});

Check loading("ldmatrix hands out rows, and columns when transposed", [] {
  for (bool transpose : {false, true}) {
    Session s(0);
    void* k = s.kernel(ptx(".visible .entry t(.param .u64 out)\n{\n .shared .align 16 .b8 tile[512]; .reg .pred %p; .reg .b32 %r<16>; .reg .b64 %q<8>;\n"
                           "mov.u32 %r0, %laneid; mov.u64 %q0, tile; mov.u32 %r1, 0; shl.b32 %r2, %r0, 3;\n"
                           "L: add.u32 %r3, %r2, %r1; mul.wide.u32 %q1, %r3, 2; add.u64 %q2, %q0, %q1; st.shared.u16 [%q2], %r3; add.u32 %r1, %r1, 1; setp.lt.u32 %p, %r1, 8; @%p bra L;\n"
                           "bar.warp.sync -1; mul.wide.u32 %q3, %r0, 16; add.u64 %q4, %q0, %q3;\n"
                           "ldmatrix.sync.aligned.m8n8.x4" + std::string(transpose ? ".trans" : "") + ".shared.b16 {%r4, %r5, %r6, %r7}, [%q4];\n"
                           "ld.param.u64 %q5, [out]; add.u64 %q6, %q5, %q3; st.global.v4.b32 [%q6], {%r4, %r5, %r6, %r7}; ret;\n}\n"), "t");
    const DevicePointer o = s.allocate(512);
    Session::must(launch(k, {1}, {32}, 0, o), "launch");
    const auto out = s.download<uint16_t>(o, 256);
    for (size_t l = 0; l < 32; ++l)
      for (size_t m = 0; m < 4; ++m)
        for (size_t h = 0; h < 2; ++h) {
          const size_t row = l / 4, column = 2 * (l % 4) + h;
          expect_equal(out[8 * l + 2 * m + h], 64 * m + (transpose ? 8 * column + row : 8 * row + column), "ldmatrix");
        }
  }
});

}  // namespace
