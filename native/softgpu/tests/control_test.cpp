/* Branches, loops, calls and barriers. */
#include "harness.h"

using namespace softgpu_tests;

namespace {

std::string kernel(const std::string& body, const std::string& before = "") {
  return ptx(before + ".visible .entry t(.param .u64 out, .param .u32 n)\n{\n"
             "  .reg .pred %p<8>; .reg .b32 %r<20>; .reg .b64 %q<8>;\n"
             "  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mad.lo.u32 %r0, %r1, %r2, %r3; ld.param.u32 %r4, [n];\n"
             "  ld.param.u64 %q0, [out]; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1;\n" + body + "\n}\n");
}

std::vector<uint32_t> run(const std::string& text, unsigned blocks, unsigned threads, uint32_t n) {
  Session s;
  void* k = s.kernel(text, "t");
  const DevicePointer o = s.upload(std::vector<uint32_t>(blocks * threads, 0));
  Session::must(launch(k, {blocks}, {threads}, 0, o, n), "launch");
  return s.download<uint32_t>(o, blocks * threads);
}

Check collatz("nested loops with exits of their own for every lane", [] {
  /* Sum over k < tid % 5 of the Collatz steps of tid + k + 1, cut at 40 steps. */
  const std::string body = R"(
  rem.u32 %r5, %r0, 5; mov.u32 %r6, 0; mov.u32 %r7, 0;
OUTER: setp.ge.u32 %p1, %r7, %r5; @%p1 bra DONE;
  add.u32 %r8, %r0, %r7; add.u32 %r8, %r8, 1; mov.u32 %r9, 0;
INNER: setp.eq.u32 %p2, %r8, 1; @%p2 bra NEXT;
  add.u32 %r6, %r6, 1; add.u32 %r9, %r9, 1; setp.ge.u32 %p3, %r9, 40; @%p3 bra NEXT;
  and.b32 %r10, %r8, 1; setp.ne.u32 %p4, %r10, 0; @%p4 bra ODD;
  shr.u32 %r8, %r8, 1; bra INNER;
ODD: mad.lo.u32 %r8, %r8, 3, 1; bra INNER;
NEXT: add.u32 %r7, %r7, 1; bra OUTER;
DONE: st.global.u32 [%q2], %r6; ret;)";
  const auto out = run(kernel(body), 2, 70, 0);
  for (uint32_t t = 0; t < 140; ++t) {
    uint32_t steps = 0;
    for (uint32_t k = 0; k < t % 5; ++k) {
      uint32_t v = t + k + 1;
      for (uint32_t n = 0; v != 1 && n < 40; ++n, ++steps) v = v % 2 ? 3 * v + 1 : v / 2;
    }
    expect_equal(out[t], steps, "collatz of thread " + std::to_string(t));
  }
});

Check early("threads return early and the others go on to a barrier", [] {
  /* Three ways out: at once, after a store of their own, and through a guard on ret. */
  const std::string body = R"(
  .shared .align 4 .b8 tile[512];
  setp.ge.u32 %p1, %r3, %r4; @%p1 bra OUT;
  setp.ne.u32 %p2, %r3, 3; @%p2 bra GO; mov.u32 %r5, 1000; st.global.u32 [%q2], %r5; ret;
GO: setp.eq.u32 %p3, %r3, 5; @%p3 ret;
  mov.u64 %q3, tile; mul.wide.u32 %q4, %r3, 4; add.u64 %q5, %q3, %q4; st.shared.u32 [%q5], %r3; bar.sync 0;
  ld.shared.u32 %r6, [tile]; add.u32 %r6, %r6, %r3; st.global.u32 [%q2], %r6;
OUT: ret;)";
  const auto out = run(kernel(body), 1, 96, 50);
  for (uint32_t t = 0; t < 96; ++t) expect_equal(out[t], t >= 50 || t == 5 ? 0 : t == 3 ? 1000 : t, "early return");
});

Check converge("lanes that parted are together again at the join", [] {
  const std::string body = R"(
  and.b32 %r5, %r0, 3; setp.eq.u32 %p1, %r5, 0; @%p1 bra A; setp.eq.u32 %p2, %r5, 1; @%p2 bra B;
  mov.u32 %r6, 7; bra JOIN;
A: mov.u32 %r6, 1; bra JOIN;
B: mov.u32 %r6, 2;
JOIN: activemask.b32 %r7; st.global.u32 [%q2], %r7; ret;)";
  for (uint32_t v : run(kernel(body), 1, 64, 0)) expect_equal(v, ~0u, "active lanes at the join");
});

Check indexed("brx.idx goes where the table says", [] {
  const std::string body = R"(
TABLE: .branchtargets L0, L1, L2;
  rem.u32 %r5, %r0, 3; brx.idx %r5, TABLE;
L0: mov.u32 %r6, 10; bra END;
L1: mov.u32 %r6, 20; bra END;
L2: mov.u32 %r6, 30;
END: activemask.b32 %r7; popc.b32 %r7, %r7; add.u32 %r6, %r6, %r7; st.global.u32 [%q2], %r6; ret;)";
  const auto out = run(kernel(body), 1, 32, 0);
  for (uint32_t t = 0; t < 32; ++t) expect_equal(out[t], 10 + t % 3 * 10 + 32, "brx");
});

