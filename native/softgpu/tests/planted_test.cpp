/* Bugs put into kernels on purpose: each must be caught, named with its place, and the sound kernel
   beside it must pass. */
#include <cstdlib>

#include "harness.h"

using namespace softgpu_tests;

namespace {

constexpr int kIllegalAddress = 700, kMisaligned = 716, kLaunchFailed = 719, kTimeout = 702;

/* .loc gives source lines as a compiler's PTX does; the file is named at the end. */
std::string kernel(const std::string& params, const std::string& body) {
  return ptx(".visible .entry planted(" + params + ")\n{\n .reg .pred %p<8>; .reg .b32 %r<16>; .reg .b64 %q<16>; .reg .f32 %f<8>;\n"
             " mov.u32 %r0, %tid.x;\n" + body + "\n}\n.file 1 \"/some/folder/planted.cu\"\n");
}

/* Launches and expects this code, with all parts in the report; later calls fail alike. */
template <class... P>
void expect_caught(Session& s, const std::string& text, int code, const std::vector<std::string>& parts, Dim grid,
                   Dim block, unsigned shared, P... params) {
  void* k = s.kernel(text, "planted");
  expect_equal(static_cast<uint64_t>(launch(k, grid, block, shared, params...)), static_cast<uint64_t>(code), "code of the launch");
  for (const std::string& part : parts) expect_contains(last_report(), part);
  expect_contains(last_report(), "kernel planted");
  expect_equal(static_cast<uint64_t>(cuCtxSynchronize()), static_cast<uint64_t>(code), "the error stays");
}

template <class... P>
void expect_sound(const std::string& text, Dim grid, Dim block, unsigned shared, P... params) {
  (void)std::initializer_list<int>{(static_cast<void>(params), 0)...};
  Session s;
  void* k = s.kernel(text, "planted");
  const int code = launch(k, grid, block, shared, params...);
  expect(code == 0, "the sound kernel fails: " + last_report());
}

const char* kScale = ".param .u64 x, .param .u64 y, .param .u32 n";
/* y[i] = 2 x[i] for i < n; the guard is what the bug is in. */
std::string scale(const char* guard) {
  return kernel(kScale, std::string(
      ".loc 1 10 1\n mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mad.lo.u32 %r3, %r1, %r2, %r0; ld.param.u32 %r4, [n];\n") +
      guard + "\n.loc 1 12 5\n ld.param.u64 %q0, [x]; ld.param.u64 %q1, [y]; mul.wide.u32 %q2, %r3, 4; add.u64 %q3, %q0, %q2; add.u64 %q4, %q1, %q2;\n"
      " ld.global.f32 %f1, [%q3];\n.loc 1 13 5\n add.f32 %f2, %f1, %f1; st.global.f32 [%q4], %f2;\nOUT: ret;");
}
const char* kGoodGuard = "setp.ge.u32 %p1, %r3, %r4; @%p1 bra OUT;";
const char* kBadGuard = "setp.gt.u32 %p1, %r3, %r4; @%p1 bra OUT;";

Check off_by_one("an off-by-one in the guard is caught with block, thread, line and allocation", [] {
  Session s;
  const unsigned n = 100;
  const DevicePointer x = s.upload(std::vector<float>(n, 1)), y = s.allocate(n * 4);
  void* sound = s.kernel(scale(kGoodGuard), "planted");
  expect(launch(sound, {2}, {64}, 0, x, y, n) == 0, "the sound kernel");
  expect_caught(s, scale(kBadGuard), kIllegalAddress,
                {"illegal address: read of 4 bytes", "0 bytes behind the end of allocation #", "(400 bytes", "block (1,0,0)",
                 "thread (36,0,0)", "planted.cu:12"}, {2}, {64}, 0, x, y, n);
});

Check off_by_one_write("the same bug is caught at the write where the input is longer", [] {
  Session s;
  const unsigned n = 100;
  const DevicePointer x = s.upload(std::vector<float>(n + 8, 1)), y = s.allocate(n * 4);
  expect_caught(s, scale(kBadGuard), kIllegalAddress, {"write of 4 bytes", "planted.cu:13", "thread (36,0,0)"}, {2}, {64}, 0, x, y, n);
});

Check wrong_order("parameters in the wrong order are caught: a size where a pointer belongs", [] {
  Session s;
  const unsigned n = 100;
  const DevicePointer x = s.upload(std::vector<float>(n, 1)), y = s.allocate(n * 4);
  /* scale(n, x, y): the first pointer is a number, the number the low half of a pointer. */
  expect_caught(s, scale(kGoodGuard), kIllegalAddress, {"read of 4 bytes at 0x", "a null pointer"}, {2}, {64}, 0, DevicePointer{n}, x, static_cast<unsigned>(y));
});

Check swapped("two pointers in the wrong order are caught: the output is read", [] {
  Session s;
  const unsigned n = 100;
  const DevicePointer x = s.upload(std::vector<float>(n, 1)), y = s.allocate(n * 4);
  expect_caught(s, scale(kGoodGuard), kLaunchFailed, {"uninitialised read of 4 bytes", "was never written"}, {2}, {64}, 0, y, x, n);
});

Check freed("memory that was freed is not used", [] {
  Session s;
  const unsigned n = 100;
  const DevicePointer x = s.upload(std::vector<float>(n, 1)), y = s.allocate(n * 4);
  Session::must(cuMemFree_v2(x), "free");
  expect_caught(s, scale(kGoodGuard), kIllegalAddress, {" of freed allocation #"}, {2}, {64}, 0, x, y, n);
});

Check straddling("an access that straddles the end of its allocation is caught", [] {
  Session s;
  const DevicePointer x = s.upload(std::vector<float>(33, 1));
  expect_caught(s, kernel(".param .u64 x", "ld.param.u64 %q0, [x]; ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%q0+128]; ret;"),
                kIllegalAddress, {"read of 16 bytes", "straddles the end"}, {1}, {1}, 0, x);
});

Check misaligned("a misaligned vector load is caught", [] {
  Session s;
  const DevicePointer x = s.upload(std::vector<float>(64, 1));
  expect_caught(s, kernel(".param .u64 x", ".loc 1 7 3\n ld.param.u64 %q0, [x]; ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%q0+4]; ret;"),
                kMisaligned, {"misaligned address", "is not aligned to 16", "planted.cu:7"}, {1}, {32}, 0, x);
});

/* out[i] = tile[63 - i] after tile[i] = i. */
std::string reverse(const char* barrier, const char* offset = "") {
  return kernel(".param .u64 out", std::string(
      " .shared .align 4 .b8 tile[256];\n .shared .align 4 .b8 other[256];\n .loc 1 20 1\n mov.u64 %q0, tile; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; st.shared.u32 [%q2], %r0;\n"
      " mov.u64 %q6, other; add.u64 %q6, %q6, %q1; st.shared.u32 [%q6], %r0;\n .loc 1 21 1\n ") + barrier +
      "\n .loc 1 22 1\n mov.u32 %r1, 63; sub.u32 %r2, %r1, %r0; mul.wide.u32 %q3, %r2, 4; add.u64 %q4, %q0, %q3; ld.shared.u32 %r3, [%q4" + offset +
      "];\n ld.param.u64 %q5, [out]; add.u64 %q5, %q5, %q1; st.global.u32 [%q5], %r3; ret;");
}

Check missing_barrier("a missing barrier is a race, named with both threads", [] {
  for (bool random : {false, true}) {
    const Order order(random, 5);
    Session s;
    const DevicePointer out = s.allocate(256);
    expect(launch(s.kernel(reverse("bar.sync 0;"), "planted"), {1}, {64}, 0, out) == 0, "the sound kernel");
    expect_caught(s, reverse(""), kLaunchFailed, {}, {1}, {64}, 0, out);
    /* One warp runs ahead: it reads what the other has not written, or what it wrote unseen. */
    const std::string report = last_report();
    expect(report.find("race") != std::string::npos || report.find("uninitialised") != std::string::npos, report);
    expect_contains(report, "'tile' (256 bytes)");
    expect_contains(report, "planted.cu:2");
  }
});

Check warp_race("lanes of one warp race too unless bar.warp.sync orders them", [] {
  const char* body = " .shared .align 4 .b8 tile[128];\n mov.u64 %q0, tile; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; st.shared.u32 [%q2], %r0;\n @SYNC@\n"
                     " mov.u32 %r1, 31; sub.u32 %r2, %r1, %r0; mul.wide.u32 %q3, %r2, 4; add.u64 %q4, %q0, %q3; ld.shared.u32 %r3, [%q4]; ret;";
  auto with = [&](const std::string& sync) {
    std::string text = body;
    text.replace(text.find("@SYNC@"), 6, sync);
    return kernel("", text);
  };
  Session s;
  expect(launch(s.kernel(with("bar.warp.sync -1;"), "planted"), {1}, {32}, 0) == 0, "the sound kernel");
  expect_caught(s, with("shfl.sync.idx.b32 %r5, %r0, 0, 31, -1;"), kLaunchFailed, {"race: read of 4 bytes", "which thread (31,0,0) wrote"}, {1}, {32}, 0);
});

Check write_race("two threads that write different values to one word race; equal values do not", [] {
  auto store = [](const char* value) {
    return kernel("", std::string(" .shared .align 4 .b8 cell[4];\n and.b32 %r1, %r0, 0; st.shared.u32 [cell], ") + value + "; ret;");
  };
  Session s;
  expect(launch(s.kernel(store("%r1"), "planted"), {1}, {64}, 0) == 0, "equal values: " + last_report());
  expect_caught(s, store("%r0"), kLaunchFailed, {"race: write of 4 bytes", "'cell' (4 bytes)", "wrote"}, {1}, {64}, 0);
});

Check read_then_write("a write after another thread's read races", [] {
  Session s;
  expect_caught(s, kernel("", " .shared .align 4 .b8 tile[256];\n mov.u64 %q0, tile; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; st.shared.u32 [%q2], %r0; bar.sync 0;\n"
                              " setp.eq.u32 %p1, %r0, 63; add.u64 %q3, %q2, 4; @%p1 mov.u64 %q3, %q0; ld.shared.u32 %r1, [%q3]; add.u32 %r1, %r1, 100; st.shared.u32 [%q2], %r1; ret;"),
                kLaunchFailed, {"race: write", " read without a barrier"}, {1}, {64}, 0);
});

Check bytes("threads that write neighbouring bytes do not race", [] {
  expect_sound(kernel("", " .shared .align 4 .b8 tile[64];\n mov.u64 %q0, tile; cvt.u64.u32 %q1, %r0; add.u64 %q2, %q0, %q1; st.shared.u8 [%q2], %r0; bar.sync 0; ld.shared.u8 %r1, [tile+33]; ret;"),
               {1}, {64}, 0);
});

Check past_tile("a read past a tile into the next one is caught", [] {
  Session s;
  const DevicePointer out = s.allocate(256);
  expect_caught(s, reverse("bar.sync 0;", "+4"), kIllegalAddress, {"0 bytes behind 'tile' (256 bytes)", "thread (0,0,0)", "planted.cu:22"}, {1}, {64}, 0, out);
});

Check past_dynamic("a read past the dynamic shared memory is caught", [] {
  Session s;
  const std::string text = ptx(".extern .shared .align 16 .b8 dynamic[];\n.visible .entry planted()\n{\n .reg .b32 %r<4>; .reg .b64 %q<4>;\n mov.u32 %r0, %tid.x; mov.u64 %q0, dynamic; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; st.shared.u32 [%q2], %r0; ret;\n}\n");
  expect(launch(s.kernel(text, "planted"), {1}, {32}, 128) == 0, "the sound launch");
  expect_caught(s, text, kIllegalAddress, {"0 bytes behind the 124 bytes of dynamic shared memory", "thread (31,0,0)"}, {1}, {32}, 124);
});

Check unwritten_shared("an uninitialised shared word is caught", [] {
  Session s;
  expect_caught(s, kernel("", " .shared .align 4 .b8 tile[256];\n setp.ge.u32 %p1, %r0, 63; mov.u64 %q0, tile; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; @!%p1 st.shared.u32 [%q2], %r0; bar.sync 0;\n"
                              ".loc 1 33 1\n ld.shared.u32 %r1, [%q2]; ret;"),
                kLaunchFailed, {"uninitialised read of 4 bytes of shared memory", "byte 252 of 'tile'", "thread (63,0,0)", "planted.cu:33"}, {1}, {64}, 0);
});

Check stale_shared("what another block wrote to shared memory does not count as written", [] {
  Session s;
  expect_caught(s, kernel("", " .shared .align 4 .b8 cell[4];\n mov.u32 %r1, %ctaid.x; setp.ne.u32 %p1, %r1, 0; @%p1 bra READ; st.shared.u32 [cell], %r0; ret;\nREAD: ld.shared.u32 %r2, [cell]; ret;"),
                kLaunchFailed, {"uninitialised read", "block (1,0,0)"}, {2}, {1}, 0);
});

Check unwritten_local("an uninitialised local word and one outside of every variable are caught", [] {
  const char* text = " .local .align 4 .b8 depot[16];\n mov.u64 %q0, depot; st.local.u32 [%q0+4], %r0; ld.local.u32 %r1, [%q0+@]; ret;";
  auto at = [&](const std::string& offset) {
    std::string t = text;
    t.replace(t.find('@'), 1, offset);
    return kernel("", t);
  };
  expect_sound(at("4"), {1}, {32}, 0);
  Session a, b;
  expect_caught(b, at("8"), kLaunchFailed, {"uninitialised local read of 4 bytes"}, {1}, {32}, 0);
});

Check outside_local("an access outside of every local variable is caught", [] {
  Session s;
  expect_caught(s, kernel("", " .local .align 4 .b8 depot[16];\n mov.u64 %q0, depot; st.local.u32 [%q0+16], %r0; ret;"), kIllegalAddress,
                {"local write of 4 bytes", "lies in no variable"}, {1}, {32}, 0);
});

Check divergent("a barrier that some lanes of a warp skip is caught", [] {
  Session s;
  expect_caught(s, kernel(".param .u64 out", ".loc 1 40 1\n setp.ge.u32 %p1, %r0, 20; @%p1 bra SKIP; bar.sync 0;\nSKIP: ld.param.u64 %q0, [out]; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; st.global.u32 [%q2], %r0; ret;"),
                kLaunchFailed, {"barrier divergence", "thread (20,0,0)", "planted.cu:40"}, {1}, {64}, 0, s.allocate(256));
});

Check divergent_loop("a barrier in a loop of uneven length is caught", [] {
  Session s;
  expect_caught(s, kernel("", " mov.u32 %r1, 0;\nTOP: setp.gt.u32 %p1, %r1, %r0; @%p1 bra END; bar.sync 0; add.u32 %r1, %r1, 1; bra TOP;\nEND: mov.u32 %r2, 1; bar.sync 0; ret;"),
                kLaunchFailed, {"barrier divergence"}, {1}, {32}, 0);
});

Check different_barriers("warps that wait at different barriers are caught", [] {
  Session s;
  expect_caught(s, kernel("", " setp.ge.u32 %p1, %r0, 32; @%p1 bra B; bar.sync 0; bra END;\nB: bar.sync 0;\nEND: ret;"), kLaunchFailed,
                {"barrier divergence", "waits at another barrier"}, {1}, {64}, 0);
});

Check missing_lane("a shuffle from a lane that does not take part is caught", [] {
  Session s;
  expect_caught(s, kernel("", " setp.ge.u32 %p1, %r0, 20; @%p1 bra END; shfl.sync.down.b32 %r1, %r0, 4, 31, 0xfffff;\nEND: ret;"), kLaunchFailed,
                {"shuffle reads lane 20"}, {1}, {32}, 0);
});

Check unnamed_lane("lanes named in the member mask must arrive", [] {
  Session s;
  expect_caught(s, kernel(".param .u64 out", " ld.param.u64 %q0, [out]; setp.ge.u32 %p1, %r0, 16; @%p1 bra END; vote.sync.ballot.b32 %r1, %p1, -1;\nEND: mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; bar.sync 0; st.global.u32 [%q2], %r0; ret;"),
                kLaunchFailed, {"do not arrive"}, {1}, {32}, 0, s.allocate(128));
});

Check read_only("constants and parameters cannot be written", [] {
  Session s;
  expect_caught(s, ptx(".const .align 4 .u32 c[2] = {1, 2};\n.visible .entry planted()\n{\n .reg .b64 %q<2>; mov.u64 %q0, c; st.u32 [%q0], 1; ret;\n}\n"
                       ), kIllegalAddress, {"read-only variable 'c'"}, {1}, {1}, 0);
});

Check endless("a kernel that never ends is stopped", [] {
  /* The limit is read when the driver starts, so that this check needs a process of its own. */
  if (!getenv("WISP_SOFTGPU_LIMIT")) return skip("runs in the second pass, with WISP_SOFTGPU_LIMIT");
  Session s;
  expect_caught(s, kernel("", "TOP: add.u32 %r0, %r0, 1; bra TOP;"), kTimeout, {"instruction limit"}, {1}, {32}, 0);
});

Check trapped("trap ends the launch", [] {
  Session s;
  expect_caught(s, kernel("", " setp.eq.u32 %p1, %r0, 7; @%p1 trap; ret;"), kLaunchFailed, {"trap", "thread (7,0,0)"}, {1}, {32}, 0);
});

Check forgotten_wait("a copy that is not waited for leaves the tile unwritten", [] {
  Session s;
  const DevicePointer x = s.upload(std::vector<uint32_t>(32, 1));
  std::string text = kernel(".param .u64 x", " .shared .align 16 .b8 tile[128];\n ld.param.u64 %q0, [x]; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; mov.u64 %q3, tile; add.u64 %q4, %q3, %q1;\n"
                              " cp.async.ca.shared.global [%q4], [%q2], 4; cp.async.commit_group; bar.sync 0; ld.shared.u32 %r1, [%q4]; ret;");
  text.replace(text.find("sm_75"), 5, "sm_80");
  expect_caught(s, text, kLaunchFailed, {"uninitialised read"}, {1}, {32}, 0, x);
});

}  // namespace
