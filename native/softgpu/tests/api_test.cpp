/* The driver API around the kernels. */
#include <cstring>

#include "harness.h"
#include "softgpu.h"

using namespace softgpu_tests;

namespace {

enum { kInvalidValue = 1, kOutOfMemory = 2, kUnavailable = 46, kInvalidDevice = 101, kInvalidContext = 201, kNoBinary = 209,
       kInvalidPtx = 218, kInvalidHandle = 400, kNotFound = 500, kLaunchFailed = 719, kNotSupported = 801,
       kCaptureImplicit = 906, kCaptureInvalidated = 901 };

void expect_code(int found, int wanted, const std::string& what) {
  expect_equal(static_cast<uint64_t>(found), static_cast<uint64_t>(wanted), what);
}

/* out[i] += 1 for one block. */
std::string increment() {
  return ptx(".visible .entry increment(.param .u64 out)\n{\n .reg .b32 %r<4>; .reg .b64 %q<4>;\n mov.u32 %r0, %tid.x; ld.param.u64 %q0, [out]; mul.wide.u32 %q1, %r0, 4; add.u64 %q2, %q0, %q1;\n"
             " ld.global.u32 %r1, [%q2]; add.u32 %r1, %r1, 1; st.global.u32 [%q2], %r1; ret;\n}\n");
}

Check devices("devices have the capabilities that were asked for", [] {
  Session s;
  int count = 0, major = 0, minor = 0, version = 0;
  expect_code(cuDeviceGetCount(&count), 0, "count");
  expect_equal(static_cast<uint64_t>(count), 2, "devices");
  const int wanted[] = {90, 75};
  for (int d = 0; d < 2; ++d) {
    expect_code(cuDeviceGetAttribute(&major, 75, d), 0, "major");
    expect_code(cuDeviceGetAttribute(&minor, 76, d), 0, "minor");
    expect_equal(static_cast<uint64_t>(major * 10 + minor), static_cast<uint64_t>(wanted[d]), "capability");
  }
  expect_code(cuDeviceGet(&count, 2), kInvalidDevice, "no third device");
  expect_code(cuDriverGetVersion(&version), 0, "version");
  expect_equal(static_cast<uint64_t>(version), 12060, "driver version");
  char name[64];
  expect_code(cuDeviceGetName(name, sizeof name, 1), 0, "name");
  expect_contains(name, "Software CUDA device");
});

Check contexts("contexts are current by thread and refuse what they do not know", [] {
  Session s;
  void *mine = nullptr, *primary = nullptr, *found = nullptr;
  expect_code(cuCtxGetCurrent(&mine), 0, "current");
  expect_code(cuDevicePrimaryCtxRetain(&primary, 1), 0, "retain");
  expect_code(cuCtxPushCurrent_v2(primary), 0, "push");
  expect_code(cuCtxGetCurrent(&found), 0, "current");
  expect(found == primary, "the pushed context is current");
  expect_code(cuCtxPopCurrent_v2(&found), 0, "pop");
  expect_code(cuCtxSetCurrent(nullptr), 0, "none");
  DevicePointer p;
  expect_code(cuMemAlloc_v2(&p, 4), kInvalidContext, "no context");
  int local;
  expect_code(cuCtxSetCurrent(&local), kInvalidContext, "a pointer that is no context");
  expect_code(cuCtxSetCurrent(mine), 0, "back");
  expect_code(cuDevicePrimaryCtxRelease_v2(1), 0, "release");
  expect_code(cuDevicePrimaryCtxRelease_v2(1), kInvalidContext, "released too often");
});

Check allocation("allocations count, are found again and are freed once", [] {
  Session s;
  size_t before = 0, after = 0, total = 0;
  expect_code(cuMemGetInfo_v2(&before, &total), 0, "info");
  const DevicePointer p = s.allocate(1000);
  expect_code(cuMemGetInfo_v2(&after, &total), 0, "info");
  expect_equal(before - after, 1000, "used");
  DevicePointer base = 0;
  size_t bytes = 0;
  expect_code(cuMemGetAddressRange_v2(&base, &bytes, p + 999), 0, "range");
  expect(base == p && bytes == 1000, "the allocation");
  expect_code(cuMemGetAddressRange_v2(&base, &bytes, p + 1000), kNotFound, "behind it");
  expect_code(cuMemFree_v2(p + 4), kInvalidValue, "not its beginning");
  expect_code(cuMemFree_v2(p), 0, "free");
  expect_code(cuMemFree_v2(p), kInvalidValue, "freed twice");
  expect_contains(last_report(), "freed twice");
  DevicePointer big;
  expect_code(cuMemAlloc_v2(&big, total + 1), kOutOfMemory, "more than there is");
  expect_code(cuMemAlloc_v2(&big, 0), kInvalidValue, "nothing");
});

Check copies("copies are checked against their allocation", [] {
  Session s;
  std::vector<uint32_t> data(100, 3), back(101);
  const DevicePointer p = s.upload(data), q = s.allocate(400);
  expect_code(cuMemcpyHtoD_v2(p, back.data(), 404), kInvalidValue, "too long");
  expect_contains(last_report(), "lies in no live allocation");
  expect_code(cuMemcpyDtoH_v2(back.data(), p + 4, 400), kInvalidValue, "too far");
  expect_code(cuMemcpyHtoD_v2(reinterpret_cast<DevicePointer>(back.data()), data.data(), 4), kInvalidValue, "a host pointer as device memory");
  expect_code(cuMemcpyDtoH_v2(reinterpret_cast<void*>(p), q, 4), kInvalidValue, "a device pointer as host memory");
  expect_code(cuMemcpyDtoD_v2(q, p, 200), 0, "half of it");
  expect_code(cuMemsetD32_v2(q + 200, 0x01020304, 25), 0, "memset");
  expect_code(cuMemsetD32_v2(q + 201, 0, 1), kInvalidValue, "misaligned memset");
  const auto all = s.download<uint32_t>(q, 100);
  for (size_t n = 0; n < 100; ++n) expect_equal(all[n], n < 50 ? 3 : n < 75 ? 0x01020304u : 0xa5a5a5a5u, "what was never written is 0xa5");
  expect_code(cuMemcpyHtoD_v2(p, nullptr, 0), 0, "no bytes");
});

Check peers("memory goes from one device to the other", [] {
  Session first(0);
  const DevicePointer p = first.upload(std::vector<uint32_t>{1, 2, 3});
  void* a = nullptr;
  cuCtxGetCurrent(&a);
  {
    Session second(1);
    void* b = nullptr;
    cuCtxGetCurrent(&b);
    const DevicePointer q = second.allocate(12);
    expect_code(cuMemcpyPeer(q, b, p, a, 12), 0, "peer copy");
    expect_equal(second.download<uint32_t>(q, 3)[2], 3, "copied");
    void* k = second.kernel(increment(), "increment");
    expect_code(launch(k, {1}, {3}, 0, p), 700, "a kernel cannot reach the other device");
  }
  expect_equal(first.download<uint32_t>(p, 3)[0], 1, "the first device's context is not hurt");
});

Check pools("pools count what is used and what is reserved", [] {
  Session s;
  void *pool = nullptr, *stream = nullptr;
  expect_code(cuDeviceGetDefaultMemPool(&pool, 0), 0, "pool");
  expect_code(cuStreamCreate(&stream, 1), 0, "stream");
  uint64_t keep = ~0ull, zero = 0, used = 1, reserved = 0, high = 0;
  expect_code(cuMemPoolSetAttribute(pool, 4, &keep), 0, "threshold");
  expect_code(cuMemPoolSetAttribute(pool, 8, &zero), 0, "reset");
  DevicePointer p, q;
  expect_code(cuMemAllocAsync(&p, 1000, stream), 0, "alloc");
  expect_code(cuMemAllocAsync(&q, 500, stream), 0, "alloc");
  expect_code(cuMemFreeAsync(p, stream), 0, "free");
  expect_code(cuMemPoolGetAttribute(pool, 7, &used), 0, "used");
  expect_code(cuMemPoolGetAttribute(pool, 5, &reserved), 0, "reserved");
  expect_code(cuMemPoolGetAttribute(pool, 8, &high), 0, "high");
  expect_equal(used, 500, "used");
  expect_equal(high, 1500, "most used");
  expect(reserved >= 1500, "what is freed stays reserved under the threshold");
  expect_code(cuMemFreeAsync(q, stream), 0, "free");
  expect_code(cuMemFreeAsync(q, stream), kInvalidValue, "freed twice");
  expect_code(cuStreamDestroy_v2(stream), 0, "destroy");
  expect_code(cuStreamSynchronize(stream), kInvalidHandle, "a stream that is gone");
});

Check refusals("modules are refused with the line and the reason", [] {
  Session s;
  struct Case {
    std::string text;
    int code;
    const char* words;
  };
  const std::string entry = ".visible .entry k()\n{\n .reg .b32 %r<4>; .reg .f32 %f<4>; .reg .b64 %q<2>; .reg .pred %p<2>;\n";
  const Case cases[] = {
      {ptx(entry + " tex.2d.v4.f32.f32 {%f0, %f1, %f2, %f3}, [%q0, {%f0, %f1}];\n}\n"), kNotSupported, "PTX line 7: 'tex.2d.v4.f32.f32' is not supported"},
      {ptx(entry + " add.s32 %r0, %r1;\n}\n"), kInvalidPtx, "too few operands"},
      {ptx(entry + " add.s32 %r0, %r1, %q0;\n}\n"), kInvalidPtx, "operand of another width"},
      {ptx(entry + " add.wobble.s32 %r0, %r1, %r2;\n}\n"), kNotSupported, "modifier '.wobble'"},
      {ptx(entry + " bra NOWHERE;\n}\n"), kInvalidPtx, "label 'NOWHERE' is not declared"},
      {ptx(entry + " mov.u32 %r0, %pm0;\n}\n"), kNotSupported, "special register '%pm0'"},
      {ptx(entry + " ld.global.u32 %r0, [nothing];\n}\n"), kInvalidPtx, "'nothing' is not declared"},
      {ptx(".extern .func (.param .b32 r) vprintf(.param .b64 a, .param .b64 b);\n" + entry +
           " { .param .b64 a; .param .b64 b; .param .b32 c; call (c), vprintf, (a, b); }\n ret;\n}\n"), kNotSupported, "'vprintf' is not defined"},
      {ptx(entry + " ret;\n}\n", 100), kInvalidPtx, "the PTX is for sm_100, the device is sm_90"},
      {ptx(entry + " redux.sync.add.s32 %r0, %r1, -1;\n}\n", 75), kInvalidPtx, "needs .target sm_80"},
      {ptx(entry + " add.s32 %r0, %r1, %r2\n}\n"), kInvalidPtx, "expected ';'"},
      {std::string("\x7f" "ELF rest"), kNoBinary, "this image is a CUBIN"},
  };
  for (const Case& c : cases) {
    char log[512] = {};
    int options[] = {5, 6};
    void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
    void* module = nullptr;
    expect_code(cuModuleLoadDataEx(&module, c.text.c_str(), 2, options, values), c.code, c.words);
    expect_contains(log, c.words);
    expect_equal(reinterpret_cast<size_t>(values[1]), std::strlen(log), "length of the log");
  }
});

Check functions("functions know their parameters and attributes", [] {
  Session s;
  void* k = s.kernel(ptx(".visible .entry k(.param .u64 a, .param .u32 b, .param .u64 c, .param .f32 d)\n.maxntid 128, 1, 1\n{\n .shared .align 16 .b8 tile[64]; .shared .align 4 .b8 more[12]; ret;\n}\n"), "k");
  const size_t offsets[] = {0, 8, 16, 24}, sizes[] = {8, 4, 8, 4};
  size_t offset, size;
  for (size_t n = 0; n < 4; ++n) {
    expect_code(cuFuncGetParamInfo(k, n, &offset, &size), 0, "parameter");
    expect(offset == offsets[n] && size == sizes[n], "parameter " + std::to_string(n));
  }
  expect_code(cuFuncGetParamInfo(k, 4, &offset, &size), kInvalidValue, "no fifth parameter");
  int value = 0, blocks = 0;
  expect_code(cuFuncGetAttribute(&value, 0, k), 0, "threads");
  expect_equal(static_cast<uint64_t>(value), 128, "threads");
  expect_code(cuFuncGetAttribute(&value, 1, k), 0, "shared");
  expect_equal(static_cast<uint64_t>(value), 76, "shared bytes are the nominal ones");
  expect_code(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, k, 128, 0), 0, "occupancy");
  expect_equal(static_cast<uint64_t>(blocks), 16, "blocks");
  const DevicePointer p = 0;
  const unsigned u = 0;
  const float f = 0;
  expect_code(launch(k, {1}, {129}, 0, p, u, p, f), kInvalidValue, "too many threads");
  expect_code(launch(k, {0}, {1}, 0, p, u, p, f), kInvalidValue, "no blocks");
  expect_code(launch(k, {1}, {1}, 48 * 1024, p, u, p, f), kInvalidValue, "too much shared memory");
  expect_code(cuFuncSetAttribute(k, 8, 64 * 1024), 0, "opt in");
  expect_code(launch(k, {1}, {1}, 64 * 1024, p, u, p, f), 0, "opted in");
  expect_code(launch(k, {1, 65536}, {1}, 0, p, u, p, f), kInvalidValue, "grid too high");
});

