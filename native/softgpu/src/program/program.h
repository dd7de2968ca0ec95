/*
 * Decoded programs: what the executor runs. Registers are arrays of 32 lanes in a frame; an operand
 * is the byte offset of such an array, in the frame or (top bit set) in the function's constants.
 */
#ifndef SOFTGPU_PROGRAM_PROGRAM_H
#define SOFTGPU_PROGRAM_PROGRAM_H

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ptx/module.h"

namespace softgpu {

struct Warp;
struct CallSite;
struct Instr;
struct Function;

constexpr int kLanes = 32;
constexpr uint32_t kFull = 0xffffffffu;

/* Executes one instruction and returns the next one, or null when the warp stops here. */
using Exec = const Instr* (*)(Warp&, const Instr*);

using Slot = uint32_t;
constexpr Slot kConstant = 0x80000000u;
constexpr Slot kNoSlot = 0x7fffffffu;

struct Instr {
  Exec fn = nullptr;
  Exec inner = nullptr; /* the guarded instruction, where fn evaluates a guard */
  Exec op = nullptr;    /* the operation proper, where fn sets up a floating-point mode */
  Slot d = kNoSlot, a = kNoSlot, b = kNoSlot, c = kNoSlot;
  int64_t imm = 0;
  const Slot* list = nullptr; /* further operands */
  Slot guard = kNoSlot;
  uint32_t guard_flip = 0; /* ~0: negated */
  uint32_t aux = 0;
  uint32_t flags = 0;
  const Instr* target = nullptr;
  const void* data = nullptr;
  int32_t line = 0;     /* of the PTX text */
  int32_t location = 0; /* of the module's locations */
};

struct alignas(64) CacheLine {
  uint8_t bytes[64];
};

enum class Special : uint8_t {
  tid_x, tid_y, tid_z, ntid_x, ntid_y, ntid_z, ctaid_x, ctaid_y, ctaid_z,
  nctaid_x, nctaid_y, nctaid_z, laneid, warpid, nwarpid, smid, nsmid, gridid,
  lanemask_eq, lanemask_le, lanemask_lt, lanemask_ge, lanemask_gt,
  dynamic_smem_size, total_smem_size,
};

/* A variable of .local or .param space of a function that is no kernel: private to each lane. */
struct LaneVariable {
  std::string name;
  uint32_t offset, bytes;
};

/* A variable in a block's shared memory. */
struct SharedVariable {
  std::string name;
  uint64_t offset, bytes;
};

struct KernelParam {
  uint32_t offset, bytes, align;
};

struct Function {
  std::string name;
  bool entry = false;
  std::deque<std::vector<Slot>> lists;
  std::deque<int64_t> numbers;
  std::vector<std::shared_ptr<const CallSite>> sites;
  std::vector<std::shared_ptr<const std::vector<const Instr*>>> tables;
  std::vector<Instr> code;
  std::vector<CacheLine> constants;
  uint32_t frame_bytes = 0;
  std::vector<std::pair<Special, Slot>> specials;
  /* Local memory: variables with gaps between them; parameters and results of a function first. */
  std::vector<LaneVariable> locals;
  uint32_t local_bytes = 0; /* gaps included */
  std::vector<uint8_t> local_shadow; /* of one lane, before any write */
  unsigned params = 0, returns = 0;
  bool calls = false, global_atomics = false;
  /* For each basic block, in order: the head of the block that follows it on every path. */
  std::vector<uint32_t> post_dominator;
  /* Kernels only. */
  std::vector<KernelParam> kernel_params;
  uint32_t param_bytes = 0;
  std::vector<SharedVariable> shared;
  uint64_t shared_nominal = 0; /* without gaps: what a real card would use */
  uint64_t dynamic_base = 0;
  unsigned shared_grain = 2; /* log2 of the bytes followed by one shadow cell */
  unsigned max_threads = 1024;
  unsigned required[3] = {0, 0, 0};
  unsigned registers = 0; /* an estimate, for cuFuncGetAttribute and occupancy */
};

/* A variable of .global or .const space, placed in device memory. */
struct ModuleVariable {
  uint64_t address = 0, bytes = 0;
  bool constant = false;
};

struct Program {
  int target = 0, version = 0;
  std::vector<ptx::Location> locations;
  std::unordered_map<int, std::string> files;
  std::unordered_map<std::string, std::unique_ptr<Function>> functions;
  std::unordered_map<std::string, ModuleVariable> variables;
  uint32_t access_count = 0; /* of memory instructions: each has a cached allocation */

  /* "file.cu:12", or "" where the PTX has no line information. */
  std::string source_line(int location) const;
};

}  // namespace softgpu

#endif
