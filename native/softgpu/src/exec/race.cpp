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

/* The cells as plain pointers, and who asks. */
struct Cells {
  explicit Cells(Warp& w)
      : write_epoch(w.block->shared.write_epoch.data()), written_by(w.block->shared.written_by.data()),
        read_epoch(w.block->shared.read_epoch.data()), read_by(w.block->shared.read_by.data()),
        epoch(w.block->shared.epoch), first(w.block->shared.first_epoch), warp(w.index) {}
  uint32_t *write_epoch, *written_by, *read_epoch, *read_by;
  uint32_t epoch, first, warp;

  /* Written by this block. kOutside is no such epoch. */
  bool written(uint64_t c) const { return write_epoch[c] - first <= epoch - first; }
  /* The last write since the barrier is another thread's and not ordered before. */
  bool write_conflicts(uint64_t c, uint32_t thread, uint32_t sync) const {
    const uint32_t by = written_by[c], writer = WrittenBy::thread(by);
    const bool ordered = writer / kLanes == warp && WrittenBy::sync(by) < sync;
    return write_epoch[c] == epoch && writer != thread && !ordered;
  }
  bool reads_conflict(uint64_t c, uint32_t thread, uint32_t sync) const {
    const uint32_t by = read_by[c], reader = ReadBy::thread(by), readers = ReadBy::readers(by);
    const bool ordered = readers < 2 && reader / kLanes == warp && ReadBy::sync(by) < sync;
    return read_epoch[c] == epoch && (readers != 0 || reader != thread) && !ordered;
  }
  /* Readers of several warps stay so until a barrier; a later reader of one warp stands for those
     that a barrier of the warp ordered before it. */
  uint32_t read_after(uint64_t c, uint32_t thread, uint32_t sync) const {
    const uint32_t by = read_by[c], reader = ReadBy::thread(by), known = ReadBy::readers(by);
    const uint32_t among = known | (reader != thread ? 1u : 0u);
    const uint32_t same_warp = ReadBy::sync(by) < sync ? 0u : among;
    const uint32_t readers = reader / kLanes != warp || known == 2 ? 2u : same_warp;
    return ReadBy::make(thread, read_epoch[c] == epoch ? readers : 0, sync);
  }
};

/* Checks one cell for one lane and records the access. `same`: the bytes to store are there already. */
void visit(Warp& w, const Instr* i, int lane, unsigned size, AccessKind kind, uint64_t offset, uint64_t c,
           bool same) {
  Cells cells(w);
  const uint32_t thread = w.thread(lane), sync = w.sync[lane];
  if (cells.write_epoch[c] == kOutside)
    fault(w, i, lane, FaultCode::illegal_address, sized(kind, size) + where(w, offset));
  if (!cells.written(c) && kind != AccessKind::write)
    fault(w, i, lane, FaultCode::launch_failed, "uninitialised " + sized(kind, size) + where(w, offset));
  const bool both_atomic = kind == AccessKind::atomic && (cells.written_by[c] & WrittenBy::kAtomic);
  if (!same && !both_atomic && cells.write_conflicts(c, thread, sync))
    race(w, i, lane, size, kind, offset, WrittenBy::thread(cells.written_by[c]), "wrote");
  if (kind == AccessKind::read) {
    cells.read_by[c] = cells.read_after(c, thread, sync);
    cells.read_epoch[c] = cells.epoch;
    return;
  }
  if (!same && cells.reads_conflict(c, thread, sync))
    race(w, i, lane, size, kind, offset, ReadBy::thread(cells.read_by[c]), "read");
  if (same && cells.write_epoch[c] == cells.epoch) return;
  cells.write_epoch[c] = cells.epoch;
  cells.written_by[c] = WrittenBy::make(thread, sync, kind == AccessKind::atomic);
}

