/*
 * The memory of one pretend device. Device addresses lie in a reserved range that the host cannot
 * touch; the bytes are kept at a constant distance, and one shadow byte for each byte says whether
 * it was ever written.
 */
#ifndef SOFTGPU_DEVICE_MEMORY_H
#define SOFTGPU_DEVICE_MEMORY_H

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "device/order.h"

namespace softgpu {

struct Allocation {
  uint64_t base = 0, bytes = 0;
  bool live = true;
  bool writable = true;
  std::atomic<bool> initialised{false}; /* known to be written everywhere */
  uint64_t serial = 0;      /* the how-many-th allocation of the device */
  std::atomic<uint64_t> checked_in{0}; /* the launch that last looked for unwritten bytes */
  std::atomic<uint64_t> read_in{0}, written_in{0}; /* the turns that last noted such a use */
  Uses uses;
  uint64_t owner = 0;       /* context that made it */
  int pool = -1;            /* of a memory pool */
  std::string name;         /* of a module variable */

  uint64_t end() const { return base + bytes; }

  /* Notes a use by a piece of work (device/order.h); empty, or what is wrong with it. */
  std::string use(const Turn& turn, bool writes) {
    std::atomic<uint64_t>& noted = writes ? written_in : read_in;
    if (noted == turn.id) return "";
    noted = turn.id;
    return note_use(uses, turn, writes);
  }
};

class DeviceMemory {
 public:
  /* `capacity` bytes can be allocated at a time. Throws std::bad_alloc. */
  explicit DeviceMemory(uint64_t capacity);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /* Null where the capacity does not allow it. Bytes may be 0 for empty module variables. */
  Allocation* allocate(uint64_t bytes, uint64_t align = 256);
  void release(Allocation* allocation);

  /* The allocation, live or freed, that holds the address; or null. */
  Allocation* find(uint64_t address) const;
  /* The allocation nearest to an address, for reports; or null. */
  Allocation* nearest(uint64_t address) const;
  bool owns(uint64_t address) const { return address - base_ < range_; }

  uint8_t* host(uint64_t address) const { return bytes_ + (address - base_); }
  uint8_t* shadow(uint64_t address) const { return shadow_ + (address - base_); }
  uint64_t base() const { return base_; }
  int64_t to_host() const { return reinterpret_cast<int64_t>(bytes_) - static_cast<int64_t>(base_); }
  int64_t to_shadow() const { return reinterpret_cast<int64_t>(shadow_) - static_cast<int64_t>(base_); }

  uint64_t capacity() const { return capacity_; }
  uint64_t used() const { return used_; }
  const std::map<uint64_t, std::unique_ptr<Allocation>>& all() const { return allocations_; }

 private:
  bool place(uint64_t bytes, uint64_t align, uint64_t& address);
  void forget_oldest();

  uint64_t capacity_, used_ = 0, range_, base_, next_;
  uint8_t *bytes_, *shadow_;
  uint64_t serial_ = 0;
  std::map<uint64_t, std::unique_ptr<Allocation>> allocations_;
  std::map<uint64_t, uint64_t> freed_;   /* serial of the release -> base */
  std::map<uint64_t, uint64_t> holes_;   /* base -> bytes: ranges of forgotten allocations */
  uint64_t releases_ = 0;
};

}  // namespace softgpu

#endif
