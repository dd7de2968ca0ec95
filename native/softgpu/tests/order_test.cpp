/* Order between streams, and copies that are begun late: a wait that is missing is seen. */
#include <cstring>

#include "harness.h"
#include "softgpu.h"

using namespace softgpu_tests;

namespace {

constexpr int kLaunchFailed = 719, kCaptureUnsupported = 900, kCaptureInvalidated = 901;

void expect_code(int found, int wanted, const std::string& what) {
  expect_equal(static_cast<uint64_t>(found), static_cast<uint64_t>(wanted), what);
}

/* to[i] = from[i] + 1 for one block. */
std::string successor() {
  return ptx(".visible .entry successor(.param .u64 from, .param .u64 to)\n{\n .reg .b32 %r<4>; .reg .b64 %q<8>;\n mov.u32 %r0, %tid.x; mul.wide.u32 %q4, %r0, 4;\n"
             " ld.param.u64 %q0, [from]; ld.param.u64 %q1, [to]; add.u64 %q2, %q0, %q4; add.u64 %q3, %q1, %q4;\n"
             " ld.global.u32 %r1, [%q2]; add.u32 %r1, %r1, 1; st.global.u32 [%q3], %r1; ret;\n}\n");
}

constexpr size_t kCount = 64, kBytes = kCount * sizeof(uint32_t);

/* A compute stream, a copy stream, pinned memory and two tensors. */
struct Overlap {
  Session s;
  void *compute = nullptr, *copy = nullptr, *event = nullptr, *k = nullptr;
  uint32_t* pinned = nullptr;
  DevicePointer from = 0, to = 0;

  Overlap() {
    Session::must(cuStreamCreate(&compute, 1), "stream");
    Session::must(cuStreamCreate(&copy, 1), "stream");
    Session::must(cuEventCreate(&event, 2), "event");
    void* p = nullptr;
    Session::must(cuMemHostAlloc(&p, kBytes, 0), "pinned memory");
    pinned = static_cast<uint32_t*>(p);
    fill(5);
    from = s.allocate(kBytes);
    to = s.allocate(kBytes);
    k = s.kernel(successor(), "successor");
  }
  ~Overlap() { cuMemFreeHost(pinned); }

