#include "exec/schedule.h"

#include <algorithm>

#include "exec/lanes.h"

namespace softgpu {
namespace {

constexpr int64_t kSlice = 1 << 20;  /* instructions of a warp before another one has a turn */
constexpr uint64_t kShortest = 1, kShort = 64; /* in random order */

/* A lane waits at a block that follows the barrier on every path: the barrier stands in code that
   this lane skipped. */
void expect_no_skipping(Warp& w, const Instr* i) {
  const auto& follows = w.calls.back().function->post_dominator;
  for (size_t p = w.calls.back().paths; p < w.paths.size(); ++p) {
    const uint32_t waiting = static_cast<uint32_t>(w.paths[p].pc->imm);
    for (uint32_t block = follows[i->aux]; block != ~0u; block = follows[block])
      if (block == waiting)
        fault(w, i, __builtin_ctz(w.paths[p].mask), FaultCode::launch_failed,
              "barrier divergence: this thread skips the barrier that lane " +
                  std::to_string(__builtin_ctz(w.mask)) + " of its warp waits at");
  }
}

/* Barriers of the warp matter since the last barrier of the block. */
void forget_syncs(Warp& w) {
  w.sync_count = 0;
  w.sync_uniform = true;
  std::fill(std::begin(w.sync), std::end(w.sync), 0);
}

void begin_warp(Warp& w, uint64_t seed) {
  w.paths.clear();
  w.parked.clear();
  w.calls.clear();
  w.copies.clear();
  w.copy_groups.clear();
  w.mask = w.live = w.born;
  w.state = Warp::ready;
  w.released = false;
  forget_syncs(w);
  w.random.state = seed;
  activate(w, w.launch->kernel, nullptr);
  w.pc = w.launch->kernel->code.data();
}

void run_warp(Warp& w) {
  w.granted = w.launch->random
                  ? static_cast<int64_t>(kShortest + w.random.next() % (kShort - kShortest))
                  : kSlice;
  w.fuel = w.granted;
  const Instr* i = w.pc;
  while (i) i = i->fn(w, i);
  w.block->fuel -= w.granted - w.fuel;
}

std::string place(Warp& w) {
  const std::string line = w.launch->program->source_line(w.pc->location);
  return line.empty() ? "PTX line " + std::to_string(w.pc->line) : line;
}

void release(Block& block, uint32_t id, bool counted) {
  Barrier& b = block.barriers[id];
  const Warp* first = nullptr;
  b.result = b.threads = b.arrived = 0;
  for (Warp& w : block.warps) {
    if (w.state != Warp::at_barrier || w.barrier != id) continue;
    if (!first) first = &w;
    if (!counted && w.pc != first->pc)
      fault(w, w.pc, __builtin_ctz(w.mask), FaultCode::launch_failed,
            "barrier divergence: warp " + std::to_string(first->index) + " waits at another barrier, " +
                place(*const_cast<Warp*>(first)));
    b.result += static_cast<uint32_t>(__builtin_popcount(w.barrier_vote));
    b.threads += static_cast<uint32_t>(__builtin_popcount(w.mask));
    w.state = Warp::ready;
    w.released = true;
  }
  block.shared.barrier();
  for (Warp& w : block.warps) forget_syncs(w);
  ++block.warps[0].counts.barriers;
}

/* Lets go the warps whose barrier is complete; false if there are none. */
bool release_barriers(Block& block) {
  uint32_t waiting[16] = {}, threads[16] = {}, expected[16] = {};
  uint32_t live = 0;
  for (const Warp& w : block.warps) {
    if (w.state == Warp::done) continue;
    ++live;
    if (w.state != Warp::at_barrier) continue;
    ++waiting[w.barrier];
    threads[w.barrier] += kLanes;
    expected[w.barrier] = std::max(expected[w.barrier], w.barrier_expected);
  }
  bool any = false;
  for (uint32_t id = 0; id < 16; ++id) {
    if (!waiting[id]) continue;
    const bool counted = expected[id] != 0;
    if (counted ? threads[id] + block.barriers[id].arrived >= expected[id] : waiting[id] == live) {
      release(block, id, counted);
      any = true;
    }
  }
  return any;
}

}  // namespace

const Instr* out_of_fuel(Warp& w, const Instr* i) {
  if (w.block->fuel < w.granted - w.fuel)
    fault(w, i + 1, __builtin_ctz(w.mask), FaultCode::timeout,
          "the block ran " + std::to_string(w.launch->instruction_limit) +
              " warp instructions and did not end (WISP_SOFTGPU_LIMIT)");
  w.pc = i + 1;
  return nullptr;
}

bool is_barrier(const Instr* i) { return i->fn == &barrier; }

const Instr* barrier(Warp& w, const Instr* i) {
  Block& block = *w.block;
  if (w.released) {
    w.released = false;
    const Barrier& b = block.barriers[w.barrier];
    if (i->flags & kBarPopc) write<uint32_t>(w, i->d, [&](int) { return b.result; });
    if (i->flags & kBarAnd) write_predicate(w, i->d, b.result == b.threads ? kFull : 0);
    if (i->flags & kBarOr) write_predicate(w, i->d, b.result ? kFull : 0);
    return i + 1;
  }
  if (w.mask != w.live) {
    expect_no_skipping(w, i);
    const Instr* next;
    if (!gather(w, i, w.live, &next)) return next;
  }
  const int lane = __builtin_ctz(w.mask);
  const uint32_t id = lanes<uint32_t>(w, i->a)[lane];
  const uint32_t count = i->b == kNoSlot ? 0 : lanes<uint32_t>(w, i->b)[lane];
  if (id >= 16 || count % kLanes)
    fault(w, i, lane, FaultCode::illegal_instruction,
          "barrier " + std::to_string(id) + " of " + std::to_string(count) + " threads");
  if (i->flags & kBarArrive) {
    block.barriers[id].arrived += kLanes;
    return i + 1;
  }
  w.barrier = id;
  w.barrier_expected = count;
  w.barrier_vote = i->c == kNoSlot ? 0 : w.mask & (predicate(w, i->c) ^ i->guard_flip);
  w.state = Warp::at_barrier;
  w.pc = i;
  return nullptr;
}

void prepare_block(Block& block, Launch& launch) {
  block.launch = &launch;
  block.threads = static_cast<uint32_t>(launch.block.count());
  block.shared.prepare(*launch.kernel, launch.dynamic_shared);
  const uint32_t warps = (block.threads + kLanes - 1) / kLanes;
  block.warps.resize(warps);
  block.cache.assign(launch.program->access_count, nullptr);
  for (uint32_t n = 0; n < warps; ++n) {
    Warp& w = block.warps[n];
    const uint32_t rest = block.threads - n * kLanes;
    w.index = n;
    w.born = rest >= kLanes ? kFull : (1u << rest) - 1;
    w.block = &block;
    w.launch = &launch;
    w.cache = block.cache.data();
    w.counts = Counts{};
    w.frames.clear();
  }
}

void run_block(Block& block, uint64_t linear) {
  Launch& launch = *block.launch;
  block.linear = linear;
  block.id.x = static_cast<uint32_t>(linear % launch.grid.x);
  block.id.y = static_cast<uint32_t>(linear / launch.grid.x % launch.grid.y);
  block.id.z = static_cast<uint32_t>(linear / launch.grid.x / launch.grid.y);
  block.fuel = launch.instruction_limit;
  block.shared.begin_block();
  for (Barrier& b : block.barriers) b = Barrier{};
  Random random{launch.seed ^ (linear * 0x9e3779b97f4a7c15u) ^ launch.id};
  std::vector<Warp*> order;
  for (Warp& w : block.warps) {
    begin_warp(w, random.next());
    order.push_back(&w);
  }
  for (;;) {
    if (launch.random)
      for (size_t n = order.size(); n > 1; --n) std::swap(order[n - 1], order[random.next() % n]);
    bool ready = false, done = true;
    for (Warp* w : order) {
      if (w->state == Warp::ready) run_warp(*w);
      ready |= w->state == Warp::ready;
      done &= w->state == Warp::done;
    }
    if (done) return;
    if (!release_barriers(block) && !ready) {
      Warp* first = nullptr;
      for (Warp& w : block.warps)
        if (w.state == Warp::at_barrier && !first) first = &w;
      fault(*first, first->pc, __builtin_ctz(first->mask), FaultCode::launch_failed,
            "barrier divergence: barrier " + std::to_string(first->barrier) +
                " is never complete; the other warps wait elsewhere");
    }
  }
}

}  // namespace softgpu
