/* What libraries on the device use (softgpu.h): streams, checked memory, planned failures. */
#include <cstring>

#include "api/copy.h"
#include "api/graph.h"
#include "api/state.h"
#include "softgpu.h"

using namespace softgpu;

namespace {

/* Reports a bad range, after which the context is as lost as after a kernel's fault. */
[[noreturn]] void fault(Context& context, CUresult code, const std::string& text) {
  report(text);
  fail_context(context, code);
  refuse(code);
}

std::string place(const Allocation& a, uint64_t address) {
  return "byte " + std::to_string(address - a.base) + " of " + (a.live ? "" : "freed ") + "allocation #" +
         std::to_string(a.serial) + " (" + std::to_string(a.bytes) + " bytes)";
}

/* The live allocation that holds the whole range. */
Allocation& holder(Context& context, uint64_t address, size_t bytes, bool writes, const std::string& what) {
  const std::string range = what + ": " + std::to_string(bytes) + " bytes at " + std::to_string(address);
  const Device* owner = owner_of(address);
  if (owner != context.device)
    fault(context, CUDA_ERROR_ILLEGAL_ADDRESS,
          range + (owner ? " lie on device " + std::to_string(owner->index) + ", not on the current one"
                         : std::string(" are no memory of a device")));
  const DeviceMemory& memory = *context.device->memory;
  Allocation* a = memory.find(address);
  if (!a) {
    const Allocation* near = memory.nearest(address);
    fault(context, CUDA_ERROR_ILLEGAL_ADDRESS,
          range + " lie in no allocation" + (near ? "; near " + place(*near, near->base) : std::string()));
  }
  if (!a->live || bytes > a->end() - address)
    fault(context, CUDA_ERROR_ILLEGAL_ADDRESS, range + " do not lie in one live allocation: they begin at " +
                                                   place(*a, address));
  if (writes && !a->writable) fault(context, CUDA_ERROR_ILLEGAL_ADDRESS, range + " are read-only");
  return *a;
}

}  // namespace

SOFTGPU_API int softgpu_submit(void* stream, int (*work)(void*), void (*discard)(void*), void* data) {
  const std::shared_ptr<void> owned(data, discard);
  return enter([&] {
    require(work);
    Stream& s = stream_of(static_cast<CUstream>(stream));
    require(s.context == &current(), CUDA_ERROR_INVALID_HANDLE);
    submit(s, kNodeKernel, [work, owned] {
      const CUresult code = work(owned.get());
      require(code == CUDA_SUCCESS, code);
    });
  });
}

SOFTGPU_API int softgpu_memory(uint64_t address, size_t bytes, int access, const char* what, void** host) {
  return enter([&] {
    Context& context = current();
    const std::string name = what ? what : "memory";
    DeviceMemory& memory = *context.device->memory;
    if (bytes > 0) {
      Allocation& a = holder(context, address, bytes, access & (SOFTGPU_WRITE | SOFTGPU_SCRATCH), name);
      if (access != SOFTGPU_EXISTS) use_memory(context, a, access & (SOFTGPU_WRITE | SOFTGPU_SCRATCH));
      uint8_t* const shadow = memory.shadow(address);
      if (access & SOFTGPU_READ)
        if (const void* hole = std::memchr(shadow, 0, bytes))
          fault(context, CUDA_ERROR_LAUNCH_FAILED,
                name + ": read of bytes that nothing wrote: " +
                    place(a, address + static_cast<uint64_t>(static_cast<const uint8_t*>(hole) - shadow)));
      if (access & SOFTGPU_WRITE) std::memset(shadow, 1, bytes);
      if (access & SOFTGPU_SCRATCH) {
        std::memset(memory.host(address), 0xff, bytes);
        std::memset(shadow, 0, bytes);
        a.initialised = false;
      }
    }
    if (host) *host = bytes > 0 ? memory.host(address) : nullptr;
  });
}

SOFTGPU_API void softgpu_report(const char* text) {
  const std::lock_guard<std::recursive_mutex> hold(Driver::get().lock);
  report(text ? text : "");
}

SOFTGPU_API int softgpu_fails(const char* library) {
  bool fails = false;
  enter([&] {
    const std::string name = library ? library : "";
    require(name == "cudnn" || name == "nccl");
    fails = Driver::get().fails(name == "cudnn" ? Failure::cudnn : Failure::nccl, *current().device);
  });
  return fails ? 1 : 0;
}

SOFTGPU_API unsigned softgpu_threads(void) {
  const std::lock_guard<std::recursive_mutex> hold(Driver::get().lock);
  return Driver::get().threads;
}
