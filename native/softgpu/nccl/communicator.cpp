#include "communicator.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>

#include "softgpu.h"

extern "C" {
int cuCtxGetCurrent(void**);
int cuCtxGetDevice(int*);
int cuCtxPushCurrent_v2(void*);
int cuCtxPopCurrent_v2(void**);
int cuDeviceGetCount(int*);
int cuDevicePrimaryCtxRetain(void**, int);
int cuDevicePrimaryCtxRelease_v2(int);
}

ncclComm::~ncclComm() {
  if (retained) cuDevicePrimaryCtxRelease_v2(device);
}

namespace softnccl {
namespace {

constexpr char kMagic[] = "softgpu nccl";
constexpr uint64_t kDefaultPatience = 120; /* seconds */

thread_local std::string last_error;

struct Registry {
  std::mutex lock;
  uint64_t next_id = 0;
  std::map<uint64_t, std::weak_ptr<Clique>> cliques; /* by unique id */
  std::map<ncclComm_t, Communicator> communicators;
};

Registry& registry() {
  static Registry* all = new Registry; /* outlives every other object */
  return *all;
}

uint64_t number_of(const ncclUniqueId& id) {
  require(std::memcmp(id.internal, kMagic, sizeof kMagic) == 0, ncclInvalidArgument,
          "the unique id is none of ncclGetUniqueId");
  uint64_t number;
  std::memcpy(&number, id.internal + sizeof kMagic, sizeof number);
  return number;
}

std::shared_ptr<Clique> clique_of(const ncclUniqueId& id, int ranks) {
  const std::lock_guard<std::mutex> hold(registry().lock);
  std::weak_ptr<Clique>& known = registry().cliques[number_of(id)];
  std::shared_ptr<Clique> clique = known.lock();
  if (!clique) known = clique = std::make_shared<Clique>(ranks);
  require(clique->ranks == ranks, ncclInvalidArgument, "ranks of one unique id differ in the number of ranks");
  return clique;
}

void enroll(const Communicator& comm) {
  const std::lock_guard<std::mutex> hold(registry().lock);
  registry().communicators[comm.get()] = comm;
}

Communicator leave(ncclComm_t comm) {
  Communicator gone = communicator(comm);
  const std::lock_guard<std::mutex> hold(registry().lock);
  registry().communicators.erase(comm);
  return gone;
}

/* Takes the rank's place in its clique. */
void join(ncclComm& comm) {
  Clique& clique = *comm.clique;
  const std::lock_guard<std::mutex> hold(clique.lock);
  int& device = clique.devices[static_cast<size_t>(comm.rank)];
  require(device < 0, ncclInvalidArgument, "rank " + std::to_string(comm.rank) + " joined already");
  for (const int other : clique.devices)
    require(other != comm.device, ncclInvalidUsage, "two ranks on device " + std::to_string(comm.device));
  device = comm.device;
  ++clique.joined;
  clique.changed.notify_all();
}

uint64_t patience() {
  const char* text = std::getenv("WISP_SOFTGPU_NCCL_SECONDS");
  const uint64_t seconds = text ? std::strtoull(text, nullptr, 10) : 0;
  return seconds ? seconds : kDefaultPatience;
}

}  // namespace

ncclResult_t enter(const char* function, const std::function<void()>& body) {
  try {
    body();
    return ncclSuccess;
  } catch (const Refusal& refusal) {
    last_error = std::string(function) + ": " + refusal.why;
    return refusal.result;
  } catch (const std::bad_alloc&) {
    last_error = std::string(function) + ": no host memory";
    return ncclSystemError;
  }
}

Communicator communicator(ncclComm_t comm) {
  const std::lock_guard<std::mutex> hold(registry().lock);
  const auto found = registry().communicators.find(comm);
  require(found != registry().communicators.end(), ncclInvalidArgument, "no communicator, or a destroyed one");
  return found->second;
}

void wait(ncclComm& comm, std::unique_lock<std::mutex>& hold, const std::function<bool()>& ready,
          const std::function<std::string()>& missing) {
  const auto over = [&] { return comm.aborted || ready(); };
  if (!comm.clique->changed.wait_for(hold, std::chrono::seconds(patience()), over)) {
    const std::string text = "rank " + std::to_string(comm.rank) + " waits in vain: " + missing();
    softgpu_report(("nccl: " + text).c_str());
    throw Refusal{ncclSystemError, text};
  }
  require(!comm.aborted, ncclInternalError, "the communicator was aborted");
}

Within::Within(const ncclComm& comm) {
  require(cuCtxPushCurrent_v2(comm.context) == 0, ncclUnhandledCudaError, "the communicator's context is gone");
}
Within::~Within() {
  void* popped = nullptr;
  cuCtxPopCurrent_v2(&popped);
}

}  // namespace softnccl

using namespace softnccl;

