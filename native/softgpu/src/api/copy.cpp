#include "api/copy.h"

#include <cstring>

namespace softgpu {
namespace {

/* The device that holds the range, or null for host memory. */
Device* resolve(uint64_t address, Side side, size_t bytes) {
  Device* device = owner_of(address);
  if (side == Side::host) {
    if (device) report("a device address where a host pointer belongs");
    require(!device && address);
    return nullptr;
  }
  if (!device) {
    if (side == Side::device) report("a copy or fill of " + std::to_string(bytes) + " bytes: no device address");
    require(side == Side::either && address);
    return nullptr;
  }
  require(!device->lost, CUDA_ERROR_DEVICE_UNAVAILABLE);
  const Allocation* a = device->memory->find(address);
  const bool inside = a && a->live && address + bytes <= a->end();
  if (!inside)
    report("a copy or fill of " + std::to_string(bytes) + " bytes lies in no live allocation" +
           (a ? ": it begins at byte " + std::to_string(address - a->base) + " of " +
                    (a->live ? "" : "freed ") + "allocation #" + std::to_string(a->serial) + " of " +
                    std::to_string(a->bytes) + " bytes"
              : ""));
  require(inside);
  return device;
}

uint8_t* pointer(Device* device, uint64_t address) {
  return device ? device->memory->host(address) : reinterpret_cast<uint8_t*>(address);
}

}  // namespace

Device* owner_of(uint64_t address) {
  for (const auto& device : Driver::get().devices)
    if (device->memory->owns(address)) return device.get();
  return nullptr;
}

void check_copy(uint64_t to, Side to_side, uint64_t from, Side from_side, size_t bytes) {
  if (bytes == 0) return;
  resolve(to, to_side, bytes);
  resolve(from, from_side, bytes);
}

void copy_bytes(uint64_t to, Side to_side, uint64_t from, Side from_side, size_t bytes) {
  if (bytes == 0) return;
  Device* target = resolve(to, to_side, bytes);
  Device* source = resolve(from, from_side, bytes);
  uint8_t* const out = pointer(target, to);
  std::memmove(out, pointer(source, from), bytes);
  if (target && source) {
    std::memmove(target->memory->shadow(to), source->memory->shadow(from), bytes);
  } else if (target) {
    std::memset(target->memory->shadow(to), 1, bytes);
  } else if (source) {
    const uint8_t* shadow = source->memory->shadow(from);
    if (std::memchr(shadow, 0, bytes))
      for (size_t b = 0; b < bytes; ++b)
        if (!shadow[b]) out[b] = 0xa5;
  }
  if (!target) return;
  Allocation* a = target->memory->find(to);
  if (source && !source->memory->find(from)->initialised) a->initialised = false;
}

void check_fill(uint64_t address, unsigned width, size_t count) {
  require(address % width == 0);
  if (count) resolve(address, Side::device, count * width);
}

void fill(uint64_t address, uint32_t value, unsigned width, size_t count) {
  require(address % width == 0);
  if (count == 0) return;
  Device* device = resolve(address, Side::device, count * width);
  uint8_t* out = device->memory->host(address);
  if (width == 1) {
    std::memset(out, static_cast<int>(value), count);
  } else {
    for (size_t n = 0; n < count; ++n) std::memcpy(out + n * width, &value, width);
  }
  std::memset(device->memory->shadow(address), 1, count * width);
}

}  // namespace softgpu
