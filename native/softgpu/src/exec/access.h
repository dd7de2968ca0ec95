/* Addresses of memory instructions and the checks of every access. */
#ifndef SOFTGPU_EXEC_ACCESS_H
#define SOFTGPU_EXEC_ACCESS_H

#include "exec/lanes.h"
#include "program/decode.h"

namespace softgpu {

/* Generic addresses of shared, local and parameter memory begin here; all others are global. */
constexpr uint64_t kSharedWindow = 1ull << 56;
constexpr uint64_t kLocalWindow = 2ull << 56;
constexpr uint64_t kParamWindow = 3ull << 56;
constexpr uint64_t kWindowMask = ~0ull << 56;

/* Instr::flags of memory instructions. */
enum AccessFlags : uint32_t {
  kSpaceGeneric = 0, kSpaceGlobal = 1, kSpaceShared = 2, kSpaceLocal = 3, kSpaceParam = 4,
  kSpaceConst = 5,
  kSpaceBits = 7,
  kBase32 = 8,         /* the base register has 32 bits */
  kFrameRelative = 16, /* imm counts from the activation's local memory */
};

enum class AccessKind : uint8_t { read, write, atomic };

/* The addresses of the 32 lanes; those of inactive lanes repeat an active one. */
struct Addresses {
  alignas(64) uint64_t at[kLanes];
};
void addresses(Warp& w, const Instr* i, Addresses& out);

/* Splits generic addresses by the space they lie in: calls f(space, mask), the addresses made
   relative to their window. */
template <class F>
inline void by_space(Warp& w, const Instr* i, Addresses& addr, F f) {
  const uint32_t space = i->flags & kSpaceBits;
  if (space != kSpaceGeneric) return f(space == kSpaceConst ? kSpaceGlobal : space, w.mask);
  uint64_t high = 0;
  for (int l = 0; l < kLanes; ++l) high |= addr.at[l];
  if (!(high & kWindowMask)) return f(kSpaceGlobal, w.mask);
  uint32_t masks[4] = {};
  each(w.mask, [&](int l) {
    const uint64_t window = addr.at[l] >> 56;
    masks[window < 4 ? window : 0] |= 1u << l;
  });
  const uint32_t spaces[4] = {kSpaceGlobal, kSpaceShared, kSpaceLocal, kSpaceParam};
  for (int window = 0; window < 4; ++window) {
    if (!masks[window]) continue;
    Addresses relative;
    const int some = __builtin_ctz(masks[window]);
    for (int l = 0; l < kLanes; ++l) {
      const uint64_t a = addr.at[(masks[window] >> l) & 1 ? l : some];
      relative.at[l] = window ? a & ~kWindowMask : a;
    }
    const uint32_t all = w.mask;
    std::swap(addr, relative);
    w.mask = masks[window];
    f(spaces[window], masks[window]);
    w.mask = all;
    std::swap(addr, relative);
  }
}

struct Span {
  uint64_t low, high; /* least and greatest address */
  bool dense;         /* lane l at low + l * size */
};

/* Checks bounds, liveness and alignment of an access of `size` bytes by each active lane to global
   memory. The allocation, or null where the lanes access several. */
Allocation* check_global(Warp& w, const Instr* i, const Addresses& addr, unsigned size,
                         AccessKind kind, Span& span);
/* Faults if a lane reads a byte that was never written. */
void check_written(Warp& w, const Instr* i, const Addresses& addr, const Span& span, unsigned size);
void mark_written(Warp& w, const Addresses& addr, const Span& span, unsigned size);
/* Counts bytes and sectors. */
void count_global(Warp& w, const Addresses& addr, const Span& span, unsigned size, AccessKind kind);

/* Checks an access to shared memory: bounds, alignment, never written, races. Stores come with the
   values to be stored (`size` bytes a lane), so that equal values do not race. */
void check_shared(Warp& w, const Instr* i, const Addresses& addr, unsigned size, AccessKind kind,
                  const uint8_t* values);

/* Where lane l's local memory has this access; faults where it is outside or never written. */
uint8_t* local_at(Warp& w, const Instr* i, int lane, uint64_t address, unsigned size, bool write);
/* The kernel's parameters. */
const uint8_t* param_at(Warp& w, const Instr* i, int lane, uint64_t address, unsigned size);

/* For decoders: the state space among the modifiers; none: generic. */
ptx::Space take_space(Decode& d);
/* Gives a memory instruction, whose flags are set, its cached allocation, and the kernel a shadow
   fine enough for accesses of so many bytes. */
void note_access(Decode& d, unsigned bytes);

}  // namespace softgpu

#endif
