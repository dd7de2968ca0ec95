/* cuMemAllocAsync and memory pools. */
#include "api/pool.h"

#include <algorithm>

#include "api/copy.h"
#include "api/graph.h"

namespace softgpu {
namespace {

std::map<int, Pool*>& pools() {
  static auto* all = new std::map<int, Pool*>;
  return *all;
}

Pool& pool_of(CUmemoryPool pool) { return object(pool, Kind::pool); }

Allocation& allocate_from(Pool& pool, Context& context, size_t bytes) {
  require(pool.limit == 0 || pool.used + bytes <= pool.limit, CUDA_ERROR_OUT_OF_MEMORY);
  Allocation& a = allocate(context, bytes);
  if (pool.id == 0) pool.id = static_cast<int>(++Driver::get().next_id);
  pools()[pool.id] = &pool;
  a.pool = pool.id;
  pool.used += bytes;
  pool.used_high = std::max(pool.used_high, pool.used);
  pool.reserved = std::max(pool.reserved, pool.used);
  pool.reserved_high = std::max(pool.reserved_high, pool.reserved);
  return a;
}

/* In the order of a stream: other streams' use must come behind it. */
CUdeviceptr allocate_on(Stream& stream, Pool& pool, size_t bytes) {
  Allocation& a = allocate_from(pool, *stream.context, bytes);
  const Working turn(stream);
  use_memory(*stream.context, a, true);
  return a.base;
}

/* Attributes 1 to 3 are ints, the others 64-bit counts. */
uint64_t* count_of(Pool& pool, int attribute) {
  switch (attribute) {
    case 4: return &pool.threshold;
    case 5: return &pool.reserved;
    case 6: return &pool.reserved_high;
    case 7: return &pool.used;
    case 8: return &pool.used_high;
    default: refuse(CUDA_ERROR_INVALID_VALUE);
  }
}

}  // namespace

void pool_freed(const Allocation& a) {
  const auto found = pools().find(a.pool);
  if (found == pools().end()) return;
  Pool& pool = *found->second;
  pool.used -= a.bytes;
  pool.reserved = std::max(pool.used, std::min(pool.reserved, pool.threshold));
}

}  // namespace softgpu

using namespace softgpu;

SOFTGPU_API CUresult cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream stream) {
  return enter([&] {
    require(address);
    Stream& s = stream_of(stream);
    require(!s.capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    *address = allocate_on(s, *s.context->device->pool, bytes);
  });
}

SOFTGPU_API CUresult cuMemAllocFromPoolAsync(CUdeviceptr* address, size_t bytes, CUmemoryPool pool,
                                             CUstream stream) {
  return enter([&] {
    require(address);
    Stream& s = stream_of(stream);
    Pool& p = pool_of(pool);
    require(!s.capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    require(p.device == s.context->device);
    *address = allocate_on(s, p, bytes);
  });
}

SOFTGPU_API CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  return enter([&] {
    Stream& s = stream_of(stream);
    require(!s.capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    settle(s);
    if (Allocation* a = find_allocation(address)) {
      const Working turn(s);
      use_memory(*s.context, *a, true);
    }
    free_allocation(address);
  });
}

SOFTGPU_API CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice device) {
  return enter([&] {
    require(pool);
    *pool = device_at(device).default_pool.get();
  });
}

SOFTGPU_API CUresult cuDeviceGetMemPool(CUmemoryPool* pool, CUdevice device) {
  return enter([&] {
    require(pool);
    *pool = device_at(device).pool;
  });
}

SOFTGPU_API CUresult cuDeviceSetMemPool(CUdevice device, CUmemoryPool pool) {
  return enter([&] {
    Device& d = device_at(device);
    require(pool_of(pool).device == &d);
    d.pool = pool;
  });
}

SOFTGPU_API CUresult cuMemPoolCreate(CUmemoryPool* pool, const CUmemPoolProps* props) {
  return enter([&] {
    require(pool && props && props->allocType == 1);
    require(props->location.type == CU_MEM_LOCATION_TYPE_DEVICE, CUDA_ERROR_NOT_SUPPORTED);
    auto p = std::make_unique<Pool>();
    p->device = &device_at(props->location.id);
    p->limit = props->maxSize;
    add_handle(*p);
    *pool = p.release();
  });
}

SOFTGPU_API CUresult cuMemPoolDestroy(CUmemoryPool pool) {
  return enter([&] {
    Pool& p = pool_of(pool);
    require(p.device->default_pool.get() != &p);
    if (p.device->pool == &p) p.device->pool = p.device->default_pool.get();
    pools().erase(p.id);
    remove_handle(p);
    delete &p;
  });
}

SOFTGPU_API CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t keep) {
  return enter([&] {
    Pool& p = pool_of(pool);
    p.reserved = std::max(p.used, std::min<uint64_t>(p.reserved, keep));
  });
}

SOFTGPU_API CUresult cuMemPoolSetAttribute(CUmemoryPool pool, int attribute, void* value) {
  return enter([&] {
    require(value);
    Pool& p = pool_of(pool);
    if (attribute >= 1 && attribute <= 3) {
      p.reuse[attribute] = *static_cast<int*>(value);
      return;
    }
    const uint64_t given = *static_cast<uint64_t*>(value);
    require(attribute == 4 || ((attribute == 6 || attribute == 8) && given == 0));
    *count_of(p, attribute) = attribute == 6 ? p.reserved : attribute == 8 ? p.used : given;
  });
}

SOFTGPU_API CUresult cuMemPoolGetAttribute(CUmemoryPool pool, int attribute, void* value) {
  return enter([&] {
    require(value);
    Pool& p = pool_of(pool);
    if (attribute >= 1 && attribute <= 3) *static_cast<int*>(value) = p.reuse[attribute];
    else *static_cast<uint64_t*>(value) = *count_of(p, attribute);
  });
}

SOFTGPU_API CUresult cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc* access, size_t count) {
  return enter([&] {
    pool_of(pool);
    require(access || count == 0);
  });
}

SOFTGPU_API CUresult cuMemPoolGetAccess(int* flags, CUmemoryPool pool, CUmemLocation* location) {
  return enter([&] {
    require(flags && location);
    *flags = location->id == pool_of(pool).device->index ? 3 : 0;
  });
}
