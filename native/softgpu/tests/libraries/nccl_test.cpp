/* Collective operations of the NCCL stand-in, one thread for each rank. */
#include <array>
#include <cstdlib>
#include <functional>
#include <thread>

#include "../harness.h"
#include "nccl/api.h"
#include "softgpu.h"

using namespace softgpu_tests;

namespace {

void expect_result(ncclResult_t found, ncclResult_t wanted, const std::string& what) {
  if (found != wanted)
    expect(false, what + ": " + ncclGetErrorString(found) + " (" + ncclGetLastError(nullptr) + "), wanted " +
                      ncclGetErrorString(wanted));
}

/* Two ranks on two devices, each with the primary context of its own. */
struct Ranks {
  Ranks() {
    Session::must(cuInit(0), "cuInit");
    softgpu_clear_report();
    expect_result(ncclCommInitAll(comms.data(), 2, nullptr), ncclSuccess, "ncclCommInitAll");
    for (int rank = 0; rank < 2; ++rank)
      Session::must(cuDevicePrimaryCtxRetain(&contexts[static_cast<size_t>(rank)], rank), "context");
  }
  ~Ranks() {
    for (int rank = 0; rank < 2; ++rank) {
      if (comms[static_cast<size_t>(rank)])
        expect_result(ncclCommDestroy(comms[static_cast<size_t>(rank)]), ncclSuccess, "ncclCommDestroy");
      Session::must(cuDevicePrimaryCtxReset_v2(rank), "reset");
      Session::must(cuDevicePrimaryCtxRelease_v2(rank), "release");
    }
  }

  /* body(rank, communicator) in a thread for each rank, with its context */
  void each(const std::function<void(int, ncclComm_t)>& body) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < 2; ++rank)
      threads.emplace_back([&, rank] {
        cuCtxSetCurrent(contexts[static_cast<size_t>(rank)]);
        body(rank, comms[static_cast<size_t>(rank)]);
      });
    for (std::thread& t : threads) t.join();
  }

  std::array<ncclComm_t, 2> comms{};
  std::array<void*, 2> contexts{};
};

template <class T>
DevicePointer device_copy(const std::vector<T>& values) {
  DevicePointer p = 0;
  Session::must(cuMemAlloc_v2(&p, values.size() * sizeof(T)), "cuMemAlloc");
  Session::must(cuMemcpyHtoD_v2(p, values.data(), values.size() * sizeof(T)), "upload");
  return p;
}
template <class T>
std::vector<T> host_copy(DevicePointer p, size_t count) {
  std::vector<T> values(count);
  Session::must(cuMemcpyDtoH_v2(values.data(), p, count * sizeof(T)), "download");
  return values;
}
void* pointer(DevicePointer p) { return reinterpret_cast<void*>(p); }

/* The reduction of two inputs, out of place and in place, on both ranks. */
template <class T>
void expect_reduction(Ranks& ranks, const std::array<std::vector<T>, 2>& inputs, ncclDataType_t type, ncclRedOp_t op,
                      const std::vector<T>& wanted) {
  std::array<std::vector<T>, 4> found;
  std::array<ncclResult_t, 4> results{};
  ranks.each([&](int rank, ncclComm_t comm) {
    const auto r = static_cast<size_t>(rank);
    const size_t count = inputs[r].size();
    const DevicePointer in = device_copy(inputs[r]);
    DevicePointer out = 0;
    Session::must(cuMemAlloc_v2(&out, count * sizeof(T)), "cuMemAlloc");
    results[r] = ncclAllReduce(pointer(in), pointer(out), count, type, op, comm, nullptr);
    found[r] = host_copy<T>(out, count);
    results[2 + r] = ncclAllReduce(pointer(in), pointer(in), count, type, op, comm, nullptr);
    found[2 + r] = host_copy<T>(in, count);
  });
  for (size_t i = 0; i < 4; ++i) {
    expect_result(results[i], ncclSuccess, "ncclAllReduce");
    expect(found[i] == wanted, "type " + std::to_string(type) + ", operation " + std::to_string(op) +
                                   (i < 2 ? "" : " in place") + ", rank " + std::to_string(i % 2));
  }
}

