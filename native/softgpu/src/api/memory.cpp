/* Allocation of device and host memory. */
#include <cstdlib>
#include <cstring>

#include "api/copy.h"
#include "api/graph.h"
#include "api/pool.h"
#include "api/state.h"

namespace softgpu {

Allocation& allocate(Context& context, size_t bytes) {
  require(bytes > 0);
  Driver& driver = Driver::get();
  require(!driver.fails(Failure::alloc, *context.device), CUDA_ERROR_OUT_OF_MEMORY);
  Allocation* a = context.device->memory->allocate(bytes);
  require(a, CUDA_ERROR_OUT_OF_MEMORY);
  a->owner = context.id;
  return *a;
}

Allocation* find_allocation(uint64_t address) {
  const Device* device = owner_of(address);
  Allocation* a = device ? device->memory->find(address) : nullptr;
  return a && a->live ? a : nullptr;
}

void free_allocation(uint64_t address) {
  Device* device = owner_of(address);
  Allocation* a = device ? device->memory->find(address) : nullptr;
  if (!a || !a->live || a->base != address || !a->name.empty())
    report(a && !a->live ? "allocation #" + std::to_string(a->serial) + " is freed twice"
                         : std::string("what is freed is no allocation"));
  require(a && a->live && a->base == address && a->name.empty());
  if (a->pool >= 0) pool_freed(*a);
  device->memory->release(a);
}

namespace {

void* host_memory(size_t bytes, unsigned flags) {
  require(bytes > 0);
  void* p = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  require(p, CUDA_ERROR_OUT_OF_MEMORY);
  Driver::get().host_ranges[reinterpret_cast<uintptr_t>(p)] = {bytes, false, flags};
  return p;
}

}  // namespace
}  // namespace softgpu

using namespace softgpu;

SOFTGPU_API CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  return enter([&] {
    require(address);
    refuse_unsafe(current());
    *address = allocate(current(), bytes).base;
  });
}

SOFTGPU_API CUresult cuMemAllocPitch_v2(CUdeviceptr* address, size_t* pitch, size_t width, size_t height,
                                        unsigned element) {
  return enter([&] {
    require(address && pitch && width && height && (element == 4 || element == 8 || element == 16));
    *pitch = (width + 511) / 512 * 512;
    *address = allocate(current(), *pitch * height).base;
  });
}

SOFTGPU_API CUresult cuMemFree_v2(CUdeviceptr address) {
  return enter([&] {
    refuse_unsafe(current());
    wait_for_all(current());
    if (address) free_allocation(address);
  });
}

SOFTGPU_API CUresult cuMemGetInfo_v2(size_t* available, size_t* total) {
  return enter([&] {
    require(available && total);
    const DeviceMemory& memory = *current().device->memory;
    *total = memory.capacity();
    *available = memory.capacity() - memory.used();
  });
}

SOFTGPU_API CUresult cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* bytes, CUdeviceptr address) {
  return enter([&] {
    current();
    Device* device = owner_of(address);
    const Allocation* a = device ? device->memory->find(address) : nullptr;
    require(a && a->live, CUDA_ERROR_NOT_FOUND);
    if (base) *base = a->base;
    if (bytes) *bytes = a->bytes;
  });
}

SOFTGPU_API CUresult cuMemHostAlloc(void** p, size_t bytes, unsigned flags) {
  return enter([&] {
    require(p);
    refuse_unsafe(current());
    *p = host_memory(bytes, flags);
  });
}

SOFTGPU_API CUresult cuMemAllocHost_v2(void** p, size_t bytes) { return cuMemHostAlloc(p, bytes, 0); }

SOFTGPU_API CUresult cuMemFreeHost(void* p) {
  return enter([&] {
    refuse_unsafe(current());
    auto& host = Driver::get().host_ranges;
    const auto found = host.find(reinterpret_cast<uintptr_t>(p));
    require(found != host.end() && !found->second.registered);
    wait_for_all(current());
    host.erase(found);
    std::free(p);
  });
}

SOFTGPU_API CUresult cuMemHostRegister_v2(void* p, size_t bytes, unsigned flags) {
  return enter([&] {
    require(p && bytes);
    current();
    const bool added =
        Driver::get().host_ranges.try_emplace(reinterpret_cast<uintptr_t>(p), HostRange{bytes, true, flags}).second;
    require(added, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  });
}

SOFTGPU_API CUresult cuMemHostUnregister(void* p) {
  return enter([&] {
    wait_for_all(current());
    auto& host = Driver::get().host_ranges;
    const auto found = host.find(reinterpret_cast<uintptr_t>(p));
    require(found != host.end() && found->second.registered, CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
    host.erase(found);
  });
}

SOFTGPU_API CUresult cuMemHostGetFlags(unsigned* flags, void* p) {
  return enter([&] {
    require(flags);
    const auto& host = Driver::get().host_ranges;
    const auto found = host.find(reinterpret_cast<uintptr_t>(p));
    require(found != host.end());
    *flags = found->second.flags;
  });
}

SOFTGPU_API CUresult cuPointerGetAttribute(void* data, int attribute, CUdeviceptr address) {
  return enter([&] {
    require(data);
    current();
    Device* device = owner_of(address);
    const Allocation* a = device ? device->memory->find(address) : nullptr;
    require(a && a->live);
    switch (attribute) {
      case 2: *static_cast<unsigned*>(data) = 2; break; /* MEMORY_TYPE: device */
      case 3: *static_cast<CUdeviceptr*>(data) = address; break; /* DEVICE_POINTER */
      case 7: *static_cast<unsigned long long*>(data) = a->serial; break; /* BUFFER_ID */
      case 8: *static_cast<unsigned*>(data) = 0; break; /* IS_MANAGED */
      case 9: *static_cast<int*>(data) = device->index; break; /* DEVICE_ORDINAL */
      case 11: *static_cast<CUdeviceptr*>(data) = a->base; break; /* RANGE_START_ADDR */
      case 12: *static_cast<size_t*>(data) = a->bytes; break; /* RANGE_SIZE */
      case 13: *static_cast<unsigned*>(data) = 1; break; /* MAPPED */
      default: refuse(CUDA_ERROR_NOT_SUPPORTED);
    }
  });
}