Check extra("parameters can come in one buffer", [] {
  Session s;
  void* k = s.kernel(increment(), "increment");
  const DevicePointer p = s.upload(std::vector<uint32_t>(4, 10));
  size_t size = sizeof p;
  void* extra[] = {reinterpret_cast<void*>(1), const_cast<DevicePointer*>(&p), reinterpret_cast<void*>(2), &size, nullptr};
  expect_code(cuLaunchKernel(k, 1, 1, 1, 4, 1, 1, 0, nullptr, nullptr, extra), 0, "launch");
  expect_equal(s.download<uint32_t>(p, 4)[3], 11, "result");
  size = 4;
  expect_code(cuLaunchKernel(k, 1, 1, 1, 4, 1, 1, 0, nullptr, nullptr, extra), kInvalidValue, "a buffer that is too short");
});

Check streams("streams and events keep their order", [] {
  Session s;
  void *stream = nullptr, *start = nullptr, *end = nullptr;
  expect_code(cuStreamCreateWithPriority(&stream, 1, -1), 0, "stream");
  expect_code(cuEventCreate(&start, 0), 0, "event");
  expect_code(cuEventCreate(&end, 0), 0, "event");
  float ms = -1;
  expect_code(cuEventElapsedTime(&ms, start, end), kInvalidHandle, "not recorded");
  expect_code(cuEventRecord(start, stream), 0, "record");
  const DevicePointer p = s.allocate(16);
  expect_code(cuMemsetD32Async(p, 5, 4, stream), 0, "memset");
  expect_code(cuEventRecord(end, stream), 0, "record");
  expect_code(cuStreamWaitEvent(nullptr, end, 0), 0, "wait");
  expect_code(cuEventSynchronize(end), 0, "synchronize");
  expect_code(cuEventElapsedTime(&ms, start, end), 0, "elapsed");
  expect(ms >= 0, "time goes on");
  std::vector<uint32_t> back(4);
  expect_code(cuMemcpyDtoHAsync_v2(back.data(), p, 16, stream), 0, "copy");
  expect_code(cuStreamSynchronize(stream), 0, "synchronize");
  expect_equal(back[3], 5, "copied");
  expect_code(cuEventDestroy_v2(start), 0, "destroy");
  expect_code(cuEventRecord(start, stream), kInvalidHandle, "an event that is gone");
});