const Check reductions("all ranks get the sum, mean, greatest or least, in every type and in place too", [] {
  Ranks ranks;
  const std::array<std::vector<float>, 2> floats{{{1, -2.5f, 3, 0x1p24f}, {4, 0.25f, -3, 1}}};
  expect_reduction(ranks, floats, ncclFloat32, ncclSum, {5, -2.25f, 0, 0x1p24f});
  expect_reduction(ranks, floats, ncclFloat32, ncclAvg, {2.5f, -1.125f, 0, 8388608.5f});
  expect_reduction(ranks, floats, ncclFloat32, ncclMax, {4, 0.25f, 3, 0x1p24f});
  expect_reduction(ranks, floats, ncclFloat32, ncclMin, {1, -2.5f, -3, 1});
  expect_reduction(ranks, floats, ncclFloat32, ncclProd, {4, -0.625f, -9, 0x1p24f});
  const std::array<std::vector<double>, 2> doubles{{{0.1, 1e300}, {0.2, 1e-300}}};
  expect_reduction(ranks, doubles, ncclFloat64, ncclSum, {0.1 + 0.2, 1e300});
  const std::array<std::vector<int32_t>, 2> ints{{{7, -5, 2147483647}, {-4, -2, 0}}};
  expect_reduction(ranks, ints, ncclInt32, ncclSum, {3, -7, 2147483647});
  expect_reduction(ranks, ints, ncclInt32, ncclAvg, {1, -3, 1073741823});
  expect_reduction(ranks, ints, ncclInt32, ncclMin, {-4, -5, 0});
  const std::array<std::vector<int64_t>, 2> longs{{{int64_t{1} << 62, -1}, {int64_t{1} << 61, -8}}};
  expect_reduction(ranks, longs, ncclInt64, ncclSum, {(int64_t{1} << 62) + (int64_t{1} << 61), -9});
  expect_reduction(ranks, longs, ncclInt64, ncclMax, {int64_t{1} << 62, -1});
  const std::array<std::vector<_Float16>, 2> halves{{{_Float16(1.5), _Float16(2048)}, {_Float16(-0.25), _Float16(1)}}};
  expect_reduction(ranks, halves, ncclFloat16, ncclSum, {_Float16(1.25), _Float16(2048)});
  expect_reduction(ranks, halves, ncclFloat16, ncclAvg, {_Float16(0.625), _Float16(1024)});
});

const Check broadcast("a broadcast gives every rank what the root has", [] {
  Ranks ranks;
  std::array<std::vector<float>, 2> found;
  ranks.each([&](int rank, ncclComm_t comm) {
    const DevicePointer data = device_copy(std::vector<float>{rank + 1.0f, rank + 2.0f});
    expect_result(ncclBroadcast(pointer(data), pointer(data), 2, ncclFloat32, 1, comm, nullptr), ncclSuccess,
                  "ncclBroadcast");
    found[static_cast<size_t>(rank)] = host_copy<float>(data, 2);
  });
  for (const auto& f : found) expect(f == std::vector<float>{2, 3}, "what rank 1 has");
});

const Check group("one thread reduces for all its devices within a group", [] {
  Ranks ranks;
  std::array<DevicePointer, 2> data{};
  for (size_t rank = 0; rank < 2; ++rank) {
    cuCtxSetCurrent(ranks.contexts[rank]);
    data[rank] = device_copy(std::vector<float>{1, 10.0f * static_cast<float>(rank)});
  }
  expect_result(ncclGroupStart(), ncclSuccess, "ncclGroupStart");
  for (size_t rank = 0; rank < 2; ++rank)
    expect_result(ncclAllReduce(pointer(data[rank]), pointer(data[rank]), 2, ncclFloat32, ncclSum, ranks.comms[rank],
                                nullptr),
                  ncclSuccess, "ncclAllReduce");
  expect_result(ncclGroupEnd(), ncclSuccess, "ncclGroupEnd");
  for (size_t rank = 0; rank < 2; ++rank) {
    cuCtxSetCurrent(ranks.contexts[rank]);
    expect(host_copy<float>(data[rank], 2) == std::vector<float>{2, 10}, "the sum on rank " + std::to_string(rank));
  }
  expect_result(ncclGroupEnd(), ncclInvalidUsage, "a group that was not begun");
  cuCtxSetCurrent(nullptr);
});

const Check rank_by_rank("ranks join by a unique id and know their place", [] {
  Ranks ranks;
  ncclUniqueId id;
  expect_result(ncclGetUniqueId(&id), ncclSuccess, "ncclGetUniqueId");
  ranks.each([&](int rank, ncclComm_t) {
    ncclComm_t comm = nullptr;
    expect_result(ncclCommInitRank(&comm, 2, id, rank), ncclSuccess, "ncclCommInitRank");
    int count = 0, device = -1, place = -1;
    ncclCommCount(comm, &count), ncclCommCuDevice(comm, &device), ncclCommUserRank(comm, &place);
    expect(count == 2 && device == rank && place == rank, "size, device and rank");
    const DevicePointer data = device_copy(std::vector<int32_t>{rank, 1});
    expect_result(ncclAllReduce(pointer(data), pointer(data), 2, ncclInt32, ncclSum, comm, nullptr), ncclSuccess,
                  "ncclAllReduce");
    expect(host_copy<int32_t>(data, 2) == std::vector<int32_t>{1, 2}, "the sum");
    expect_result(ncclCommDestroy(comm), ncclSuccess, "ncclCommDestroy");
    expect_result(ncclCommDestroy(comm), ncclInvalidArgument, "destroyed twice");
  });
  const std::array<int, 2> twice{0, 0};
  std::array<ncclComm_t, 2> comms{};
  expect_result(ncclCommInitAll(comms.data(), 2, twice.data()), ncclInvalidUsage, "two ranks on one device");
});

