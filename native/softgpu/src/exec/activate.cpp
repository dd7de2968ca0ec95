/* Registers, special registers and local memory of the activations of functions. */
#include <algorithm>
#include <cstring>

#include "exec/control.h"
#include "exec/lanes.h"
#include "exec/schedule.h"

namespace softgpu {
namespace {

void fill_special(Warp& w, Special special, Slot slot) {
  const Block& block = *w.block;
  const Launch& launch = *w.launch;
  uint32_t* out = lanes<uint32_t>(w, slot);
  auto all = [&](uint32_t value) { SOFTGPU_LANES out[l] = value; };
  auto lane = [&](auto f) { SOFTGPU_LANES out[l] = f(static_cast<uint32_t>(l)); };
  const uint32_t first = w.index * kLanes, x = launch.block.x, y = launch.block.y;
  switch (special) {
    case Special::tid_x: return lane([=](uint32_t l) { return (first + l) % x; });
    case Special::tid_y: return lane([=](uint32_t l) { return (first + l) / x % y; });
    case Special::tid_z: return lane([=](uint32_t l) { return (first + l) / x / y; });
    case Special::ntid_x: return all(x);
    case Special::ntid_y: return all(y);
    case Special::ntid_z: return all(launch.block.z);
    case Special::ctaid_x: return all(block.id.x);
    case Special::ctaid_y: return all(block.id.y);
    case Special::ctaid_z: return all(block.id.z);
    case Special::nctaid_x: return all(launch.grid.x);
    case Special::nctaid_y: return all(launch.grid.y);
    case Special::nctaid_z: return all(launch.grid.z);
    case Special::laneid: return lane([](uint32_t l) { return l; });
    case Special::warpid: return all(w.index);
    case Special::nwarpid: return all(static_cast<uint32_t>(block.warps.size()));
    case Special::smid: return all(0);
    case Special::nsmid: return all(1);
    case Special::gridid: return all(static_cast<uint32_t>(launch.id));
    case Special::lanemask_eq: return lane([](uint32_t l) { return 1u << l; });
    case Special::lanemask_le: return lane([](uint32_t l) { return 0xffffffffu >> (31 - l); });
    case Special::lanemask_lt: return lane([](uint32_t l) { return (1u << l) - 1; });
    case Special::lanemask_ge: return lane([](uint32_t l) { return 0xffffffffu << l; });
    case Special::lanemask_gt: return lane([](uint32_t l) { return ~(0xffffffffu >> (31 - l)); });
    case Special::dynamic_smem_size: return all(launch.dynamic_shared);
    case Special::total_smem_size:
      return all(static_cast<uint32_t>(launch.kernel->shared_nominal) + launch.dynamic_shared);
  }
}

/* Local memory for `bytes` more bytes of every lane behind `base`. */
void reserve_local(Warp& w, uint64_t base, uint64_t bytes) {
  if (base + bytes <= w.local_stride) return;
  const uint64_t stride = std::max(base + bytes, 2 * w.local_stride);
  auto grow = [&](std::vector<uint8_t>& memory) {
    std::vector<uint8_t> wider(stride * kLanes);
    for (uint64_t l = 0; l < kLanes; ++l)
      std::copy_n(memory.begin() + static_cast<std::ptrdiff_t>(l * w.local_stride), w.local_stride,
                  wider.begin() + static_cast<std::ptrdiff_t>(l * stride));
    memory.swap(wider);
  };
  grow(w.local);
  grow(w.local_shadow);
  w.local_stride = stride;
}

void copy_variable(Warp& w, uint64_t from, uint64_t to, uint64_t bytes) {
  for (uint64_t l = 0; l < kLanes; ++l) {
    const uint64_t lane = l * w.local_stride;
    std::memmove(&w.local[lane + to], &w.local[lane + from], bytes);
    std::memmove(&w.local_shadow[lane + to], &w.local_shadow[lane + from], bytes);
  }
}

void enter(Warp& w, const Activation& a) {
  const size_t depth = w.calls.size() - 1;
  w.base[0] = reinterpret_cast<char*>(w.frames[depth].data());
  w.base[1] = const_cast<char*>(reinterpret_cast<const char*>(a.function->constants.data()));
  w.local_base = a.local_base;
  w.local_end = a.local_base + a.function->local_bytes;
}

}  // namespace

void activate(Warp& w, const Function* function, const Instr* call) {
  constexpr size_t kDeepest = 256;
  if (w.calls.size() >= kDeepest)
    fault(w, call, __builtin_ctz(w.mask), FaultCode::launch_failed, "call stack too deep");
  uint64_t base = 0;
  if (call) base = w.local_base + (w.calls.back().function->local_bytes + 15) / 16 * 16;
  w.calls.push_back({function, base, call, w.mask, w.paths.size(), w.parked.size()});
  const size_t depth = w.calls.size() - 1;
  if (w.frames.size() <= depth) w.frames.emplace_back();
  const size_t lines = (function->frame_bytes + 63) / 64;
  if (w.frames[depth].size() < lines) w.frames[depth].resize(lines);
  if (function->local_bytes) {
    reserve_local(w, base, function->local_bytes);
    for (uint64_t l = 0; l < kLanes; ++l)
      std::memcpy(&w.local_shadow[l * w.local_stride + base], function->local_shadow.data(),
                  function->local_bytes);
  }
  const uint64_t caller_base = w.local_base;
  enter(w, w.calls.back());
  w.next_order = kNoOrder;
  for (const auto& [special, slot] : function->specials) fill_special(w, special, slot);
  if (!call) return;
  const auto& site = *static_cast<const CallSite*>(call->data);
  for (size_t p = 0; p < site.arguments.size(); ++p)
    copy_variable(w, caller_base + site.arguments[p].offset, base + function->locals[p].offset,
                  site.arguments[p].bytes);
}

void finish_call(Warp& w, const Activation& over) {
  enter(w, w.calls.back());
  const auto& site = *static_cast<const CallSite*>(over.call->data);
  for (size_t r = 0; r < site.results.size(); ++r)
    copy_variable(w, over.local_base + over.function->locals[over.function->params + r].offset,
                  w.local_base + site.results[r].offset, site.results[r].bytes);
}

}  // namespace softgpu
