#include "exec/access.h"

#include <algorithm>
#include <cstdio>

namespace softgpu {
namespace {

std::string hex(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

const char* verb(AccessKind kind) {
  return kind == AccessKind::read ? "read" : kind == AccessKind::write ? "write" : "atomic access";
}

std::string access_text(AccessKind kind, unsigned size, uint64_t address) {
  return std::string(verb(kind)) + " of " + std::to_string(size) + " bytes at " + hex(address);
}

std::string describe(const Allocation& a) {
  const std::string what =
      a.name.empty() ? "allocation #" + std::to_string(a.serial) : "variable '" + a.name + "'";
  return what + " (" + std::to_string(a.bytes) + " bytes at " + hex(a.base) + ")";
}

/* Says what is wrong with an address that no live allocation holds entirely. */
[[noreturn]] void bad_global(Warp& w, const Instr* i, int lane, uint64_t address, unsigned size,
                             AccessKind kind) {
  const DeviceMemory& memory = *w.launch->memory;
  std::string text = access_text(kind, size, address) + ": ";
  const Allocation* a = memory.find(address);
  if (a && !a->live) {
    text += "byte " + std::to_string(address - a->base) + " of freed " + describe(*a);
  } else if (a && address + size > a->end()) {
    text += "straddles the end of " + describe(*a);
  } else if (a) {
    text += "read-only " + describe(*a);
  } else if ((a = memory.nearest(address)) != nullptr) {
    text += address >= a->end()
                ? std::to_string(address - a->end()) + " bytes behind the end of "
                : std::to_string(a->base - address) + " bytes before ";
    text += (a->live ? "" : "freed ") + describe(*a);
  } else {
    text += address < 4096 ? "a null pointer" : "no memory of this device";
  }
  fault(w, i, lane, FaultCode::illegal_address, text);
}

void check_aligned(Warp& w, const Instr* i, const Addresses& addr, unsigned size, AccessKind kind,
                   const char* space) {
  uint64_t low_bits = 0;
  for (int l = 0; l < kLanes; ++l) low_bits |= addr.at[l];
  if (__builtin_expect((low_bits & (size - 1)) == 0, 1)) return;
  each(w.mask, [&](int l) {
    if (addr.at[l] & (size - 1))
      fault(w, i, l, FaultCode::misaligned_address,
            std::string(space) + access_text(kind, size, addr.at[l]) + " is not aligned to " +
                std::to_string(size));
  });
}

}  // namespace

void addresses(Warp& w, const Instr* i, Addresses& out) {
  uint64_t offset = static_cast<uint64_t>(i->imm);
  if (i->flags & kFrameRelative) offset += w.local_base;
  if (i->a == kNoSlot) {
    std::fill_n(out.at, kLanes, offset);
    return;
  }
  if (i->flags & kBase32) {
    const uint32_t* base = lanes<uint32_t>(w, i->a);
    SOFTGPU_LANES out.at[l] = base[l] + offset;
  } else {
    const uint64_t* base = lanes<uint64_t>(w, i->a);
    SOFTGPU_LANES out.at[l] = base[l] + offset;
  }
  if (w.mask != kFull) {
    const uint32_t mask = w.mask;
    const uint64_t some = out.at[__builtin_ctz(mask)];
    SOFTGPU_LANES out.at[l] = (mask >> l) & 1 ? out.at[l] : some;
  }
}

Allocation* check_global(Warp& w, const Instr* i, const Addresses& addr, unsigned size,
                         AccessKind kind, Span& span) {
  uint64_t low = addr.at[0], high = addr.at[0], gaps = 0;
  for (int l = 0; l < kLanes; ++l) {
    low = std::min(low, addr.at[l]);
    high = std::max(high, addr.at[l]);
    gaps |= addr.at[l] - addr.at[0] - static_cast<uint64_t>(l) * size;
  }
  span = {low, high, gaps == 0 && w.mask == kFull};
  check_aligned(w, i, addr, size, kind, "");
  Allocation* a = w.cache[i->aux];
  const bool writes = kind != AccessKind::read;
  if (__builtin_expect(a && low >= a->base && high + size <= a->end(), 1)) return a;
  const DeviceMemory& memory = *w.launch->memory;
  bool several = false;
  a = nullptr;
  each(w.mask, [&](int l) {
    Allocation* found = memory.find(addr.at[l]);
    if (!found || !found->live || addr.at[l] + size > found->end() || (writes && !found->writable))
      bad_global(w, i, l, addr.at[l], size, kind);
    const std::string unordered = found->use(w.launch->turn, writes);
    if (!unordered.empty())
      fault(w, i, l, FaultCode::launch_failed,
            access_text(kind, size, addr.at[l]) + " in " + describe(*found) + ": " + unordered);
    several |= a && a != found;
    a = found;
  });
  if (several) return nullptr;
  if (!a->initialised && a->checked_in != w.launch->id) {
    a->checked_in = w.launch->id;
    a->initialised = std::memchr(memory.shadow(a->base), 0, a->bytes) == nullptr;
  }
  return w.cache[i->aux] = a;
}

void check_written(Warp& w, const Instr* i, const Addresses& addr, const Span& span, unsigned size) {
  const int64_t to_shadow = w.launch->memory->to_shadow();
  if (span.dense && !std::memchr(w.launch->memory->shadow(span.low), 0, size * kLanes)) return;
  each(w.mask, [&](int l) {
    const auto* shadow = reinterpret_cast<const uint8_t*>(addr.at[l] + static_cast<uint64_t>(to_shadow));
    for (unsigned b = 0; b < size; ++b) {
      if (shadow[b]) continue;
      const Allocation* a = w.launch->memory->find(addr.at[l]);
      fault(w, i, l, FaultCode::launch_failed,
            "uninitialised " + access_text(AccessKind::read, size, addr.at[l]) + ": byte " +
                std::to_string(addr.at[l] + b - a->base) + " of " + describe(*a) +
                " was never written");
    }
  });
}

void mark_written(Warp& w, const Addresses& addr, const Span& span, unsigned size) {
  if (span.dense) {
    std::memset(w.launch->memory->shadow(span.low), 1, size * kLanes);
    return;
  }
  const int64_t to_shadow = w.launch->memory->to_shadow();
  each(w.mask, [&](int l) {
    std::memset(reinterpret_cast<uint8_t*>(addr.at[l] + static_cast<uint64_t>(to_shadow)), 1, size);
  });
}

void count_global(Warp& w, const Addresses& addr, const Span& span, unsigned size, AccessKind kind) {
  const uint64_t bytes = static_cast<uint64_t>(__builtin_popcount(w.mask)) * size;
  uint64_t sectors;
  if (span.dense || span.low == span.high) {
    sectors = (span.high + size - 1) / 32 - span.low / 32 + 1;
  } else {
    uint64_t all[kLanes];
    SOFTGPU_LANES all[l] = addr.at[l] / 32;
    bool rising = true;
    for (int l = 1; l < kLanes; ++l) rising &= all[l] >= all[l - 1];
    if (!rising) std::sort(all, all + kLanes);
    sectors = 1;
    for (int l = 1; l < kLanes; ++l) sectors += all[l] != all[l - 1];
  }
  Counts& c = w.counts;
  if (kind != AccessKind::write) c.global_read += bytes, c.sectors_read += sectors;
  if (kind != AccessKind::read) c.global_written += bytes, c.sectors_written += sectors;
  if (kind == AccessKind::atomic) c.global_atomics += bytes / size;
}

uint8_t* local_at(Warp& w, const Instr* i, int lane, uint64_t address, unsigned size, bool write) {
  const AccessKind kind = write ? AccessKind::write : AccessKind::read;
  if (address & (size - 1))
    fault(w, i, lane, FaultCode::misaligned_address,
          "local " + access_text(kind, size, address) + " is not aligned");
  const uint64_t at = static_cast<uint64_t>(lane) * w.local_stride + address;
  bool outside = address >= w.local_end || address + size > w.local_end;
  bool unwritten = false;
  for (unsigned b = 0; b < size && !outside; ++b) {
    uint8_t& state = w.local_shadow[at + b];
    outside = state == 2;
    unwritten |= state == 0;
    if (write && !outside) state = 1;
  }
  if (outside)
    fault(w, i, lane, FaultCode::illegal_address,
          "local " + access_text(kind, size, address) + " lies in no variable");
  if (unwritten && !write)
    fault(w, i, lane, FaultCode::launch_failed,
          "uninitialised local " + access_text(kind, size, address));
  w.counts.local_bytes += size;
  return &w.local[at];
}

const uint8_t* param_at(Warp& w, const Instr* i, int lane, uint64_t address, unsigned size) {
  const std::vector<uint8_t>& params = w.launch->params;
  if (address > params.size() || address + size > params.size())
    fault(w, i, lane, FaultCode::illegal_address,
          "parameter " + access_text(AccessKind::read, size, address) + " of " +
              std::to_string(params.size()));
  return params.data() + address;
}

}  // namespace softgpu
