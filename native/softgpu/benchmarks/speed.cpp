/* Lane instructions the interpreter runs in a second of processor time, for kernels of different
   kinds. Not a test. */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "../tests/driver.h"
#include "softgpu.h"

namespace {

/* Every kernel: t(out, in, n) with in of 1 << 20 floats. */
struct Kernel {
  const char* name;
  const char* body;
};

constexpr Kernel kKernels[] = {
    {"arithmetic: 16 fma in a loop", R"(
  mov.u32 %r5, 0; mov.f32 %f1, 0f3F800000; mov.f32 %f2, 0f3F000000; mov.f32 %f3, 0f3E800000; mov.f32 %f4, 0f3E000000;
L: fma.rn.f32 %f1, %f1, %f2, %f3; fma.rn.f32 %f2, %f2, %f3, %f4; fma.rn.f32 %f3, %f3, %f4, %f1; fma.rn.f32 %f4, %f4, %f1, %f2;
  fma.rn.f32 %f1, %f1, %f2, %f3; fma.rn.f32 %f2, %f2, %f3, %f4; fma.rn.f32 %f3, %f3, %f4, %f1; fma.rn.f32 %f4, %f4, %f1, %f2;
  fma.rn.f32 %f1, %f1, %f2, %f3; fma.rn.f32 %f2, %f2, %f3, %f4; fma.rn.f32 %f3, %f3, %f4, %f1; fma.rn.f32 %f4, %f4, %f1, %f2;
  fma.rn.f32 %f1, %f1, %f2, %f3; fma.rn.f32 %f2, %f2, %f3, %f4; fma.rn.f32 %f3, %f3, %f4, %f1; fma.rn.f32 %f4, %f4, %f1, %f2;
  add.u32 %r5, %r5, 1; setp.lt.u32 %p1, %r5, 200; @%p1 bra L; st.global.f32 [%q2], %f4;)"},
    {"streaming: out = 2 in + out", R"(
  mov.f32 %f3, 0f40000000; mov.u32 %r5, 0;
L: ld.global.nc.f32 %f1, [%q4]; ld.global.f32 %f2, [%q2]; fma.rn.f32 %f2, %f1, %f3, %f2; st.global.f32 [%q2], %f2;
  add.u32 %r5, %r5, 1; setp.lt.u32 %p1, %r5, 50; @%p1 bra L;)"},
    {"gathering: scattered reads", R"(
  mov.u32 %r5, 0; mov.f32 %f2, 0f00000000;
L: mad.lo.u32 %r6, %r0, 2654435761, %r5; and.b32 %r6, %r6, 1048575; mul.wide.u32 %q5, %r6, 4; add.u64 %q6, %q3, %q5; ld.global.f32 %f1, [%q6]; add.f32 %f2, %f2, %f1;
  add.u32 %r5, %r5, 1; setp.lt.u32 %p1, %r5, 50; @%p1 bra L; st.global.f32 [%q2], %f2;)"},
    {"shared tile: 8 reads and 8 fma a step", R"(
  .shared .align 16 .b8 tile[4096];
  mov.u64 %q5, tile; mul.wide.u32 %q6, %r3, 4; add.u64 %q7, %q5, %q6; ld.global.f32 %f1, [%q4]; mov.u32 %r5, 0; mov.f32 %f9, 0f00000000;
L: st.shared.f32 [%q7], %f1; bar.sync 0;
  ld.shared.f32 %f2, [%q5]; fma.rn.f32 %f9, %f1, %f2, %f9; ld.shared.f32 %f2, [%q5+4]; fma.rn.f32 %f9, %f1, %f2, %f9; ld.shared.f32 %f2, [%q5+8]; fma.rn.f32 %f9, %f1, %f2, %f9; ld.shared.f32 %f2, [%q5+12]; fma.rn.f32 %f9, %f1, %f2, %f9;
  ld.shared.f32 %f2, [%q7]; fma.rn.f32 %f9, %f1, %f2, %f9; ld.shared.f32 %f2, [%q7]; fma.rn.f32 %f9, %f1, %f2, %f9; ld.shared.f32 %f2, [%q7]; fma.rn.f32 %f9, %f1, %f2, %f9; ld.shared.f32 %f2, [%q7]; fma.rn.f32 %f9, %f1, %f2, %f9;
  bar.sync 0; add.u32 %r5, %r5, 1; setp.lt.u32 %p1, %r5, 50; @%p1 bra L; st.global.f32 [%q2], %f9;)"},
    {"divergent: every lane its own loop length", R"(
  and.b32 %r6, %r0, 31; mov.u32 %r7, 0; mov.u32 %r5, 0;
L: setp.gt.u32 %p1, %r7, %r6; @%p1 bra N; add.u32 %r7, %r7, 1; mul.lo.u32 %r8, %r7, %r7; xor.b32 %r9, %r8, %r6; add.u32 %r10, %r9, %r8; bra L;
N: mov.u32 %r7, 0; add.u32 %r5, %r5, 1; setp.lt.u32 %p2, %r5, 8; @%p2 bra L; st.global.u32 [%q2], %r10;)"},
    {"exponentials: ex2 and lg2", R"(
  ld.global.f32 %f1, [%q4]; mov.u32 %r5, 0;
L: ex2.approx.ftz.f32 %f2, %f1; lg2.approx.f32 %f1, %f2; add.u32 %r5, %r5, 1; setp.lt.u32 %p1, %r5, 100; @%p1 bra L; st.global.f32 [%q2], %f1;)"},
};

void must(int code, const char* what) {
  if (code == 0) return;
  char text[4096];
  softgpu_last_report(text, sizeof text);
  std::printf("%s: %d\n%s\n", what, code, text);
  std::exit(1);
}

/* Processor time: other programs do not count. */
double seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

uint64_t count_of(const char* field) {
  std::string json(softgpu_counts(nullptr, 0) + 1, '\0');
  softgpu_counts(&json[0], json.size());
  const char* at = std::strstr(json.c_str(), field);
  return at ? std::strtoull(at + std::strlen(field) + 2, nullptr, 10) : 0;
}

}  // namespace

