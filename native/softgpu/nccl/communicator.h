/* Communicators: the ranks that compute together, and where they meet. */
#ifndef SOFTGPU_NCCL_COMMUNICATOR_H
#define SOFTGPU_NCCL_COMMUNICATOR_H

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api.h"

namespace softnccl {

/* Ends a call. */
struct Refusal {
  ncclResult_t result;
  std::string why;
};
inline void require(bool holds, ncclResult_t result, const std::string& why) {
  if (!holds) throw Refusal{result, why};
}

/* Runs the body of an API function; what ends it becomes the last error of the thread. */
ncclResult_t enter(const char* function, const std::function<void()>& body);

struct Call {
  enum Kind { all_reduce, broadcast } kind;
  size_t count;
  ncclDataType_t type;
  ncclRedOp_t op;
  int root;

  bool operator==(const Call& o) const {
    return kind == o.kind && count == o.count && type == o.type && op == o.op && root == o.root;
  }
};

/* One collective operation, while its ranks arrive and leave. */
struct Meeting {
  Call call{};
  int arrived = 0, left = 0;
  std::vector<std::vector<uint8_t>> inputs; /* by rank; empty where a rank gives none */
  std::vector<uint8_t> output;
  bool failed = false; /* the ranks disagree */
  std::string why;
};

/* The ranks of one unique id. */
struct Clique {
  explicit Clique(int count) : ranks(count), devices(static_cast<size_t>(count), -1) {}
  const int ranks;
  std::mutex lock;
  std::condition_variable changed;
  int joined = 0;
  std::vector<int> devices;            /* by rank */
  std::map<uint64_t, Meeting> meetings; /* by number: the n-th call of each rank */
};

}  // namespace softnccl

struct ncclComm {
  std::shared_ptr<softnccl::Clique> clique;
  int rank = 0, device = 0;
  void* context = nullptr;
  bool retained = false; /* the context is the device's primary one, to be released */
  uint64_t calls = 0;
  bool aborted = false; /* guarded by the clique's lock */
  ncclResult_t failure = ncclSuccess;

  ~ncclComm();
};

namespace softnccl {

using Communicator = std::shared_ptr<ncclComm>;

/* Refuses what is no live communicator. */
Communicator communicator(ncclComm_t comm);

/* Waits, with the clique's lock held, until ready() or the communicator is aborted; refuses after a
   long time with what `missing` says. */
void wait(ncclComm& comm, std::unique_lock<std::mutex>& hold, const std::function<bool()>& ready,
          const std::function<std::string()>& missing);

/* Runs at once, or at the end of the thread's group: first `begin` of all that is waiting, in order,
   then `finish` of all. */
struct Step {
  std::function<void()> begin, finish;
};
void run(Step step);

/* The context of a communicator is current while the object lives. */
class Within {
 public:
  explicit Within(const ncclComm& comm);
  ~Within();
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;
};

size_t bytes_of(ncclDataType_t type);
/* The inputs combined in the order of their ranks: floating-point numbers in double, rounded once;
   the mean of integers is cut. */
std::vector<uint8_t> reduce(const std::vector<std::vector<uint8_t>>& inputs, ncclDataType_t type, ncclRedOp_t op);

}  // namespace softnccl

#endif
