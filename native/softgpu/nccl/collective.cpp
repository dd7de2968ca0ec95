/* Collective operations: each rank brings its input, the last to arrive combines them. */
#include <cstring>
#include <exception>

#include "communicator.h"
#include "softgpu.h"

extern "C" {
int cuStreamGetCtx(void*, void**);
int cuStreamIsCapturing(void*, int*);
}

namespace softnccl {
namespace {

thread_local int group_depth = 0;
thread_local std::vector<Step> group_steps;

std::string describe(const Call& call) {
  return std::string(call.kind == Call::all_reduce ? "ncclAllReduce" : "ncclBroadcast") + " of " +
         std::to_string(call.count) + " elements of type " + std::to_string(call.type) +
         (call.kind == Call::all_reduce ? ", operation " + std::to_string(call.op)
                                        : ", root " + std::to_string(call.root));
}

uint8_t* memory(uint64_t address, size_t bytes, int access, const char* what) {
  void* host = nullptr;
  require(softgpu_memory(address, bytes, access, what, &host) == 0, ncclUnhandledCudaError,
          std::string(what) + " is not sound device memory");
  return static_cast<uint8_t*>(host);
}

/* Does work at its place in a stream. What it throws is passed on. */
void at_place_in(void* stream, const std::function<void()>& work) {
  struct Job {
    const std::function<void()>& work;
    std::exception_ptr thrown;
  } job{work, nullptr};
  const int code = softgpu_submit(
      stream,
      [](void* data) {
        Job& mine = *static_cast<Job*>(data);
        try {
          mine.work();
        } catch (...) {
          mine.thrown = std::current_exception();
        }
        return 0;
      },
      [](void*) {}, &job);
  if (job.thrown) std::rethrow_exception(job.thrown);
  require(code == 0, ncclUnhandledCudaError, "the device answered " + std::to_string(code));
}

/* A rank's part in a meeting. */
struct Part {
  Communicator comm;
  Call call;
  uint64_t send, receive;
  void* stream = nullptr;
  uint64_t number = 0; /* of the meeting */

  size_t bytes() const { return call.count * bytes_of(call.type); }
  bool gives() const { return call.kind == Call::all_reduce || comm->rank == call.root; }

  void arrive();
  void depart();
};

void Part::arrive() {
  std::vector<uint8_t> input;
  {
    const Within context(*comm);
    at_place_in(stream, [&] {
      if (gives()) {
        const uint8_t* from = memory(send, bytes(), SOFTGPU_READ, "sendbuff");
        if (from) input.assign(from, from + bytes());
      }
      memory(receive, bytes(), SOFTGPU_EXISTS, "recvbuff");
    });
  }
  Clique& clique = *comm->clique;
  const std::lock_guard<std::mutex> hold(clique.lock);
  number = comm->calls++;
  Meeting& meeting = clique.meetings[number];
  if (meeting.arrived == 0) {
    meeting.call = call;
    meeting.inputs.resize(static_cast<size_t>(clique.ranks));
  } else if (!(meeting.call == call) && !meeting.failed) {
    meeting.failed = true;
    meeting.why = "rank " + std::to_string(comm->rank) + " calls " + describe(call) + ", another rank " +
                  describe(meeting.call);
    softgpu_report(("nccl: the ranks disagree: " + meeting.why).c_str());
  }
  meeting.inputs[static_cast<size_t>(comm->rank)] = std::move(input);
  if (++meeting.arrived == clique.ranks && !meeting.failed)
    meeting.output = call.kind == Call::broadcast ? meeting.inputs[static_cast<size_t>(call.root)]
                                                  : reduce(meeting.inputs, call.type, call.op);
  clique.changed.notify_all();
}

void Part::depart() {
  Clique& clique = *comm->clique;
  std::unique_lock<std::mutex> hold(clique.lock);
  Meeting& meeting = clique.meetings.at(number);
  wait(
      *comm, hold, [&] { return meeting.failed || meeting.arrived == clique.ranks; },
      [&] {
        return describe(call) + ", " + std::to_string(clique.ranks - meeting.arrived) + " ranks have not arrived";
      });
  const bool failed = meeting.failed;
  const std::string why = meeting.why;
  const std::vector<uint8_t> output = meeting.output;
  if (++meeting.left == clique.ranks) clique.meetings.erase(number);
  if (failed) comm->failure = ncclInvalidUsage;
  hold.unlock();
  require(!failed, ncclInvalidUsage, why);
  const Within context(*comm);
  at_place_in(stream, [&] {
    uint8_t* const to = memory(receive, bytes(), SOFTGPU_WRITE, "recvbuff");
    if (to) std::memcpy(to, output.data(), output.size());
  });
}

void collective(ncclComm_t handle, void* stream, Part part) {
  part.comm = communicator(handle);
  part.stream = stream;
  const size_t element = bytes_of(part.call.type);
  require(part.receive && (part.send || !part.gives()), ncclInvalidArgument, "a buffer is null");
  require(part.send % element == 0 && part.receive % element == 0, ncclInvalidArgument, "a buffer is misaligned");
  const uint64_t bytes = part.bytes();
  require(!part.gives() || part.send == part.receive || part.send + bytes <= part.receive ||
              part.receive + bytes <= part.send,
          ncclInvalidArgument, "the buffers overlap in part");
  {
    const Within context(*part.comm);
    void* owner = nullptr;
    require(cuStreamGetCtx(stream, &owner) == 0 && owner == part.comm->context, ncclInvalidUsage,
            "the stream is none of the communicator's context");
    int capturing = 0;
    require(cuStreamIsCapturing(stream, &capturing) == 0 && !capturing, ncclInvalidUsage,
            "the stand-in has no collectives in graphs");
    require(!softgpu_fails("nccl"), ncclUnhandledCudaError, "a planned failure");
  }
  const auto shared = std::make_shared<Part>(std::move(part));
  run({[shared] { shared->arrive(); }, [shared] { shared->depart(); }});
}

}  // namespace

void run(Step step) {
  if (group_depth > 0) {
    group_steps.push_back(std::move(step));
    return;
  }
  step.begin();
  step.finish();
}

}  // namespace softnccl

using namespace softnccl;

NCCL_API ncclResult_t ncclGroupStart() {
  ++group_depth;
  return ncclSuccess;
}

NCCL_API ncclResult_t ncclGroupEnd() {
  return enter("ncclGroupEnd", [] {
    require(group_depth > 0, ncclInvalidUsage, "no group was begun");
    if (--group_depth > 0) return;
    const std::vector<Step> steps = std::move(group_steps);
    group_steps.clear();
    for (const Step& step : steps) step.begin();
    for (const Step& step : steps) step.finish();
  });
}

NCCL_API ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type,
                                    ncclRedOp_t op, ncclComm_t comm, void* stream) {
  return enter("ncclAllReduce", [&] {
    require(op >= ncclSum && op <= ncclAvg, ncclInvalidArgument, "no reduction");
    collective(comm, stream,
               {nullptr, {Call::all_reduce, count, type, op, 0}, reinterpret_cast<uint64_t>(send),
                reinterpret_cast<uint64_t>(receive)});
  });
}

NCCL_API ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count, ncclDataType_t type, int root,
                                    ncclComm_t comm, void* stream) {
  return enter("ncclBroadcast", [&] {
    require(root >= 0 && root < communicator(comm)->clique->ranks, ncclInvalidArgument, "the root is no rank");
    collective(comm, stream,
               {nullptr, {Call::broadcast, count, type, ncclSum, root}, reinterpret_cast<uint64_t>(send),
                reinterpret_cast<uint64_t>(receive)});
  });
}
