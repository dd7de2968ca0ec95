/* The pretend driver: devices, contexts and everything a handle can stand for. */
#ifndef SOFTGPU_API_STATE_H
#define SOFTGPU_API_STATE_H

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/cuda_types.h"
#include "exec/warp.h"

namespace softgpu {

struct Device {
  int index = 0;
  int capability = 75;
  std::unique_ptr<DeviceMemory> memory;
  std::unique_ptr<Pool> default_pool;
  Pool* pool = nullptr; /* the current one */
  std::unique_ptr<Context> primary;
  unsigned primary_uses = 0, primary_flags = 0;
  bool lost = false;
};

/* Everything a handle of the API can name; `kind` tells which. */
enum class Kind : uint8_t { context, module, kernel, stream, event, pool, graph, graph_exec };
struct Object {
  explicit Object(Kind k) : kind(k) {}
  virtual ~Object() = default;
  const Kind kind;
};

struct Kernel : Object {
  Kernel() : Object(Kind::kernel) {}
  Module* module = nullptr;
  const Function* function = nullptr;
  uint32_t dynamic_limit = 48 * 1024;
  int carveout = -1;
};

struct Module : Object {
  Module() : Object(Kind::module) {}
  ~Module() override;
  Context* context = nullptr;
  std::unique_ptr<Program> program;
  std::vector<Allocation*> variables;
  std::map<std::string, std::unique_ptr<Kernel>> kernels;
};

struct Operation; /* of a graph */

/* Copies between pinned host memory and the device that a stream has not begun yet: it begins them
   as late as it may, so that who does not wait for them sees what was there before. */
struct Late {
  std::deque<std::function<void()>> waiting;
  uint64_t begun = 0, added = 0;

  void add(std::function<void()> work);
  /* Does the first `count` of all that were ever added. */
  void run(uint64_t count);
};

struct Stream : Object {
  Stream() : Object(Kind::stream) {}
  Context* context = nullptr;
  unsigned flags = 0;
  int priority = 0;
  uint64_t id = 0;
  Graph* capture = nullptr; /* what is recorded at present */
  bool capture_origin = false;
  Clock clock;
  std::shared_ptr<Late> late = std::make_shared<Late>();
};

struct Event : Object {
  Event() : Object(Kind::event) {}
  Context* context = nullptr;
  unsigned flags = 0;
  bool recorded = false;
  std::chrono::steady_clock::time_point at;
  Graph* capture = nullptr;
  Clock clock; /* of its stream when it was recorded */
  std::shared_ptr<Late> late;
  uint64_t added = 0; /* to `late` before it was recorded */
};

struct Pool : Object {
  Pool() : Object(Kind::pool) {}
  Device* device = nullptr;
  int id = 0;
  uint64_t threshold = 0, used = 0, used_high = 0, reserved = 0, reserved_high = 0, limit = 0;
  int reuse[4] = {0, 1, 1, 1};
};

struct Context : Object {
  Context() : Object(Kind::context) {}
  ~Context() override;
  Device* device = nullptr;
  uint64_t id = 0;
  unsigned flags = 0;
  CUresult error = CUDA_SUCCESS; /* sticky */
  std::unordered_set<Module*> modules;
  std::unordered_set<Stream*> streams;
  std::unordered_set<Event*> events;
  std::unordered_set<int> peers; /* devices whose memory may be reached */
  std::map<int, uint64_t> limits;
  std::unique_ptr<Stream> default_stream;
};

struct HostRange {
  size_t bytes;
  bool registered; /* by cuMemHostRegister: not ours to free */
  unsigned flags;
};

/* The n-th call of a kind fails. */
struct Failure {
  enum Kind { alloc, launch, lost, cudnn, nccl } kind;
  int device; /* -1: any */
  uint64_t at;
};

struct Driver {
  std::recursive_mutex lock;
  bool initialised = false;
  std::vector<std::unique_ptr<Device>> devices;
  std::unordered_map<const void*, Kind> handles;
  std::map<uintptr_t, HostRange> host_ranges;
  std::vector<Failure> failures;
  uint64_t calls_alloc = 0, calls_launch = 0;
  uint64_t next_id = 0;
  uint64_t launches = 0;
  bool random = false;
  uint64_t seed = 0;
  int64_t instruction_limit = 0;
  unsigned threads = 1;
  std::map<std::string, Counts> counts; /* by kernel */
  std::map<std::string, uint64_t> calls; /* by function */
  Clock host; /* what the host has waited for */
  Turn turn;  /* the work that is being done; id 0: none */
  uint64_t turns = 0;
  std::string report; /* the last one */

  static Driver& get();
  void configure(); /* from the environment, at cuInit */
  /* True if this call is the one to fail; `device` is where it happens. */
  bool fails(Failure::Kind kind, Device& device);
};

/* A report of a fault or of a refused module: kept, and written where WISP_SOFTGPU_REPORT says. */
void report(const std::string& text);
bool write_counts(const std::string& path);
std::string counts_json();
std::string calls_json();
/* "alloc:5,launch@1:3,lost:7,cudnn:2,nccl:1"; false if malformed. */
bool parse_failures(const std::string& text, std::vector<Failure>& out);

/* The contexts of this thread; the last is current. */
std::vector<Context*>& context_stack();

/* An error that a call returns. */
struct Status {
  CUresult code;
};
[[noreturn]] inline void refuse(CUresult code) { throw Status{code}; }
inline void require(bool holds, CUresult code = CUDA_ERROR_INVALID_VALUE) {
  if (!holds) refuse(code);
}

/* Runs the body of an API function under the driver's lock, and counts the call. */
CUresult enter(const std::function<void()>& body, const char* function = __builtin_FUNCTION());

/* The current context, refusing when there is none, it is gone or it has failed. */
Context& current();
/* The same without the check for an earlier failure. */
Context& current_even_failed();
Device& device_at(CUdevice device);

bool known(const void* handle, Kind kind);
template <class T>
T& object(T* handle, Kind kind, CUresult error = CUDA_ERROR_INVALID_HANDLE) {
  require(handle && known(handle, kind), error);
  return *handle;
}
inline Module& module_of(CUmodule m) { return object(m, Kind::module); }
inline Kernel& kernel_of(CUfunction f) { return object(f, Kind::kernel); }
inline Event& event_of(CUevent e) { return object(e, Kind::event); }
/* Null and the two special values mean the default stream. */
Stream& stream_of(CUstream s);
void add_handle(Object& o);
void remove_handle(Object& o);

/* Does a piece of work on a stream: at once, or records it where the stream is being captured. The
   work may throw Status. What it uses of the device's memory it says by use_memory, or launches with
   Driver::turn. */
void submit(Stream& stream, int node_type, std::function<void()> work);

/* Begins the late copies that come before a stream's next work. */
void settle(Stream& stream);

/* While it lives, Driver::turn is a new piece of work on the stream, ordered as its waits say. */
class Working {
 public:
  explicit Working(Stream& stream);
  ~Working();
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  const Turn before_;
};

/* A use of memory by the present work; refused and reported if another stream's use is not ordered
   with it. Outside of any work nothing is checked. */
void use_memory(Context& context, Allocation& allocation, bool writes);

/* The host waits: for a stream; for all of a context. */
void wait_for(Stream& stream);
void wait_for_all(Context& context);

void fail_context(Context& context, CUresult code);

}  // namespace softgpu

#endif
