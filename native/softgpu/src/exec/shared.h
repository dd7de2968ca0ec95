/*
 * Shared memory of a block and its shadow. A cell of the shadow stands for the smallest unit that
 * the module accesses (1, 2 or 4 bytes) and remembers the last write and the last reads: by which
 * thread, after which barrier of the block and after which barrier of the warp.
 *
 * Two accesses of different threads, at least one a write, with no barrier between them are a race.
 * Between threads of one warp a bar.warp.sync that both take part in orders them; nothing else does
 * (shuffles and votes do not order memory). Atomics do not race with atomics, and threads that write
 * the value that is there already do not race.
 */
#ifndef SOFTGPU_EXEC_SHARED_H
#define SOFTGPU_EXEC_SHARED_H

#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"

namespace softgpu {

constexpr uint32_t kOutside = 0xffffffffu; /* a cell between variables, as an epoch */
constexpr uint32_t kMostSyncs = (1u << 20) - 1; /* that a cell can tell apart */

/* Who wrote a cell: bits 0 to 9 the thread, 10 whether by an atomic, 11 on the warp's barrier. */
struct WrittenBy {
  static constexpr uint32_t kAtomic = 1u << 10;
  static constexpr uint32_t make(uint32_t thread, uint32_t sync, bool atomic) {
    return thread | (atomic ? kAtomic : 0) | sync << 11;
  }
  static constexpr uint32_t thread(uint32_t by) { return by & 1023; }
  static constexpr uint32_t sync(uint32_t by) { return by >> 11; }
};

/* Who read a cell: bits 0 to 9 one thread, 10 and 11 how many (0: that one; 1: several of its warp;
   2: several warps), 12 on the warp's barrier. */
struct ReadBy {
  static constexpr uint32_t make(uint32_t thread, uint32_t readers, uint32_t sync) {
    return thread | readers << 10 | sync << 12;
  }
  static constexpr uint32_t thread(uint32_t by) { return by & 1023; }
  static constexpr uint32_t readers(uint32_t by) { return by >> 10 & 3; }
  static constexpr uint32_t sync(uint32_t by) { return by >> 12; }
};

struct SharedMemory {
  std::vector<uint8_t> bytes;
  /* The cells, each field apart. */
  std::vector<uint32_t> write_epoch, written_by, read_epoch, read_by;
  unsigned grain = 2;
  uint32_t epoch = 0;       /* rises with every barrier, over blocks */
  uint32_t first_epoch = 1; /* of this block: what is older was never written by it */

  /* Makes room for a kernel and forbids what lies between its variables. */
  void prepare(const Function& kernel, uint32_t dynamic_bytes);
  /* Nothing is written in a new block. */
  void begin_block() { first_epoch = ++epoch; }
  void barrier() { ++epoch; }
};

/* Where an offset lies, for reports: "tile[1024] + 12". */
std::string describe_shared(const Function& kernel, uint32_t dynamic_bytes, uint64_t offset);

}  // namespace softgpu

#endif