Check graphs("captured work runs when the graph is launched, each time", [] {
  Session s;
  void *stream = nullptr, *side = nullptr, *fork = nullptr, *join = nullptr, *graph = nullptr, *exec = nullptr;
  Session::must(cuStreamCreate(&stream, 1), "stream");
  Session::must(cuStreamCreate(&side, 1), "stream");
  Session::must(cuEventCreate(&fork, 2), "event");
  Session::must(cuEventCreate(&join, 2), "event");
  void* k = s.kernel(increment(), "increment");
  DevicePointer p = s.allocate(16), q = s.upload(std::vector<uint32_t>(4, 100));
  expect_code(cuStreamBeginCapture_v2(stream, 2), 0, "begin");
  expect_code(cuMemsetD32Async(p, 5, 4, stream), 0, "memset");
  void* a[] = {&p};
  expect_code(cuLaunchKernel(k, 1, 1, 1, 4, 1, 1, 0, stream, a, nullptr), 0, "launch");
  expect_code(cuEventRecord(fork, stream), 0, "fork");
  expect_code(cuStreamWaitEvent(side, fork, 0), 0, "the other stream joins the capture");
  void* b[] = {&q};
  expect_code(cuLaunchKernel(k, 1, 1, 1, 4, 1, 1, 0, side, b, nullptr), 0, "launch on the other stream");
  expect_code(cuEventRecord(join, side), 0, "join");
  expect_code(cuStreamWaitEvent(stream, join, 0), 0, "back");
  int status = -1;
  expect_code(cuStreamIsCapturing(stream, &status), 0, "status");
  expect_equal(static_cast<uint64_t>(status), 1, "capturing");
  expect_code(cuStreamEndCapture(stream, &graph), 0, "end");
  expect_equal(s.download<uint32_t>(q, 1)[0], 100, "nothing has run");
  size_t nodes = 0;
  expect_code(cuGraphGetNodes(graph, nullptr, &nodes), 0, "nodes");
  expect_equal(nodes, 3, "nodes");
  expect_code(cuGraphInstantiateWithFlags(&exec, graph, 0), 0, "instantiate");
  expect_code(cuGraphDestroy(graph), 0, "destroy");
  for (uint32_t n = 1; n <= 3; ++n) {
    expect_code(cuGraphLaunch(exec, stream), 0, "launch");
    expect_code(cuStreamSynchronize(stream), 0, "synchronize");
    expect_equal(s.download<uint32_t>(p, 4)[2], 6, "set, then incremented");
    expect_equal(s.download<uint32_t>(q, 4)[2], 100 + n, "incremented each time");
  }
  expect_code(cuGraphExecDestroy(exec), 0, "destroy");
});