NCCL_API ncclResult_t ncclGetVersion(int* version) {
  return enter("ncclGetVersion", [&] {
    require(version, ncclInvalidArgument, "version is null");
    *version = kNcclVersion;
  });
}

NCCL_API const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess: return "no error";
    case ncclUnhandledCudaError: return "unhandled cuda error";
    case ncclSystemError: return "unhandled system error";
    case ncclInternalError: return "internal error";
    case ncclInvalidArgument: return "invalid argument";
    case ncclInvalidUsage: return "invalid usage";
    case ncclRemoteError: return "remote process exited or there was a network error";
  }
  return "unknown result code";
}

NCCL_API const char* ncclGetLastError(ncclComm_t) { return last_error.c_str(); }

NCCL_API ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  return enter("ncclGetUniqueId", [&] {
    require(id, ncclInvalidArgument, "uniqueId is null");
    const std::lock_guard<std::mutex> hold(registry().lock);
    const uint64_t number = ++registry().next_id;
    std::memset(id->internal, 0, sizeof id->internal);
    std::memcpy(id->internal, kMagic, sizeof kMagic);
    std::memcpy(id->internal + sizeof kMagic, &number, sizeof number);
  });
}

NCCL_API ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank) {
  return enter("ncclCommInitRank", [&] {
    require(comm, ncclInvalidArgument, "comm is null");
    require(ranks > 0 && rank >= 0 && rank < ranks, ncclInvalidArgument, "the rank is not below the number of ranks");
    auto created = std::make_shared<ncclComm>();
    created->rank = rank;
    require(cuCtxGetCurrent(&created->context) == 0 && created->context && cuCtxGetDevice(&created->device) == 0,
            ncclUnhandledCudaError, "no context is current");
    created->clique = clique_of(id, ranks);
    join(*created);
    enroll(created);
    *comm = created.get();
    run({[] {}, [created] {
           Clique& clique = *created->clique;
           std::unique_lock<std::mutex> hold(clique.lock);
           wait(
               *created, hold, [&] { return clique.joined == clique.ranks; },
               [&] { return std::to_string(clique.ranks - clique.joined) + " ranks have not joined"; });
         }});
  });
}

NCCL_API ncclResult_t ncclCommInitAll(ncclComm_t* comms, int devices, const int* list) {
  return enter("ncclCommInitAll", [&] {
    int present = 0;
    require(cuDeviceGetCount(&present) == 0, ncclUnhandledCudaError, "the driver has not been initialised");
    require(comms && devices > 0 && devices <= present, ncclInvalidArgument, "more ranks than devices, or none");
    const auto clique = std::make_shared<Clique>(devices);
    std::vector<Communicator> all;
    for (int rank = 0; rank < devices; ++rank) {
      auto created = std::make_shared<ncclComm>();
      created->clique = clique;
      created->rank = rank;
      created->device = list ? list[rank] : rank;
      require(cuDevicePrimaryCtxRetain(&created->context, created->device) == 0, ncclUnhandledCudaError,
              "no device " + std::to_string(created->device));
      created->retained = true;
      join(*created);
      all.push_back(created);
    }
    for (int rank = 0; rank < devices; ++rank) {
      enroll(all[static_cast<size_t>(rank)]);
      comms[rank] = all[static_cast<size_t>(rank)].get();
    }
  });
}

NCCL_API ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  return enter("ncclCommDestroy", [&] { leave(comm); });
}

NCCL_API ncclResult_t ncclCommAbort(ncclComm_t comm) {
  return enter("ncclCommAbort", [&] {
    const Communicator gone = leave(comm);
    const std::lock_guard<std::mutex> hold(gone->clique->lock);
    gone->aborted = true;
    gone->clique->changed.notify_all();
  });
}

NCCL_API ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  return enter("ncclCommGetAsyncError", [&] {
    require(error, ncclInvalidArgument, "asyncError is null");
    const Communicator c = communicator(comm);
    const std::lock_guard<std::mutex> hold(c->clique->lock);
    *error = c->failure;
  });
}

NCCL_API ncclResult_t ncclCommCount(ncclComm_t comm, int* count) {
  return enter("ncclCommCount", [&] {
    require(count, ncclInvalidArgument, "count is null");
    *count = communicator(comm)->clique->ranks;
  });
}
NCCL_API ncclResult_t ncclCommCuDevice(ncclComm_t comm, int* device) {
  return enter("ncclCommCuDevice", [&] {
    require(device, ncclInvalidArgument, "device is null");
    *device = communicator(comm)->device;
  });
}
NCCL_API ncclResult_t ncclCommUserRank(ncclComm_t comm, int* rank) {
  return enter("ncclCommUserRank", [&] {
    require(rank, ncclInvalidArgument, "rank is null");
    *rank = communicator(comm)->rank;
  });
}