Check calls("functions take arguments, recurse and return lane by lane", [] {
  const std::string function = R"(
.func (.param .b32 r) fib (.param .b32 n)
{
  .reg .pred %p<2>; .reg .b32 %r<8>;
  ld.param.u32 %r0, [n]; setp.gt.u32 %p0, %r0, 1; @%p0 bra MORE;
  st.param.b32 [r], %r0; ret;
MORE:
  sub.u32 %r1, %r0, 1; sub.u32 %r2, %r0, 2;
  { .param .b32 a; .param .b32 b; st.param.b32 [a], %r1; call.uni (b), fib, (a); ld.param.b32 %r3, [b]; }
  { .param .b32 a; .param .b32 b; st.param.b32 [a], %r2; call.uni (b), fib, (a); ld.param.b32 %r4, [b]; }
  add.u32 %r5, %r3, %r4; st.param.b32 [r], %r5; ret;
}
)";
  const std::string body = R"(
  rem.u32 %r5, %r0, 9; setp.eq.u32 %p1, %r5, 4; mov.u32 %r6, 77;
  { .param .b32 a; .param .b32 b; st.param.b32 [a+0], %r5; @!%p1 call (b), fib, (a); @!%p1 ld.param.b32 %r6, [b+0]; }
  st.global.u32 [%q2], %r6; ret;)";
  const auto out = run(kernel(body, function), 1, 50, 0);
  const uint32_t fib[] = {0, 1, 1, 2, 77, 5, 8, 13, 21};
  for (uint32_t t = 0; t < 50; ++t) expect_equal(out[t], fib[t % 9], "fib");
});

Check aggregates("arguments of several words and local arrays of functions", [] {
  const std::string function = R"(
.func (.param .align 8 .b8 r[16]) twist (.param .align 8 .b8 v[16])
{
  .local .align 8 .b8 depot[16]; .reg .b64 %q<4>;
  ld.param.u64 %q0, [v]; ld.param.u64 %q1, [v+8]; mov.u64 %q2, depot; st.local.u64 [%q2], %q0; st.local.u64 [%q2+8], %q1;
  ld.local.u64 %q3, [%q2+8]; st.param.b64 [r], %q3; ld.local.u64 %q3, [%q2]; st.param.b64 [r+8], %q3; ret;
}
)";
  const std::string body = R"(
  .reg .b64 %w<4>; cvt.u64.u32 %w0, %r0; mov.u64 %w1, 500;
  { .param .align 8 .b8 a[16]; .param .align 8 .b8 b[16]; st.param.v2.b64 [a], {%w0, %w1}; call.uni (b), twist, (a); ld.param.v2.b64 {%w2, %w3}, [b]; }
  sub.u64 %w2, %w2, %w3; st.global.u32 [%q2], %w2; ret;)";
  const auto out = run(kernel(body, function), 1, 40, 0);
  for (uint32_t t = 0; t < 40; ++t) expect_equal(out[t], 500 - t, "twist");
});

Check barriers("a tree sum over shared memory, any order of warps", [] {
  const std::string body = R"(
  .shared .align 4 .b8 tile[1024];
  mov.u64 %q3, tile; mul.wide.u32 %q4, %r3, 4; add.u64 %q5, %q3, %q4; st.shared.u32 [%q5], %r0; mov.u32 %r5, 128; bar.sync 0;
LOOP: setp.ge.u32 %p1, %r3, %r5; @%p1 bra SKIP;
  mul.wide.u32 %q6, %r5, 4; add.u64 %q6, %q5, %q6; ld.shared.u32 %r6, [%q6]; ld.shared.u32 %r7, [%q5]; add.u32 %r7, %r7, %r6; st.shared.u32 [%q5], %r7;
SKIP: bar.sync 0; shr.u32 %r5, %r5, 1; setp.ne.u32 %p2, %r5, 0; @%p2 bra LOOP;
  ld.shared.u32 %r8, [tile]; st.global.u32 [%q2], %r8; ret;)";
  const auto out = run(kernel(body), 3, 256, 0);
  for (uint32_t t = 0; t < 768; ++t) expect_equal(out[t], (t / 256) * 65536 + 255 * 128, "sum");
});

Check reductions("bar.red counts, and named barriers serve parts of a block", [] {
  const std::string body = R"(
  setp.lt.u32 %p1, %r3, %r4; bar.red.popc.u32 %r5, 0, %p1; bar.red.and.pred %p2, 0, %p1; bar.red.or.pred %p3, 0, !%p1;
  @%p2 add.u32 %r5, %r5, 1000; @%p3 add.u32 %r5, %r5, 2000;
  setp.ge.u32 %p4, %r3, 64; @%p4 bra SECOND; bar.sync 1, 64; bra END;
SECOND: bar.sync 2, 32;
END: st.global.u32 [%q2], %r5; ret;)";
  for (uint32_t v : run(kernel(body), 1, 96, 41)) expect_equal(v, 2041, "bar.red");
  for (uint32_t v : run(kernel(body), 1, 96, 96)) expect_equal(v, 1096, "bar.red of all");
});

Check producers("bar.arrive lets a producer go on", [] {
  const std::string body = R"(
  .shared .align 4 .b8 cell[4];
  setp.ge.u32 %p1, %r3, 32; @%p1 bra CONSUMER;
  setp.eq.u32 %p2, %r3, 0; @%p2 st.shared.u32 [cell], 42; bar.arrive 3, 64; mov.u32 %r5, 1; bra END;
CONSUMER: bar.sync 3, 64; ld.shared.u32 %r5, [cell];
END: st.global.u32 [%q2], %r5; ret;)";
  const auto out = run(kernel(body), 1, 64, 0);
  for (uint32_t t = 0; t < 64; ++t) expect_equal(out[t], t < 32 ? 1 : 42, "arrive");
});

}  // namespace