void one_by_one(Warp& w, const Instr* i, const Addresses& addr, unsigned size, AccessKind kind,
                const uint8_t* values, uint32_t mask) {
  SharedMemory& shared = w.block->shared;
  each(mask, [&](int l) {
    const uint64_t offset = addr.at[l];
    const uint8_t* value = values + static_cast<unsigned>(l) * size;
    const bool same = kind == AccessKind::write && std::memcmp(value, &shared.bytes[offset], size) == 0;
    const uint64_t last = (offset + size - 1) >> shared.grain;
    for (uint64_t c = offset >> shared.grain; c <= last; ++c)
      visit(w, i, l, size, kind, std::max(offset, c << shared.grain), c, same);
    if (kind == AccessKind::write) std::memcpy(&shared.bytes[offset], value, size);
  });
}

/* Lanes first to first + count - 1 read cells that follow each other, 1 << kShift a lane. False, with
   nothing but reads recorded, if something is wrong. */
template <unsigned kShift>
bool read_run(const Cells cells, uint64_t c0, uint32_t thread, uint32_t count, uint32_t sync) {
  uint32_t wrong = 0;
  const uint32_t total = count << kShift;
  _Pragma("GCC ivdep") for (uint32_t j = 0; j < total; ++j) {
    const uint64_t c = c0 + j;
    const uint32_t t = thread + (j >> kShift);
    wrong |= static_cast<uint32_t>(!cells.written(c)) | static_cast<uint32_t>(cells.write_conflicts(c, t, sync));
    cells.read_by[c] = cells.read_after(c, t, sync);
    cells.read_epoch[c] = cells.epoch;
  }
  return !wrong;
}

/* The same for stores; Unit: what a cell stands for. Nothing is recorded if something is wrong. */
template <class Unit, unsigned kShift>
bool write_run(const Cells cells, uint64_t c0, uint32_t thread, uint32_t count, uint32_t sync, Unit* memory,
               const Unit* values) {
  uint32_t wrong = 0;
  const uint32_t total = count << kShift;
  for (uint32_t j = 0; j < total; ++j) {
    const uint64_t c = c0 + j;
    const uint32_t t = thread + (j >> kShift);
    const bool other = memory[j] != values[j];
    wrong |= static_cast<uint32_t>(cells.write_epoch[c] == kOutside) |
             (static_cast<uint32_t>(cells.write_conflicts(c, t, sync) | cells.reads_conflict(c, t, sync)) &
              static_cast<uint32_t>(other));
  }
  if (wrong) return false;
  _Pragma("GCC ivdep") for (uint32_t j = 0; j < total; ++j) {
    const uint64_t c = c0 + j;
    const uint32_t by = WrittenBy::make(thread + (j >> kShift), sync, false);
    const bool keep = cells.write_epoch[c] == cells.epoch && memory[j] == values[j];
    cells.written_by[c] = keep ? cells.written_by[c] : by;
    cells.write_epoch[c] = cells.epoch;
    memory[j] = values[j];
  }
  return true;
}

/* One or more lanes, all of this warp, read the cells of one address. */
bool read_together(Warp& w, uint64_t c0, uint32_t cells_of_lane, uint32_t thread, bool several, uint32_t sync) {
  const Cells cells(w);
  for (uint64_t c = c0; c < c0 + cells_of_lane; ++c) {
    if (!cells.written(c) || cells.write_epoch[c] == cells.epoch) return false;
    uint32_t by = cells.read_after(c, thread, sync);
    if (several && ReadBy::readers(by) == 0) by = ReadBy::make(thread, 1, sync);
    cells.read_by[c] = by;
    cells.read_epoch[c] = cells.epoch;
  }
  return true;
}

bool read_dense(Warp& w, uint64_t c0, unsigned shift, int first, uint32_t count) {
  const uint32_t thread = w.thread(first), sync = w.sync[first];
  switch (shift) {
    case 0: return read_run<0>(Cells(w), c0, thread, count, sync);
    case 1: return read_run<1>(Cells(w), c0, thread, count, sync);
    case 2: return read_run<2>(Cells(w), c0, thread, count, sync);
    default: return false;
  }
}

