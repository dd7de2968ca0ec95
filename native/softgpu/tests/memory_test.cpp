/* Loads, stores, state spaces, module variables and atomics. */
#include <algorithm>

#include "harness.h"

using namespace softgpu_tests;

namespace {

const char* kBegin = "  .reg .pred %p<4>; .reg .b16 %h<8>; .reg .b32 %r<16>; .reg .b64 %q<16>; .reg .f32 %f<8>;\n"
                     "  mov.u32 %r0, %tid.x; ld.param.u64 %q0, [out]; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1;\n";

/* A kernel t(out, in) whose body finds tid in %r0 and &out[tid] (32 bits) in %q2, &in[tid] in %q4. */
std::string kernel(const std::string& body, const std::string& before = "", int target = 75) {
  return ptx(before + ".visible .entry t(.param .u64 out, .param .u64 in)\n{\n" + kBegin +
                 "  ld.param.u64 %q3, [in]; add.u64 %q4, %q3, %q1;\n" + body + "\n  ret;\n}\n",
             target);
}

std::vector<uint32_t> run(const std::string& text, const std::vector<uint32_t>& in, unsigned threads, size_t outputs = 0) {
  Session s;
  void* k = s.kernel(text, "t");
  const size_t count = outputs ? outputs : threads;
  const DevicePointer i = s.upload(in), o = s.upload(std::vector<uint32_t>(count, 0));
  Session::must(launch(k, {1}, {threads}, 0, o, i), "launch");
  return s.download<uint32_t>(o, count);
}

std::vector<uint32_t> numbers(size_t n) {
  std::vector<uint32_t> values(n);
  Random random;
  for (uint32_t& v : values) v = static_cast<uint32_t>(random.next());
  return values;
}

Check narrow("bytes and halves are loaded with their sign and stored cut", [] {
  const auto in = numbers(40);
  const auto signs = run(kernel("ld.global.s8 %r1, [%q4+1]; st.global.u32 [%q2], %r1;"), in, 40);
  const auto zeros = run(kernel("ld.global.u16 %h1, [%q4+2]; cvt.u32.u16 %r1, %h1; st.global.u32 [%q2], %r1;"), in, 40);
  const auto cut = run(kernel("ld.global.u32 %r1, [%q4]; st.global.u8 [%q2+1], %r1; st.global.u16 [%q2+2], %r1;"), in, 40);
  for (size_t n = 0; n < in.size(); ++n) {
    expect_equal(signs[n], static_cast<uint32_t>(static_cast<int8_t>(in[n] >> 8)), "s8");
    expect_equal(zeros[n], in[n] >> 16, "u16");
    expect_equal(cut[n], (in[n] & 255) << 8 | in[n] << 16, "cut");
  }
});

Check vectors("vectors of 2 and 4 are loaded and stored", [] {
  const auto in = numbers(160);
  const auto four = run(kernel("mul.wide.u32 %q5, %r0, 16; add.u64 %q6, %q3, %q5; add.u64 %q7, %q0, %q5;"
                               "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%q6];"
                               "st.global.v4.u32 [%q7], {%r4, %r3, %r2, %r1};"), in, 40, 160);
  const auto two = run(kernel("mul.wide.u32 %q5, %r0, 8; add.u64 %q6, %q3, %q5; add.u64 %q7, %q0, %q5;"
                              "ld.global.nc.v2.f32 {%f1, %f2}, [%q6]; st.global.v2.f32 [%q7], {%f2, %f1};"), in, 40, 80);
  for (size_t n = 0; n < 160; ++n) expect_equal(four[n], in[n / 4 * 4 + 3 - n % 4], "v4");
  for (size_t n = 0; n < 80; ++n) expect_equal(two[n], in[n / 2 * 2 + 1 - n % 2], "v2");
});

Check scattered("lanes that read in any order get their own element", [] {
  const auto in = numbers(64);
  const auto out = run(kernel("mul.lo.u32 %r1, %r0, 37; and.b32 %r1, %r1, 63; mul.wide.u32 %q5, %r1, 4; add.u64 %q6, %q3, %q5;"
                              "ld.global.u32 %r2, [%q6]; st.global.u32 [%q2], %r2;"), in, 64);
  for (uint32_t n = 0; n < 64; ++n) expect_equal(out[n], in[n * 37 % 64], "gather");
});

Check shared("shared memory: static, dynamic and through generic addresses", [] {
  const std::string body =
      "mov.u64 %q5, tile; add.u64 %q6, %q5, %q1; ld.global.u32 %r1, [%q4]; st.shared.u32 [%q6], %r1;\n"
      "mov.u64 %q7, dynamic; add.u64 %q8, %q7, %q1; not.b32 %r2, %r1; st.shared.u32 [%q8], %r2;\n"
      "bar.sync 0; mov.u32 %r3, 63; sub.u32 %r4, %r3, %r0; mul.wide.u32 %q9, %r4, 4;\n"
      "add.u64 %q10, %q5, %q9; ld.shared.u32 %r5, [%q10];\n"
      "cvta.shared.u64 %q11, %q7; add.u64 %q11, %q11, %q9; ld.u32 %r6, [%q11];\n"
      "isspacep.shared %p1, %q11; isspacep.global %p2, %q4; selp.u32 %r7, 1, 0, %p1; @!%p2 mov.u32 %r7, 0;\n"
      "xor.b32 %r8, %r5, %r6; add.u32 %r8, %r8, %r7; st.global.u32 [%q2], %r8;";
  Session s;
  void* k = s.kernel(kernel("  .shared .align 4 .b8 tile[256];\n" + body, ".extern .shared .align 16 .b8 dynamic[];\n"), "t");
  const auto in = numbers(64);
  const DevicePointer i = s.upload(in), o = s.allocate(256);
  Session::must(launch(k, {1}, {64}, 256, o, i), "launch");
  for (uint32_t v : s.download<uint32_t>(o, 64)) expect_equal(v, 0, "x ^ ~x is all ones, plus one is 0");
});

Check variables("module variables have their initial values and addresses", [] {
  const std::string before =
      ".const .align 4 .u32 table[4] = {10, 20, 30, 40};\n.global .align 4 .u32 counter = 5;\n"
      ".global .align 4 .f32 pi = 0f40490FDB;\n.global .align 8 .u64 where = table;\n.global .align 4 .b8 zero[16];\n"
      ".const .align 1 .b8 bytes[6] = {1, 2, 3, 255, 5, 6};\n";
  Session s;
  void* module = s.load(kernel(
      "and.b32 %r1, %r0, 3; mul.wide.u32 %q5, %r1, 4; mov.u64 %q6, table; add.u64 %q7, %q6, %q5; ld.const.u32 %r2, [%q7];\n"
      "ld.global.u64 %q8, [where]; add.u64 %q8, %q8, %q5; ld.u32 %r3, [%q8];\n"
      "ld.global.u32 %r4, [counter]; add.u32 %r5, %r2, %r3; add.u32 %r5, %r5, %r4; ld.global.u32 %r6, [zero+12]; add.u32 %r5, %r5, %r6;\n"
      "ld.const.u8 %r7, [bytes+3]; add.u32 %r5, %r5, %r7; st.global.u32 [%q2], %r5;", before));
  void* k = nullptr;
  Session::must(cuModuleGetFunction(&k, module, "t"), "function");
  DevicePointer counter = 0, o = s.allocate(128), i = s.allocate(4);
  size_t bytes = 0;
  Session::must(cuModuleGetGlobal_v2(&counter, &bytes, module, "counter"), "global");
  expect_equal(bytes, 4, "size of the variable");
  const uint32_t seven = 7;
  Session::must(cuMemcpyHtoD_v2(counter, &seven, 4), "copy");
  Session::must(launch(k, {1}, {32}, 0, o, i), "launch");
  const auto out = s.download<uint32_t>(o, 32);
  for (uint32_t n = 0; n < 32; ++n) expect_equal(out[n], 2 * (10 + 10 * (n & 3)) + 7 + 255, "variables");
});

Check local("local memory belongs to its thread", [] {
  const std::string body =
      "mov.u64 %q5, depot; mov.u32 %r1, 0;\nFILL:\n mul.wide.u32 %q6, %r1, 4; add.u64 %q7, %q5, %q6; mad.lo.u32 %r2, %r0, 100, %r1;\n"
      "st.local.u32 [%q7], %r2; add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 8; @%p1 bra FILL;\n"
      "and.b32 %r3, %r0, 7; mul.wide.u32 %q8, %r3, 4; cvta.local.u64 %q9, %q5; add.u64 %q10, %q9, %q8; ld.u32 %r4, [%q10]; st.global.u32 [%q2], %r4;";
  const auto out = run(kernel("  .local .align 4 .b8 depot[32];\n" + body), {0}, 50);
  for (uint32_t n = 0; n < 50; ++n) expect_equal(out[n], n * 100 + n % 8, "local");
});

Check atomics("atomics of all threads add up, in plain and in random order", [] {
  struct Case {
    const char* op;
    uint32_t start;
    uint32_t (*fold)(uint32_t, uint32_t);
  };
  const Case cases[] = {
      {"add.u32", 5, [](uint32_t a, uint32_t b) { return a + b; }},
      {"min.s32", 1000, [](uint32_t a, uint32_t b) { return static_cast<int32_t>(a) < static_cast<int32_t>(b) ? a : b; }},
      {"max.u32", 3, [](uint32_t a, uint32_t b) { return a > b ? a : b; }},
      {"and.b32", ~0u, [](uint32_t a, uint32_t b) { return a & b; }},
      {"or.b32", 0, [](uint32_t a, uint32_t b) { return a | b; }},
      {"xor.b32", 9, [](uint32_t a, uint32_t b) { return a ^ b; }},
  };
  const auto in = numbers(200);
  for (const Case& c : cases) {
    for (const char* form : {"atom.global", "red.global", "atom"}) {
      const bool result = std::string(form) != "red.global";
      Session s;
      void* k = s.kernel(kernel("ld.global.u32 %r1, [%q4]; " + std::string(form) + "." + c.op + (result ? " %r2," : " ") + " [%q0], %r1;"), "t");
      const DevicePointer i = s.upload(in), o = s.upload(std::vector<uint32_t>{c.start});
      Session::must(launch(k, {1}, {200}, 0, o, i), c.op);
      uint32_t wanted = c.start;
      for (uint32_t v : in) wanted = c.fold(wanted, v);
      expect_equal(s.download<uint32_t>(o, 1)[0], wanted, std::string(form) + c.op);
    }
  }
});

Check tickets("atom.inc gives every thread its ticket; exch and cas", [] {
  const auto tickets = run(kernel("mov.u32 %r1, 999; add.u64 %q5, %q0, 400; atom.global.inc.u32 %r2, [%q5], %r1; mul.wide.u32 %q6, %r2, 4;"
                                  "add.u64 %q7, %q0, %q6; st.global.u32 [%q7], 1;"), {0}, 100, 101);
  for (size_t n = 0; n < 100; ++n) expect_equal(tickets[n], 1, "every ticket once");
  expect_equal(tickets[100], 100, "the counter");
  const auto cas = run(kernel("and.b32 %r1, %r0, 1; setp.ne.u32 %p1, %r1, 0; add.u32 %r2, %r0, 1; atom.global.cas.b32 %r3, [%q2], 0, %r2;"
                              "@%p1 atom.global.exch.b32 %r4, [%q2], 77;"), {0}, 40);
  for (uint32_t n = 0; n < 40; ++n) expect_equal(cas[n], n & 1 ? 77 : n + 1, "cas and exch");
});

Check float_atomics("float and double additions, in shared memory too", [] {
  Session s;
  void* k = s.kernel(kernel("  .shared .align 8 .f64 sum;\n .reg .f64 %d<3>;\n setp.eq.u32 %p1, %r0, 0; mov.f64 %d0, 0d0000000000000000;\n"
                            "@%p1 st.shared.f64 [sum], %d0; bar.sync 0; cvt.rn.f64.u32 %d1, %r0; atom.shared.add.f64 %d2, [sum], %d1;\n"
                            "bar.sync 0; mov.f32 %f1, 0f3F800000; atom.global.add.f32 %f2, [%q0], %f1;\n"
                            "@%p1 ld.shared.f64 %d1, [sum]; @%p1 st.global.f64 [%q0+8], %d1;"), "t");
  const DevicePointer o = s.upload(std::vector<float>(4, 0.5f)), i = s.allocate(4);
  Session::must(launch(k, {1}, {100}, 0, o, i), "launch");
  expect(s.download<float>(o, 1)[0] == 100.5f, "float sum");
  expect(s.download<double>(o + 8, 1)[0] == 4950.0, "double sum");
});

Check async("cp.async lands when its group is waited for", [] {
  const std::string body =
      "mov.u64 %q5, tile; add.u64 %q6, %q5, %q1; mov.u32 %r9, 7; st.shared.u32 [%q6], %r9;\n"
      "cp.async.ca.shared.global [%q6], [%q4], 4; cp.async.commit_group;\n"
      "ld.shared.u32 %r1, [%q6]; cp.async.wait_group 0; ld.shared.u32 %r2, [%q6]; sub.u32 %r3, %r2, %r1; st.global.u32 [%q2], %r3;";
  const auto in = numbers(64);
  const auto out = run(kernel("  .shared .align 16 .b8 tile[256];\n" + body, "", 80), in, 64);
  for (size_t n = 0; n < 64; ++n) expect_equal(out[n], in[n] - 7, "before the wait the old value is there");
});

Check groups("cp.async: two groups in flight, and a short source is filled with zeros", [] {
  const std::string body =
      "mul.wide.u32 %q5, %r0, 16; mov.u64 %q6, tile; add.u64 %q7, %q6, %q5; add.u64 %q8, %q3, %q5; add.u64 %q9, %q8, 512;\n"
      "add.u64 %q10, %q7, 512; cp.async.cg.shared.global [%q7], [%q8], 16; cp.async.commit_group;\n"
      "mov.u32 %r1, 8; cp.async.ca.shared.global [%q10], [%q9], 16, %r1; cp.async.commit_group; cp.async.wait_group 1;\n"
      "ld.shared.u32 %r2, [%q7+12]; cp.async.wait_all; ld.shared.u32 %r3, [%q10+4]; ld.shared.u32 %r4, [%q10+8];\n"
      "add.u32 %r5, %r2, %r3; add.u32 %r5, %r5, %r4; st.global.u32 [%q2], %r5;";
  const auto in = numbers(256);
  const auto out = run(kernel("  .shared .align 16 .b8 tile[1024];\n" + body, "", 80), in, 32);
  for (size_t n = 0; n < 32; ++n) expect_equal(out[n], in[4 * n + 3] + in[128 + 4 * n + 1], "groups");
});

}  // namespace
