/* The state of a launch, a block and a warp while they execute. */
#ifndef SOFTGPU_EXEC_WARP_H
#define SOFTGPU_EXEC_WARP_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device/memory.h"
#include "exec/shared.h"
#include "program/program.h"

namespace softgpu {

/* What a kernel did, in numbers. */
struct Counts {
  uint64_t launches = 0, blocks = 0, threads = 0;
  uint64_t warp_instructions = 0, lane_instructions = 0;
  uint64_t global_read = 0, global_written = 0;                 /* bytes asked for by lanes */
  uint64_t sectors_read = 0, sectors_written = 0;               /* of 32 bytes, per warp access */
  uint64_t shared_read = 0, shared_written = 0;                 /* bytes */
  uint64_t global_atomics = 0, shared_atomics = 0, local_bytes = 0;
  uint64_t barriers = 0, matrix_operations = 0; /* warp-level mma */

  void add(const Counts& other);
};

enum class FaultCode { illegal_address, misaligned_address, launch_failed, illegal_instruction, timeout };

/* Ends a launch. `text` is the whole report. */
struct Fault {
  FaultCode code;
  std::string text;
};

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t{x} * y * z; }
};

/* splitmix64; the order of blocks, warps, sides of a branch and atomics. */
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

struct Device;

/* What stays the same during a launch. */
struct Launch {
  const Program* program = nullptr;
  const Function* kernel = nullptr;
  DeviceMemory* memory = nullptr;
  Device* device = nullptr;
  Dim3 grid, block;
  uint32_t dynamic_shared = 0;
  std::vector<uint8_t> params;
  bool random = false;
  uint64_t seed = 0;
  unsigned threads = 1; /* of the host */
  uint64_t id = 0;            /* unique among launches of the process */
  int64_t instruction_limit = 0; /* of warp instructions of a block */
  uint64_t context = 0;
  Turn turn;
};

struct Block;

constexpr int64_t kNoOrder = INT64_MAX;

/* Active lanes that go on at one place. */
struct Path {
  const Instr* pc; /* the head of a basic block; a parked path: the instruction it waits at */
  uint32_t mask;
  uint32_t needed = 0; /* parked: lanes that must arrive there */
};

/* One activation of a function. The paths of the warp from `paths` on are its own. */
struct Activation {
  const Function* function;
  uint64_t local_base; /* of its variables in the lanes' local memory */
  const Instr* call;   /* of the caller; null in a kernel */
  uint32_t mask;       /* lanes that will return */
  size_t paths, parked;
};

/* A cp.async that has not been waited for. */
struct PendingCopy {
  const Instr* instr;
  uint32_t mask;
  unsigned size;
  uint64_t at[kLanes]; /* in shared memory */
  uint8_t bytes[kLanes][16];
};

/*
 * A warp runs the lanes whose basic block comes first in the function's order (program/order.h);
 * the others wait in `paths`, and lanes that meet at a block go on together. At an instruction that
 * wants other lanes too (bar.sync, shfl.sync, ...) a path is parked until they arrive.
 */
struct Warp {
  /* First what instructions touch. */
  char* base[2] = {nullptr, nullptr}; /* frame, constants */
  uint32_t mask = 0;                  /* active lanes */
  uint32_t live = 0;                  /* lanes that have not exited */
  int64_t next_order = kNoOrder;      /* of the first waiting path of this activation */
  int64_t fuel = 0;                   /* instructions until the scheduler wants to be asked */
  Block* block = nullptr;
  Launch* launch = nullptr;
  uint64_t local_base = 0, local_end = 0; /* of the activation's variables */
  Allocation** cache = nullptr; /* one for each memory instruction */
  Counts counts;

  std::vector<Path> paths;  /* of every activation; in each, the last comes first in its order */
  std::vector<Path> parked;
  std::vector<Activation> calls;
  uint32_t index = 0; /* in the block */
  uint32_t born = 0;  /* lanes that exist */

  /* Registers of the activations; local memory: lane l has bytes [l * stride, (l + 1) * stride). */
  std::vector<std::vector<CacheLine>> frames;
  uint64_t local_stride = 0;
  std::vector<uint8_t> local, local_shadow;
  int64_t granted = 0; /* fuel given by the scheduler */

  std::vector<PendingCopy> copies;
  std::vector<size_t> copy_groups; /* of each committed group: the number of copies up to its end */

  /* Order within the warp: the number of the last bar.warp.sync of each lane. */
  uint32_t sync_count = 0;
  uint32_t sync[kLanes] = {};
  bool sync_uniform = true; /* all lanes have the same */

  enum State : uint8_t { ready, at_barrier, done } state = done;
  const Instr* pc = nullptr;
  uint32_t barrier = 0;          /* its number, while waiting */
  uint32_t barrier_expected = 0; /* threads; 0: all of the block */
  uint32_t barrier_vote = 0;     /* lanes whose predicate holds */
  bool released = false;         /* a barrier is visited again after its release */
  Random random{0};

  uint32_t thread(int lane) const { return index * kLanes + static_cast<uint32_t>(lane); }
};

struct Barrier {
  uint32_t arrived = 0; /* by bar.arrive */
  uint32_t result = 0;  /* of the last reduction: threads whose predicate held */
  uint32_t threads = 0; /* that took part in it */
};

/* What one host thread needs to run blocks. */
struct Block {
  Launch* launch = nullptr;
  Dim3 id;
  uint64_t linear = 0;
  uint32_t threads = 0;
  SharedMemory shared;
  std::vector<Warp> warps;
  Barrier barriers[16];
  std::vector<Allocation*> cache;
  int64_t fuel = 0; /* instructions that the block's warps may still run */
};

/* Raises a fault of one lane with kernel, block, thread and source line; lane -1: of the warp. */
[[noreturn]] void fault(Warp& w, const Instr* i, int lane, FaultCode code, const std::string& what);

inline const char* fault_name(FaultCode code) {
  switch (code) {
    case FaultCode::illegal_address: return "illegal address";
    case FaultCode::misaligned_address: return "misaligned address";
    case FaultCode::illegal_instruction: return "illegal instruction";
    case FaultCode::timeout: return "instruction limit";
    default: return "launch failed";
  }
}

/* The active lanes end their thread (exit), or their activation (ret in a function). */
const Instr* exit_lanes(Warp& w);
const Instr* return_lanes(Warp& w);
/* True if every lane of `needed` that is alive is active at i, after the lanes parked there joined.
   Else the active lanes are parked and *next says where the warp goes on. */
bool gather(Warp& w, const Instr* i, uint32_t needed, const Instr** next);
/* Starts a function for the active lanes: registers, special registers and local memory. */
void activate(Warp& w, const Function* function, const Instr* call);

/* Runs a whole launch. Throws Fault. */
void run_launch(Launch& launch, Counts& counts);

}  // namespace softgpu

#endif