Check spoiled("a call that waits spoils a capture", [] {
  Session s;
  void *stream = nullptr, *graph = nullptr;
  Session::must(cuStreamCreate(&stream, 1), "stream");
  const DevicePointer p = s.allocate(16);
  uint32_t word = 0;
  expect_code(cuStreamBeginCapture_v2(stream, 0), 0, "begin");
  expect_code(cuMemcpyDtoH_v2(&word, p, 4), kCaptureImplicit, "a synchronous copy");
  expect_code(cuStreamEndCapture(stream, &graph), kCaptureInvalidated, "end");
  expect(graph == nullptr, "no graph");
});

Check injected("failures happen at the call that was asked for", [] {
  Session s;
  void* k = s.kernel(increment(), "increment");
  DevicePointer p = s.upload(std::vector<uint32_t>(4, 0)), q = 0;
  expect(softgpu_fail("alloc:2") == 0, "plan");
  expect_code(cuMemAlloc_v2(&q, 4), 0, "first");
  expect_code(cuMemAlloc_v2(&q, 4), kOutOfMemory, "second");
  expect_code(cuMemAlloc_v2(&q, 4), 0, "third");
  expect(softgpu_fail("alloc:x:,") == 1 && softgpu_fail("wobble:3") == 1, "malformed plans");
  softgpu_fail("launch@1:1");
  expect_code(launch(k, {1}, {4}, 0, p), 0, "another device's failure");
  softgpu_fail("launch:2");
  expect_code(launch(k, {1}, {4}, 0, p), 0, "first");
  expect_code(launch(k, {1}, {4}, 0, p), kLaunchFailed, "second");
  expect_code(cuMemcpyDtoH_v2(&q, p, 4), kLaunchFailed, "the context has failed");
  softgpu_fail("");
  Session other;
  expect_code(cuMemAlloc_v2(&q, 4), 0, "another context works");
});

