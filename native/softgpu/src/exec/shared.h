/*
 * Shared memory of a block and its shadow. A cell of the shadow stands for the smallest unit that
 * the kernel accesses (1, 2 or 4 bytes) and remembers the last write and the last reads: by which
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

struct SharedCell {
  uint32_t write_epoch;  /* 0: never written; kOutside: between variables */
  uint32_t read_epoch;
  uint32_t write_sync;   /* the writer's warp barrier */
  uint32_t read_sync;
  uint16_t writer;       /* thread */
  uint16_t reader;       /* one thread that read */
  uint8_t write_atomic;
  uint8_t readers;       /* 0: one thread; 1: several of one warp; 2: of several warps */
};

constexpr uint32_t kOutside = 0xffffffffu;

struct SharedMemory {
  std::vector<uint8_t> bytes;
  std::vector<SharedCell> cells;
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
