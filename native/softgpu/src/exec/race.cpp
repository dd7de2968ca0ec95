/* Bounds, initialisation and races of shared memory. */
#include <algorithm>

#include "exec/access.h"

namespace softgpu {
namespace {

std::string where(Warp& w, uint64_t offset) {
  return describe_shared(*w.launch->kernel, w.launch->dynamic_shared, offset);
}

std::string sized(AccessKind kind, unsigned size) {
  const char* verb = kind == AccessKind::read    ? "read"
                     : kind == AccessKind::write ? "write"
                                                 : "atomic access";
  return std::string(verb) + " of " + std::to_string(size) + " bytes of shared memory: ";
}

std::string thread_name(Warp& w, uint32_t thread) {
  const uint32_t x = w.launch->block.x, y = w.launch->block.y;
  return "(" + std::to_string(thread % x) + "," + std::to_string(thread / x % y) + "," +
         std::to_string(thread / x / y) + ")";
}

[[noreturn]] void race(Warp& w, const Instr* i, int lane, unsigned size, AccessKind kind,
                       uint64_t offset, uint32_t other, const char* did) {
  fault(w, i, lane, FaultCode::launch_failed,
        "race: " + sized(kind, size) + where(w, offset) + ", which thread " + thread_name(w, other) +
            " " + did + " without a barrier between");
}

/* Checks one cell for one lane and records the access. `same`: the bytes to store are there already. */
inline void visit(Warp& w, const Instr* i, int lane, unsigned size, AccessKind kind, uint64_t offset,
                  SharedCell& cell, bool same) {
  SharedMemory& shared = w.block->shared;
  const uint32_t epoch = shared.epoch, thread = w.thread(lane), sync = w.sync[lane];
  if (cell.write_epoch == kOutside)
    fault(w, i, lane, FaultCode::illegal_address, sized(kind, size) + where(w, offset));
  const bool written = cell.write_epoch >= shared.first_epoch;
  if (!written && kind != AccessKind::write)
    fault(w, i, lane, FaultCode::launch_failed,
          "uninitialised " + sized(kind, size) + where(w, offset));
  if (cell.write_epoch == epoch && cell.writer != thread && !same &&
      !(kind == AccessKind::atomic && cell.write_atomic)) {
    const bool ordered = cell.writer / kLanes == w.index && cell.write_sync < sync;
    if (!ordered) race(w, i, lane, size, kind, offset, cell.writer, "wrote");
  }
  if (kind == AccessKind::read) {
    if (cell.read_epoch != epoch) {
      cell.readers = 0;
    } else if (cell.reader / kLanes != w.index) {
      cell.readers = 2;
    } else if (cell.readers < 2) {
      cell.readers = cell.read_sync < sync ? 0 : (cell.readers || cell.reader != thread);
    }
    cell.read_epoch = epoch;
    cell.reader = static_cast<uint16_t>(thread);
    cell.read_sync = sync;
    return;
  }
  if (cell.read_epoch == epoch && !same) {
    const bool others = cell.readers || cell.reader != thread;
    const bool ordered =
        cell.readers < 2 && cell.reader / kLanes == w.index && cell.read_sync < sync;
    if (others && !ordered) race(w, i, lane, size, kind, offset, cell.reader, "read");
  }
  if (same && cell.write_epoch == epoch) return;
  cell.write_epoch = epoch;
  cell.writer = static_cast<uint16_t>(thread);
  cell.write_sync = sync;
  cell.write_atomic = kind == AccessKind::atomic;
}

}  // namespace

void check_shared(Warp& w, const Instr* i, const Addresses& addr, unsigned size, AccessKind kind,
                  const uint8_t* values) {
  SharedMemory& shared = w.block->shared;
  const uint64_t limit = shared.bytes.size();
  each(w.mask, [&](int l) {
    const uint64_t offset = addr.at[l];
    if (offset & (size - 1))
      fault(w, i, l, FaultCode::misaligned_address,
            sized(kind, size) + where(w, offset) + " is not aligned to " + std::to_string(size));
    if (offset >= limit || offset + size > limit)
      fault(w, i, l, FaultCode::illegal_address, sized(kind, size) + where(w, offset));
    const bool same = kind == AccessKind::write &&
                      std::memcmp(values + static_cast<unsigned>(l) * size, &shared.bytes[offset], size) == 0;
    const uint64_t last = (offset + size - 1) >> shared.grain;
    for (uint64_t c = offset >> shared.grain; c <= last; ++c)
      visit(w, i, l, size, kind, std::max(offset, c << shared.grain), shared.cells[c], same);
    if (kind == AccessKind::write)
      std::memcpy(&shared.bytes[offset], values + static_cast<unsigned>(l) * size, size);
  });
  const uint64_t bytes = static_cast<uint64_t>(__builtin_popcount(w.mask)) * size;
  if (kind != AccessKind::write) w.counts.shared_read += bytes;
  if (kind != AccessKind::read) w.counts.shared_written += bytes;
  if (kind == AccessKind::atomic) w.counts.shared_atomics += bytes / size;
}

}  // namespace softgpu