  void fill(uint32_t value) {
    for (size_t n = 0; n < kCount; ++n) pinned[n] = value;
  }
  int upload() { return cuMemcpyHtoDAsync_v2(from, pinned, kBytes, copy); }
  int run(DevicePointer in, DevicePointer out, void* stream) {
    void* params[] = {&in, &out};
    return cuLaunchKernel(k, 1, 1, 1, kCount, 1, 1, 0, stream, params, nullptr);
  }
  int run() { return run(from, to, compute); }
  int order(void* first, void* then) {
    const int code = cuEventRecord(event, first);
    return code ? code : cuStreamWaitEvent(then, event, 0);
  }
  void expect_result(uint32_t value) {
    expect_code(cuStreamSynchronize(compute), 0, "synchronize");
    expect_equal(s.download<uint32_t>(to, kCount)[kCount - 1], value, "result");
  }
};

Check waited("work behind an event sees a copy of another stream", [] {
  Overlap o;
  expect_code(o.upload(), 0, "copy");
  expect_code(o.order(o.copy, o.compute), 0, "event");
  expect_code(o.run(), 0, "launch");
  expect_code(cuStreamSynchronize(o.compute), 0, "synchronize");
  o.expect_result(6);
});

Check unwaited("a kernel that does not wait for a copy of another stream is caught, its line and both streams named", [] {
  Overlap o;
  expect_code(o.upload(), 0, "copy");
  expect_code(o.run(), kLaunchFailed, "launch");
  for (const char* part : {"read of 4 bytes", "a read on stream", "not ordered behind the write on stream", "kernel successor"})
    expect_contains(last_report(), part);
});

Check written_too_early("a copy into what another stream still reads is caught", [] {
  Overlap o;
  Session::must(cuMemsetD32_v2(o.from, 1, kCount), "fill");
  expect_code(o.run(), 0, "launch");
  expect_code(o.upload(), kLaunchFailed, "copy");
  expect_contains(last_report(), "a write on stream");
  expect_contains(last_report(), "not ordered behind a read on stream");
});

Check written_in_order("the same copy behind an event, or after the host has waited, is sound", [] {
  for (const bool by_host : {false, true}) {
    Overlap o;
    Session::must(cuMemsetD32_v2(o.from, 1, kCount), "fill");
    expect_code(o.run(), 0, "launch");
    expect_code(by_host ? cuStreamSynchronize(o.compute) : o.order(o.compute, o.copy), 0, "order");
    expect_code(o.upload(), 0, "copy");
    expect_code(o.order(o.copy, o.compute), 0, "event");
    expect_code(o.run(), 0, "launch");
    o.expect_result(6);
  }
});

Check older_event("an event that was recorded before the copy does not order it", [] {
  Overlap o;
  expect_code(cuEventRecord(o.event, o.copy), 0, "event");
  expect_code(o.upload(), 0, "copy");
  expect_code(cuStreamWaitEvent(o.compute, o.event, 0), 0, "wait");
  expect_code(o.run(), kLaunchFailed, "launch");
});

Check reused_source("host memory that is written before its copy was waited for spoils the copy", [] {
  for (const bool waits : {true, false}) {
    Overlap o;
    expect_code(o.upload(), 0, "copy");
    expect_code(o.order(o.copy, o.compute), 0, "event");
    if (waits) expect_code(cuEventSynchronize(o.event), 0, "synchronize");
    o.fill(70);
    expect_code(o.run(), 0, "launch");
    o.expect_result(waits ? 6 : 71);
  }
});

Check early_read("host memory that is read before the copy into it was waited for holds nothing yet", [] {
  Overlap o;
  Session::must(cuMemsetD32_v2(o.to, 9, kCount), "fill");
  expect_code(cuMemcpyDtoHAsync_v2(o.pinned, o.to, kBytes, o.compute), 0, "copy");
  expect_equal(o.pinned[3], 0xa5a5a5a5u, "before");
  expect_code(cuStreamSynchronize(o.compute), 0, "synchronize");
  expect_equal(o.pinned[3], 9, "after");
});

Check in_one_stream("within a stream copies and kernels keep their order", [] {
  Overlap o;
  expect_code(cuMemcpyHtoDAsync_v2(o.from, o.pinned, kBytes, o.compute), 0, "up");
  expect_code(o.run(), 0, "launch");
  expect_code(cuMemcpyDtoHAsync_v2(o.pinned, o.to, kBytes, o.compute), 0, "down");
  expect_code(cuMemcpyHtoDAsync_v2(o.from, o.pinned, kBytes, o.compute), 0, "up");
  expect_code(o.run(), 0, "launch");
  o.expect_result(7);
});

Check freed_too_early("memory given back in one stream's order while another uses it is caught", [] {
  Overlap o;
  DevicePointer p = 0;
  expect_code(cuMemAllocAsync(&p, kBytes, o.compute), 0, "allocate");
  expect_code(o.run(p, o.to, o.copy), kLaunchFailed, "used before it was allocated");
  Overlap again;
  expect_code(cuMemAllocAsync(&p, kBytes, again.compute), 0, "allocate");
  expect_code(again.order(again.compute, again.copy), 0, "event");
  expect_code(cuMemcpyHtoDAsync_v2(p, again.pinned, kBytes, again.copy), 0, "copy");
  expect_code(cuMemFreeAsync(p, again.compute), kLaunchFailed, "freed under a copy");
});

Check replayed("a graph's copies and kernels are ordered with other streams' work where it is launched", [] {
  for (const bool waits : {true, false}) {
    Overlap o;
    Session::must(cuMemsetD32_v2(o.from, 1, kCount), "fill");
    void *graph = nullptr, *exec = nullptr;
    expect_code(cuStreamBeginCapture_v2(o.compute, 2), 0, "begin");
    expect_code(o.run(), 0, "launch");
    expect_code(cuStreamEndCapture(o.compute, &graph), 0, "end");
    expect_code(cuGraphInstantiateWithFlags(&exec, graph, 0), 0, "instantiate");
    expect_code(o.upload(), 0, "copy");
    if (waits) expect_code(o.order(o.copy, o.compute), 0, "event");
    expect_code(cuGraphLaunch(exec, o.compute), waits ? 0 : kLaunchFailed, "launch");
    if (waits) o.expect_result(6);
    expect_code(cuGraphDestroy(graph), 0, "destroy");
  }
});

Check unsafe("an allocation under a capture is refused unless the capture is relaxed", [] {
  for (const int mode : {0, 1, 2}) {
    Overlap o;
    void* graph = nullptr;
    DevicePointer p = 0;
    expect_code(cuStreamBeginCapture_v2(o.compute, mode), 0, "begin");
    expect_code(cuMemAlloc_v2(&p, 4), mode == 2 ? 0 : kCaptureUnsupported, "allocate");
    expect_code(cuStreamEndCapture(o.compute, &graph), mode == 2 ? 0 : kCaptureInvalidated, "end");
  }
});

Check called("calls of the driver are counted by their names", [] {
  Overlap o;
  softgpu_reset_counts();
  expect_code(o.upload(), 0, "copy");
  expect_code(o.order(o.copy, o.compute), 0, "event");
  expect_code(o.run(), 0, "launch");
  expect_code(o.run(), 0, "launch");
  std::string json(softgpu_calls(nullptr, 0) + 1, '\0');
  softgpu_calls(&json[0], json.size());
  for (const char* part : {"\"cuLaunchKernel\": 2", "\"cuMemcpyHtoDAsync_v2\": 1", "\"cuStreamWaitEvent\": 1"}) expect_contains(json, part);
});

}  // namespace