int main() {
  must(cuInit(0), "cuInit");
  void* context = nullptr;
  must(cuCtxCreate_v2(&context, 0, 0), "context");
  const unsigned n = 1u << 20;
  DevicePointer in = 0, out = 0;
  must(cuMemAlloc_v2(&in, n * 4), "memory");
  must(cuMemAlloc_v2(&out, n * 4), "memory");
  must(cuMemsetD32_v2(in, 0x3f000000, n), "memset");
  must(cuMemsetD32_v2(out, 0, n), "memset");
  for (const Kernel& kernel : kKernels) {
    const std::string text = std::string(".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry t(.param .u64 out, .param .u64 in, .param .u32 n)\n{\n"
        " .reg .pred %p<4>; .reg .b32 %r<16>; .reg .b64 %q<8>; .reg .f32 %f<10>;\n"
        " mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mad.lo.u32 %r0, %r1, %r2, %r3; ld.param.u64 %q0, [out]; ld.param.u64 %q3, [in];\n"
        " mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1; add.u64 %q4, %q3, %q1;\n") + kernel.body + "\n ret;\n}\n";
    void *module = nullptr, *function = nullptr;
    must(cuModuleLoadData(&module, text.c_str()), kernel.name);
    must(cuModuleGetFunction(&function, module, "t"), kernel.name);
    void* params[] = {&out, &in, const_cast<unsigned*>(&n)};
    double best = 1e9;
    uint64_t instructions = 0;
    for (int run = 0; run < 3; ++run) {
      softgpu_reset_counts();
      const double start = seconds();
      must(cuLaunchKernel(function, 128, 1, 1, 256, 1, 1, 0, nullptr, params, nullptr), kernel.name);
      best = std::min(best, seconds() - start);
      instructions = count_of("\"lane_instructions\"") ;
    }
    std::printf("%-45s %8.1f M lane instructions/s\n", kernel.name, static_cast<double>(instructions) / best * 1e-6);
    must(cuModuleUnload(module), "unload");
  }
}
