/* Contexts. */
#include <algorithm>

#include "api/state.h"

namespace softgpu {

Module::~Module() {
  for (auto& [name, kernel] : kernels) remove_handle(*kernel);
  for (Allocation* a : variables) context->device->memory->release(a);
}

Context::~Context() {
  remove_handle(*this);
  for (Module* m : modules) {
    remove_handle(*m);
    delete m;
  }
  for (Stream* s : streams) {
    remove_handle(*s);
    delete s;
  }
  for (Event* e : events) {
    remove_handle(*e);
    delete e;
  }
  if (!device) return;
  std::vector<Allocation*> mine;
  for (const auto& [address, a] : device->memory->all())
    if (a->live && a->owner == id) mine.push_back(a.get());
  for (Allocation* a : mine) device->memory->release(a);
}

namespace {

std::unique_ptr<Context> make_context(Device& device, unsigned flags) {
  auto context = std::make_unique<Context>();
  context->device = &device;
  context->id = ++Driver::get().next_id;
  context->flags = flags;
  context->default_stream = std::make_unique<Stream>();
  context->default_stream->context = context.get();
  context->default_stream->id = ++Driver::get().next_id;
  add_handle(*context);
  return context;
}

void forget(const Context* context) {
  auto& stack = context_stack();
  stack.erase(std::remove(stack.begin(), stack.end(), context), stack.end());
}

}  // namespace
}  // namespace softgpu

using namespace softgpu;

SOFTGPU_API CUresult cuDevicePrimaryCtxRetain(CUcontext* out, CUdevice device) {
  return enter([&] {
    require(out);
    Device& d = device_at(device);
    require(!d.lost, CUDA_ERROR_DEVICE_UNAVAILABLE);
    if (!d.primary) d.primary = make_context(d, d.primary_flags);
    ++d.primary_uses;
    *out = d.primary.get();
  });
}

SOFTGPU_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return enter([&] {
    Device& d = device_at(device);
    require(d.primary_uses > 0, CUDA_ERROR_INVALID_CONTEXT);
    if (--d.primary_uses == 0) d.primary.reset();
  });
}

SOFTGPU_API CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  return enter([&] {
    Device& d = device_at(device);
    d.primary.reset();
    if (d.primary_uses) d.primary = make_context(d, d.primary_flags);
  });
}

SOFTGPU_API CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  return enter([&] {
    Device& d = device_at(device);
    d.primary_flags = flags;
    if (d.primary) d.primary->flags = flags;
  });
}

SOFTGPU_API CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
  return enter([&] {
    require(flags && active);
    *flags = device_at(device).primary_flags;
    *active = device_at(device).primary != nullptr;
  });
}

SOFTGPU_API CUresult cuCtxCreate_v2(CUcontext* out, unsigned flags, CUdevice device) {
  return enter([&] {
    require(out);
    Device& d = device_at(device);
    require(!d.lost, CUDA_ERROR_DEVICE_UNAVAILABLE);
    *out = make_context(d, flags).release();
    context_stack().push_back(*out);
  });
}

SOFTGPU_API CUresult cuCtxDestroy_v2(CUcontext context) {
  return enter([&] {
    Context& c = object(context, Kind::context, CUDA_ERROR_INVALID_CONTEXT);
    require(c.device->primary.get() != &c, CUDA_ERROR_INVALID_CONTEXT);
    forget(&c);
    delete &c;
  });
}

SOFTGPU_API CUresult cuCtxPushCurrent_v2(CUcontext context) {
  return enter([&] {
    context_stack().push_back(&object(context, Kind::context, CUDA_ERROR_INVALID_CONTEXT));
  });
}

SOFTGPU_API CUresult cuCtxPopCurrent_v2(CUcontext* context) {
  return enter([&] {
    require(!context_stack().empty(), CUDA_ERROR_INVALID_CONTEXT);
    if (context) *context = context_stack().back();
    context_stack().pop_back();
  });
}

SOFTGPU_API CUresult cuCtxSetCurrent(CUcontext context) {
  return enter([&] {
    auto& stack = context_stack();
    if (context) object(context, Kind::context, CUDA_ERROR_INVALID_CONTEXT);
    if (!stack.empty()) stack.pop_back();
    if (context) stack.push_back(context);
  });
}

SOFTGPU_API CUresult cuCtxGetCurrent(CUcontext* context) {
  return enter([&] {
    require(context);
    *context = context_stack().empty() ? nullptr : context_stack().back();
  });
}

SOFTGPU_API CUresult cuCtxGetDevice(CUdevice* device) {
  return enter([&] {
    require(device);
    *device = current_even_failed().device->index;
  });
}

SOFTGPU_API CUresult cuCtxGetFlags(unsigned* flags) {
  return enter([&] {
    require(flags);
    *flags = current_even_failed().flags;
  });
}

SOFTGPU_API CUresult cuCtxGetId(CUcontext context, unsigned long long* id) {
  return enter([&] {
    require(id);
    *id = (context ? object(context, Kind::context, CUDA_ERROR_INVALID_CONTEXT) : current_even_failed()).id;
  });
}

SOFTGPU_API CUresult cuCtxGetApiVersion(CUcontext context, unsigned* version) {
  return enter([&] {
    require(version);
    if (context) object(context, Kind::context, CUDA_ERROR_INVALID_CONTEXT);
    *version = 3020;
  });
}

SOFTGPU_API CUresult cuCtxSynchronize() {
  return enter([] {
    Context& c = current();
    for (Stream* s : c.streams) require(!s->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    wait_for_all(c);
  });
}

SOFTGPU_API CUresult cuCtxSetLimit(int limit, size_t value) {
  return enter([&] { current().limits[limit] = value; });
}

SOFTGPU_API CUresult cuCtxGetLimit(size_t* value, int limit) {
  return enter([&] {
    require(value);
    const auto& limits = current().limits;
    const auto found = limits.find(limit);
    *value = found == limits.end() ? 0 : found->second;
  });
}

SOFTGPU_API CUresult cuCtxGetCacheConfig(int* config) {
  return enter([&] {
    require(config);
    current();
    *config = 0;
  });
}

SOFTGPU_API CUresult cuCtxSetCacheConfig(int) { return enter([] { current(); }); }

SOFTGPU_API CUresult cuCtxGetSharedMemConfig(int* config) { return cuCtxGetCacheConfig(config); }

SOFTGPU_API CUresult cuCtxSetSharedMemConfig(int) { return enter([] { current(); }); }

SOFTGPU_API CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return enter([&] {
    current();
    if (least) *least = 0;
    if (greatest) *greatest = -5;
  });
}

SOFTGPU_API CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
  return enter([&] {
    require(flags == 0);
    Context& c = current();
    Context& p = object(peer, Kind::context, CUDA_ERROR_INVALID_CONTEXT);
    require(p.device != c.device, CUDA_ERROR_INVALID_DEVICE);
    require(c.peers.insert(p.device->index).second, CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  });
}

SOFTGPU_API CUresult cuCtxDisablePeerAccess(CUcontext peer) {
  return enter([&] {
    Context& p = object(peer, Kind::context, CUDA_ERROR_INVALID_CONTEXT);
    require(current().peers.erase(p.device->index) == 1, CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
  });
}
