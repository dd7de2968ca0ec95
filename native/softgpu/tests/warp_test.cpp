/* Instructions in which the lanes of a warp take part together. */
#include "harness.h"

using namespace softgpu_tests;

namespace {

std::string kernel(const std::string& body, int target = 75) {
  return ptx(".visible .entry t(.param .u64 out, .param .u64 in)\n{\n"
             "  .reg .pred %p<6>; .reg .b32 %r<16>; .reg .b64 %q<8>;\n"
             "  mov.u32 %r0, %tid.x; ld.param.u64 %q0, [out]; ld.param.u64 %q3, [in]; mul.wide.u32 %q1, %r0, 4;\n"
             "  add.u64 %q2, %q0, %q1; add.u64 %q4, %q3, %q1; ld.global.u32 %r1, [%q4];\n" + body +
             "\n  st.global.u32 [%q2], %r2;\n  ret;\n}\n", target);
}

std::vector<uint32_t> values() {
  std::vector<uint32_t> v(64);
  Random random;
  for (uint32_t& x : v) x = static_cast<uint32_t>(random.next() >> 40);
  return v;
}

std::vector<uint32_t> run(const std::string& body, const std::vector<uint32_t>& in, int target = 75) {
  Session s;
  void* k = s.kernel(kernel(body, target), "t");
  const DevicePointer i = s.upload(in), o = s.allocate(in.size() * 4);
  Session::must(launch(k, {1}, {static_cast<unsigned>(in.size())}, 0, o, i), body);
  return s.download<uint32_t>(o, in.size());
}

Check shuffles("shuffles read the lane that the mode names, within their segment", [] {
  const auto in = values();
  struct Case {
    const char* mode;
    int b;
    unsigned c;
    int (*from)(int lane, int b, int width);
  };
  const Case cases[] = {
      {"down", 4, 31, [](int l, int b, int) { return l + b < 32 ? l + b : l; }},
      {"down", 3, (24 << 8) | 31, [](int l, int b, int) { return l % 8 + b < 8 ? l + b : l; }},
      {"up", 5, 0, [](int l, int b, int) { return l - b >= 0 ? l - b : l; }},
      {"up", 1, 16 << 8, [](int l, int b, int) { return l % 16 - b >= 0 ? l - b : l; }},
      {"bfly", 16, 31, [](int l, int b, int) { return l ^ b; }},
      {"bfly", 5, 31, [](int l, int b, int) { return l ^ b; }},
      {"idx", 9, 31, [](int, int b, int) { return b; }},
      {"idx", 9, (24 << 8) | 31, [](int l, int b, int) { return l / 8 * 8 + b % 8; }},
  };
  for (const Case& c : cases) {
    const auto out = run("shfl.sync." + std::string(c.mode) + ".b32 %r2|%p1, %r1, " + std::to_string(c.b) + ", " +
                             std::to_string(c.c) + ", -1;", in);
    for (size_t n = 0; n < in.size(); ++n)
      expect_equal(out[n], in[n / 32 * 32 + static_cast<size_t>(c.from(static_cast<int>(n % 32), c.b, 32))], c.mode);
  }
  const auto edge = run("shfl.sync.down.b32 %r3|%p1, %r1, 4, 31, -1; selp.u32 %r2, 1, 0, %p1;", in);
  for (size_t n = 0; n < 64; ++n) expect_equal(edge[n], n % 32 < 28, "in range");
});

Check votes("votes see the lanes that take part", [] {
  const auto in = values();
  uint32_t odd[2] = {0, 0};
  for (size_t n = 0; n < 64; ++n) odd[n / 32] |= (in[n] & 1) << (n % 32);
  const std::string odd_p = "and.b32 %r3, %r1, 1; setp.ne.u32 %p1, %r3, 0; ";
  const auto ballot = run(odd_p + "vote.sync.ballot.b32 %r2, %p1, -1;", in);
  const auto none = run(odd_p + "vote.sync.ballot.b32 %r2, !%p1, -1;", in);
  const auto any = run(odd_p + "vote.sync.any.pred %p2, %p1, -1; vote.sync.all.pred %p3, %p1, -1; vote.sync.uni.pred %p4, %p1, -1;"
                               "selp.u32 %r2, 1, 0, %p2; @%p3 add.u32 %r2, %r2, 2; @%p4 add.u32 %r2, %r2, 4;", in);
  for (size_t n = 0; n < 64; ++n) {
    expect_equal(ballot[n], odd[n / 32], "ballot");
    expect_equal(none[n], ~odd[n / 32], "ballot of the negated predicate");
    expect_equal(any[n], 1, "any, all, uni");
  }
  const auto mask = run("activemask.b32 %r2; setp.lt.u32 %p1, %r0, 5; @!%p1 bra L; activemask.b32 %r2;\nL:", in);
  for (size_t n = 0; n < 64; ++n) expect_equal(mask[n], n < 5 ? 31u : ~0u, "activemask");
});

Check matches("match and redux group lanes by value", [] {
  std::vector<uint32_t> in(64);
  for (size_t n = 0; n < 64; ++n) in[n] = static_cast<uint32_t>(n * n % 7);
  const auto any = run("match.any.sync.b32 %r2, %r1, -1;", in);
  for (size_t n = 0; n < 64; ++n) {
    uint32_t wanted = 0;
    for (size_t m = 0; m < 32; ++m) wanted |= static_cast<uint32_t>(in[n / 32 * 32 + m] == in[n]) << m;
    expect_equal(any[n], wanted, "match.any");
  }
  const auto all = run("shr.u32 %r3, %r0, 5; match.all.sync.b32 %r2|%p1, %r3, -1; @!%p1 mov.u32 %r2, 1;", in);
  for (size_t n = 0; n < 64; ++n) expect_equal(all[n], ~0u, "match.all");
  uint32_t sum[2] = {0, 0}, most[2] = {0, 0};
  for (size_t n = 0; n < 64; ++n) sum[n / 32] += in[n], most[n / 32] = std::max(most[n / 32], in[n]);
  const auto added = run("redux.sync.add.s32 %r2, %r1, -1;", in, 80), max = run("redux.sync.max.u32 %r2, %r1, -1;", in, 80);
  for (size_t n = 0; n < 64; ++n) {
    expect_equal(added[n], sum[n / 32], "redux.add");
    expect_equal(max[n], most[n / 32], "redux.max");
  }
});

Check groups("lanes of two member masks take part apart, converged or not", [] {
  const auto in = values();
  const std::string masks = "and.b32 %r3, %r0, 31; setp.lt.u32 %p1, %r3, 16; selp.b32 %r4, 0xffff, 0xffff0000, %p1; ";
  const auto together = run(masks + "vote.sync.ballot.b32 %r2, 1, %r4;", in);
  const auto apart = run(masks + "@!%p1 bra ELSE; shfl.sync.bfly.b32 %r2, %r1, 1, 31, 0xffff; bra END;\n"
                                 "ELSE: shfl.sync.bfly.b32 %r2, %r1, 2, 31, 0xffff0000;\nEND:", in);
  for (size_t n = 0; n < 64; ++n) {
    expect_equal(together[n], n % 32 < 16 ? 0xffffu : 0xffff0000u, "ballot by group");
    expect_equal(apart[n], in[n ^ (n % 32 < 16 ? 1 : 2)], "shuffle in a branch");
  }
});

Check rendezvous("lanes that come late to the same shuffle are waited for", [] {
  /* Even lanes jump over the loop's latch: the two halves reach the shuffle one after the other. */
  const auto in = values();
  const auto out = run("mov.u32 %r5, 0; and.b32 %r3, %r0, 1; setp.eq.u32 %p1, %r3, 0;\n"
                       "TOP: shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; add.u32 %r5, %r5, 1; setp.ge.u32 %p2, %r5, 3; @%p2 bra END;\n"
                       "@%p1 bra TOP; add.u32 %r6, %r5, 1; bra TOP;\nEND:", in);
  for (size_t n = 0; n < 64; ++n) expect_equal(out[n], in[n ^ 1], "shuffle in a loop");
});

Check special("special registers of threads, warps and blocks", [] {
  Session s;
  void* k = s.kernel(ptx(".visible .entry t(.param .u64 out)\n{\n .reg .b32 %r<24>; .reg .b64 %q<4>;\n"
                         "mov.u32 %r1, %tid.x; mov.u32 %r2, %tid.y; mov.u32 %r3, %tid.z; mov.u32 %r4, %ntid.x; mov.u32 %r5, %ntid.y; mov.u32 %r6, %ntid.z;\n"
                         "mad.lo.u32 %r7, %r3, %r5, %r2; mad.lo.u32 %r7, %r7, %r4, %r1;\n" /* thread */
                         "mov.u32 %r8, %ctaid.x; mov.u32 %r9, %ctaid.y; mov.u32 %r10, %nctaid.x; mad.lo.u32 %r11, %r9, %r10, %r8;\n"
                         "mul.lo.u32 %r12, %r4, %r5; mul.lo.u32 %r12, %r12, %r6; mad.lo.u32 %r13, %r11, %r12, %r7;\n"
                         "mov.u32 %r14, %laneid; mov.u32 %r15, %warpid; mov.u32 %r16, %lanemask_lt; popc.b32 %r16, %r16; mov.u32 %r17, %nwarpid;\n"
                         "shl.b32 %r18, %r15, 8; or.b32 %r18, %r18, %r14; shl.b32 %r19, %r16, 16; or.b32 %r18, %r18, %r19; shl.b32 %r20, %r17, 24; or.b32 %r18, %r18, %r20;\n"
                         "ld.param.u64 %q0, [out]; mul.wide.u32 %q1, %r13, 4; add.u64 %q2, %q0, %q1; st.global.u32 [%q2], %r18; ret;\n}\n"), "t");
  const DevicePointer o = s.allocate(6 * 70 * 4);
  Session::must(launch(k, {3, 2}, {7, 5, 2}, 0, o), "launch");
  const auto out = s.download<uint32_t>(o, 6 * 70);
  for (uint32_t n = 0; n < 6 * 70; ++n) {
    const uint32_t t = n % 70;
    expect_equal(out[n], 3u << 24 | (t % 32) << 16 | (t / 32) << 8 | t % 32, "special registers");
  }
});

}  // namespace
