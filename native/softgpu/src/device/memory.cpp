#include "device/memory.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace softgpu {
namespace {

constexpr uint64_t kGap = 256;               /* untouchable bytes behind every allocation */
constexpr uint64_t kRange = 1ull << 38;      /* addresses of a device: freed ones are not reused soon */
constexpr size_t kMostFreed = 1u << 16;      /* freed allocations that are remembered */

uint8_t* reserve(uint64_t bytes, int protection) {
  void* p = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  return static_cast<uint8_t*>(p);
}

uint64_t up(uint64_t value, uint64_t align) { return (value + align - 1) / align * align; }

/* Sets a range to zero and gives whole pages back to the system. */
void clear(uint8_t* begin, uint64_t bytes) {
  constexpr uint64_t kPage = 4096;
  const uint64_t first = reinterpret_cast<uint64_t>(begin), last = first + bytes;
  const uint64_t low = up(first, kPage), high = last / kPage * kPage;
  if (low >= high) {
    std::memset(begin, 0, bytes);
    return;
  }
  std::memset(begin, 0, low - first);
  madvise(begin + (low - first), high - low, MADV_DONTNEED);
  std::memset(begin + (high - first), 0, last - high);
}

}  // namespace

DeviceMemory::DeviceMemory(uint64_t capacity) : capacity_(capacity), range_(kRange) {
  base_ = reinterpret_cast<uint64_t>(reserve(range_, PROT_NONE));
  bytes_ = reserve(range_, PROT_READ | PROT_WRITE);
  shadow_ = reserve(range_, PROT_READ | PROT_WRITE);
  next_ = base_ + kGap;
}

DeviceMemory::~DeviceMemory() {
  munmap(reinterpret_cast<void*>(base_), range_);
  munmap(bytes_, range_);
  munmap(shadow_, range_);
}

bool DeviceMemory::place(uint64_t bytes, uint64_t align, uint64_t& address) {
  const uint64_t fresh = up(next_, align);
  if (fresh + bytes + kGap <= base_ + range_) {
    address = fresh;
    next_ = up(fresh + bytes + kGap, kGap);
    return true;
  }
  for (auto hole = holes_.begin(); hole != holes_.end(); ++hole) {
    const uint64_t start = up(hole->first, align), end = hole->first + hole->second;
    if (start + bytes + kGap > end) continue;
    address = start;
    const uint64_t rest = up(start + bytes + kGap, kGap);
    holes_.erase(hole);
    if (rest < end) holes_[rest] = end - rest;
    return true;
  }
  return false;
}

void DeviceMemory::forget_oldest() {
  const auto oldest = freed_.begin();
  const auto found = allocations_.find(oldest->second);
  uint64_t begin = found->first, end = up(found->second->end() + kGap, kGap);
  allocations_.erase(found);
  freed_.erase(oldest);
  auto after = holes_.lower_bound(begin);
  if (after != holes_.end() && after->first == end) {
    end += after->second;
    after = holes_.erase(after);
  }
  if (after != holes_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == begin) {
      before->second = end - before->first;
      return;
    }
  }
  holes_[begin] = end - begin;
}

Allocation* DeviceMemory::allocate(uint64_t bytes, uint64_t align) {
  if (bytes > capacity_ - used_ || bytes > range_ / 2) return nullptr;
  uint64_t address;
  while (!place(bytes, align < 256 ? 256 : align, address)) {
    if (freed_.empty()) return nullptr;
    forget_oldest();
  }
  auto allocation = std::make_unique<Allocation>();
  allocation->base = address;
  allocation->bytes = bytes;
  allocation->serial = ++serial_;
  used_ += bytes;
  return (allocations_[address] = std::move(allocation)).get();
}

void DeviceMemory::release(Allocation* allocation) {
  allocation->live = false;
  used_ -= allocation->bytes;
  clear(host(allocation->base), allocation->bytes);
  clear(shadow(allocation->base), allocation->bytes);
  freed_[++releases_] = allocation->base;
  if (freed_.size() > kMostFreed) forget_oldest();
}

Allocation* DeviceMemory::find(uint64_t address) const {
  auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return nullptr;
  Allocation* candidate = std::prev(after)->second.get();
  return address < candidate->end() ? candidate : nullptr;
}

Allocation* DeviceMemory::nearest(uint64_t address) const {
  if (allocations_.empty() || !owns(address)) return nullptr;
  auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return after->second.get();
  Allocation* before = std::prev(after)->second.get();
  if (after == allocations_.end()) return before;
  return address - before->end() <= after->first - address ? before : after->second.get();
}

}  // namespace softgpu