template <class Unit>
bool write_dense(Warp& w, uint64_t c0, unsigned shift, int first, uint32_t count, const uint8_t* values) {
  const uint32_t thread = w.thread(first), sync = w.sync[first];
  Unit* memory = reinterpret_cast<Unit*>(w.block->shared.bytes.data()) + c0;
  const Unit* from = reinterpret_cast<const Unit*>(values);
  switch (shift) {
    case 0: return write_run<Unit, 0>(Cells(w), c0, thread, count, sync, memory, from);
    case 1: return write_run<Unit, 1>(Cells(w), c0, thread, count, sync, memory, from);
    case 2: return write_run<Unit, 2>(Cells(w), c0, thread, count, sync, memory, from);
    default: return false;
  }
}

bool run(Warp& w, AccessKind kind, uint64_t offset, unsigned size, int first, uint32_t count, bool together,
         const uint8_t* values) {
  const unsigned grain = w.block->shared.grain;
  const unsigned shift = static_cast<unsigned>(__builtin_ctz(size)) - grain;
  const uint64_t c0 = offset >> grain;
  if (kind == AccessKind::read)
    return together ? read_together(w, c0, 1u << shift, w.thread(first), count > 1, w.sync[first])
                    : read_dense(w, c0, shift, first, count);
  if (together && count > 1) return false;
  const uint8_t* from = values + static_cast<unsigned>(first) * size;
  switch (grain) {
    case 0: return write_dense<uint8_t>(w, c0, shift, first, count, from);
    case 1: return write_dense<uint16_t>(w, c0, shift, first, count, from);
    default: return write_dense<uint32_t>(w, c0, shift, first, count, from);
  }
}

}  // namespace

void check_shared(Warp& w, const Instr* i, const Addresses& addr, unsigned size, AccessKind kind,
                  const uint8_t* values) {
  SharedMemory& shared = w.block->shared;
  const uint64_t bytes = static_cast<uint64_t>(__builtin_popcount(w.mask)) * size;
  if (kind != AccessKind::write) w.counts.shared_read += bytes;
  if (kind != AccessKind::read) w.counts.shared_written += bytes;
  if (kind == AccessKind::atomic) w.counts.shared_atomics += bytes / size;

  uint64_t high = 0, low_bits = 0;
  for (int l = 0; l < kLanes; ++l) {
    high = std::max(high, addr.at[l]);
    low_bits |= addr.at[l];
  }
  if (high + size > shared.bytes.size() || high + size < size || (low_bits & (size - 1))) {
    each(w.mask, [&](int l) {
      const uint64_t offset = addr.at[l];
      if (offset & (size - 1))
        fault(w, i, l, FaultCode::misaligned_address,
              sized(kind, size) + where(w, offset) + " is not aligned to " + std::to_string(size));
      if (offset + size > shared.bytes.size() || offset + size < size)
        fault(w, i, l, FaultCode::illegal_address, sized(kind, size) + where(w, offset));
    });
  }
  if (kind == AccessKind::atomic || !w.sync_uniform)
    return one_by_one(w, i, addr, size, kind, values, w.mask);

  /* Runs of lanes that access one address, or addresses that follow each other. */
  for (int l = 0; l < kLanes;) {
    if (!(w.mask >> l & 1)) {
      ++l;
      continue;
    }
    const auto step = [&](int n) { return addr.at[n + 1] - addr.at[n]; };
    const auto active = [&](int n) { return n < kLanes && (w.mask >> n & 1); };
    int end = l + 1;
    const uint64_t stride = active(end) ? step(l) : 0;
    if (stride == 0 || stride == size)
      while (active(end) && step(end - 1) == stride) ++end;
    const auto count = static_cast<uint32_t>(end - l);
    if (!run(w, kind, addr.at[l], size, l, count, stride != size, values)) {
      const uint32_t lanes = (count == 32 ? kFull : (1u << count) - 1) << l;
      one_by_one(w, i, addr, size, kind, values, lanes);
    }
    l = end;
  }
}

}  // namespace softgpu