const Check disagreement("ranks that disagree about count, type or operation are told so", [] {
  for (int kind = 0; kind < 3; ++kind) {
    Ranks ranks;
    std::array<ncclResult_t, 2> results{};
    ranks.each([&](int rank, ncclComm_t comm) {
      const DevicePointer data = device_copy(std::vector<float>{1, 2, 3});
      const bool other = rank == 1;
      results[static_cast<size_t>(rank)] =
          ncclAllReduce(pointer(data), pointer(data), kind == 0 && other ? 2 : 3,
                        kind == 1 && other ? ncclInt32 : ncclFloat32, kind == 2 && other ? ncclMax : ncclSum, comm,
                        nullptr);
      ncclResult_t later = ncclSuccess;
      ncclCommGetAsyncError(comm, &later);
      expect_result(later, ncclInvalidUsage, "ncclCommGetAsyncError");
    });
    for (const ncclResult_t result : results) expect_result(result, ncclInvalidUsage, "a rank of two that disagree");
    expect_contains(last_report(), "the ranks disagree");
  }
});

const Check unsound("a rank's memory is checked before it counts", [] {
  Ranks ranks;
  cuCtxSetCurrent(ranks.contexts[0]);
  DevicePointer fresh = 0;
  Session::must(cuMemAlloc_v2(&fresh, 64), "cuMemAlloc");
  const auto reduce = [&](DevicePointer from, DevicePointer to, size_t count) {
    return ncclAllReduce(pointer(from), pointer(to), count, ncclFloat32, ncclSum, ranks.comms[0], nullptr);
  };
  expect_result(reduce(0, fresh, 1), ncclInvalidArgument, "null");
  expect_result(reduce(fresh + 2, fresh + 2, 1), ncclInvalidArgument, "misaligned");
  expect_result(reduce(fresh, fresh + 4, 2), ncclInvalidArgument, "buffers that overlap in part");
  expect_result(reduce(fresh, fresh, 4), ncclUnhandledCudaError, "memory that nothing wrote");
  expect_contains(last_report(), "sendbuff: read of bytes that nothing wrote");
  cuCtxSetCurrent(nullptr);
});

const Check aborted("abort ends the wait of a rank whose partner never comes", [] {
  Ranks ranks;
  ncclResult_t result = ncclSuccess;
  /* The waiting rank may arrive before or after the abort: neither leaves it waiting. */
  std::thread waiting([&] {
    cuCtxSetCurrent(ranks.contexts[0]);
    const DevicePointer data = device_copy(std::vector<float>{1});
    result = ncclAllReduce(pointer(data), pointer(data), 1, ncclFloat32, ncclSum, ranks.comms[0], nullptr);
  });
  expect_result(ncclCommAbort(ranks.comms[0]), ncclSuccess, "ncclCommAbort");
  waiting.join();
  ranks.comms[0] = nullptr;
  expect(result == ncclInternalError || result == ncclInvalidArgument, "the rank is told");
});

const Check patience("a rank whose partner never comes gives up in the end and says who is missing", [] {
  Ranks ranks;
  setenv("WISP_SOFTGPU_NCCL_SECONDS", "1", 1);
  cuCtxSetCurrent(ranks.contexts[0]);
  const DevicePointer data = device_copy(std::vector<float>{1});
  expect_result(ncclAllReduce(pointer(data), pointer(data), 1, ncclFloat32, ncclSum, ranks.comms[0], nullptr),
                ncclSystemError, "ncclAllReduce");
  expect_contains(last_report(), "rank 0 waits in vain: ncclAllReduce of 1 elements of type 7");
  unsetenv("WISP_SOFTGPU_NCCL_SECONDS");
  cuCtxSetCurrent(nullptr);
});

const Check capture("a collective under capture is refused, and so is a stream of another context", [] {
  Ranks ranks;
  cuCtxSetCurrent(ranks.contexts[0]);
  const DevicePointer data = device_copy(std::vector<float>{1});
  void *stream = nullptr, *graph = nullptr;
  Session::must(cuStreamCreate(&stream, 1), "stream");
  const auto reduce = [&](size_t rank) {
    return ncclAllReduce(pointer(data), pointer(data), 1, ncclFloat32, ncclSum, ranks.comms[rank], stream);
  };
  Session::must(cuStreamBeginCapture_v2(stream, 0), "capture");
  expect_result(reduce(0), ncclInvalidUsage, "under capture");
  Session::must(cuStreamEndCapture(stream, &graph), "capture");
  Session::must(cuGraphDestroy(graph), "graph");
  expect_result(reduce(1), ncclInvalidUsage, "a stream of device 0 for rank 1");
  cuCtxSetCurrent(nullptr);
});

const Check failures("the planned collective fails", [] {
  Ranks ranks;
  expect_equal(static_cast<uint64_t>(softgpu_fail("nccl@1:1")), 0, "the plan");
  cuCtxSetCurrent(ranks.contexts[1]);
  const DevicePointer data = device_copy(std::vector<float>{1});
  expect_result(ncclAllReduce(pointer(data), pointer(data), 1, ncclFloat32, ncclSum, ranks.comms[1], nullptr),
                ncclUnhandledCudaError, "ncclAllReduce");
  cuCtxSetCurrent(nullptr);
  softgpu_fail("");
});

}  // namespace