Check lost("a lost device refuses everything, the other one goes on", [] {
  {
    Session s(1);
    void* k = s.kernel(increment(), "increment");
    DevicePointer p = s.upload(std::vector<uint32_t>(4, 0)), q = 0;
    softgpu_fail("lost@1:1");
    expect_code(launch(k, {1}, {4}, 0, p), kUnavailable, "lost");
    expect_code(cuMemAlloc_v2(&q, 4), kUnavailable, "alloc");
    expect_code(cuCtxSynchronize(), kUnavailable, "synchronize");
    expect_code(cuMemcpyDtoH_v2(&q, p, 4), kUnavailable, "copy");
    softgpu_fail("");
  }
  void* context = nullptr;
  expect_code(cuCtxCreate_v2(&context, 0, 1), kUnavailable, "no new context");
  Session s(0);
  DevicePointer q = 0;
  expect_code(cuMemAlloc_v2(&q, 4), 0, "the first device");
  softgpu_restore();
  expect_code(cuCtxCreate_v2(&context, 0, 1), 0, "restored");
  expect_code(cuCtxDestroy_v2(context), 0, "destroy");
});

Check counts("what a kernel does is counted", [] {
  Session s;
  void* k = s.kernel(increment(), "increment");
  DevicePointer p = s.upload(std::vector<uint32_t>(64, 0));
  softgpu_reset_counts();
  Session::must(launch(k, {1}, {64}, 0, p), "launch");
  Session::must(launch(k, {1}, {40}, 0, p), "launch");
  std::string json(softgpu_counts(nullptr, 0) + 1, '\0');
  softgpu_counts(&json[0], json.size());
  for (const char* part : {"\"increment\"", "\"launches\": 2", "\"blocks\": 2", "\"threads\": 104", "\"warp_instructions\": 32",
                           "\"lane_instructions\": 832", "\"global_bytes_read\": 416", "\"global_bytes_written\": 416",
                           "\"global_sectors_read\": 13"})
    expect_contains(json, part);
});

Check symbols("symbols are found by name, and unsupported calls say so", [] {
  void* function = nullptr;
  int status = -1;
  expect_code(cuGetProcAddress_v2("cuMemAlloc", &function, 12060, 0, &status), 0, "address");
  expect(function == reinterpret_cast<void*>(&cuMemAlloc_v2), "the newest version");
  expect_code(cuGetProcAddress_v2("cuNothing", &function, 12060, 0, &status), kNotFound, "unknown");
  expect_code(cuTexObjectCreate(), kNotSupported, "textures");
  const char* name = nullptr;
  expect_code(cuGetErrorName(716, &name), 0, "name");
  expect_contains(name, "CUDA_ERROR_MISALIGNED_ADDRESS");
});

}  // namespace
