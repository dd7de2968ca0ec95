#include "exec/control.h"

#include <cstdio>

#include "exec/lanes.h"
#include "exec/schedule.h"

namespace softgpu {
namespace {

size_t first_path(const Warp& w) { return w.calls.back().paths; }

void refresh_order(Warp& w) {
  w.next_order = w.paths.size() > first_path(w) ? w.paths.back().pc->imm : kNoOrder;
}

/* Lanes that will go on at a block's head. */
void wait_at(Warp& w, const Instr* pc, uint32_t mask) {
  size_t at = w.paths.size();
  const size_t first = first_path(w);
  while (at > first && w.paths[at - 1].pc->imm < pc->imm) --at;
  if (at > first && w.paths[at - 1].pc == pc) {
    w.paths[at - 1].mask |= mask;
  } else {
    w.paths.insert(w.paths.begin() + static_cast<std::ptrdiff_t>(at), Path{pc, mask});
  }
  refresh_order(w);
}

std::string lane_list(uint32_t mask) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

/* No path of this activation can run: either lanes have exited since a path was parked, or it
   waits for ever. */
const Instr* resume_parked(Warp& w) {
  const size_t first = w.calls.back().parked;
  for (size_t p = first; p < w.parked.size(); ++p) {
    const Path path = w.parked[p];
    if ((path.needed & w.live & ~path.mask) != 0) continue;
    w.parked.erase(w.parked.begin() + static_cast<std::ptrdiff_t>(p));
    w.mask = path.mask;
    return path.pc;
  }
  const Path path = w.parked[first];
  w.mask = path.mask;
  fault(w, path.pc, __builtin_ctz(path.mask), FaultCode::launch_failed,
        is_barrier(path.pc)
            ? "barrier divergence: lanes " + lane_list(path.mask) + " wait here, lanes " +
                  lane_list(path.needed & w.live & ~path.mask) + " of the same warp do not arrive"
            : "divergence: the member mask names lanes " +
                  lane_list(path.needed & w.live & ~path.mask) + " that do not arrive here");
}

const Instr* next_path(Warp& w) {
  if (w.paths.size() > first_path(w)) {
    const Path path = w.paths.back();
    w.paths.pop_back();
    refresh_order(w);
    w.mask = path.mask;
    return path.pc;
  }
  if (w.parked.size() > w.calls.back().parked) return resume_parked(w);
  /* The activation is over. */
  const Activation over = w.calls.back();
  w.calls.pop_back();
  if (w.calls.empty()) {
    w.state = Warp::done;
    w.mask = 0;
    return nullptr;
  }
  finish_call(w, over);
  refresh_order(w);
  w.mask = over.mask & w.live;
  if (w.mask == 0) return next_path(w);
  return over.call + 1;
}

}  // namespace

const Instr* exit_lanes(Warp& w) {
  w.live &= ~w.mask;
  w.mask = 0;
  return next_path(w);
}

const Instr* return_lanes(Warp& w) {
  if (!w.calls.back().call) return exit_lanes(w);
  w.mask = 0;
  return next_path(w);
}

bool gather(Warp& w, const Instr* i, uint32_t needed, const Instr** next) {
  for (size_t p = w.calls.back().parked; p < w.parked.size(); ++p) {
    if (w.parked[p].pc != i) continue;
    w.mask |= w.parked[p].mask;
    needed |= w.parked[p].needed;
    w.parked.erase(w.parked.begin() + static_cast<std::ptrdiff_t>(p));
    break;
  }
  if ((needed & w.live & ~w.mask) == 0) return true;
  w.parked.push_back({i, w.mask, needed});
  *next = next_path(w);
  return false;
}

const Instr* head(Warp& w, const Instr* i) {
  if (__builtin_expect(i->imm >= w.next_order && !(i->flags & kExitOnly), 0)) {
    if (i->imm == w.next_order) {
      w.mask |= w.paths.back().mask;
      w.paths.pop_back();
      refresh_order(w);
    } else {
      const Path first = w.paths.back();
      w.paths.pop_back();
      wait_at(w, i, w.mask);
      w.mask = first.mask;
      return first.pc;
    }
  }
  w.counts.warp_instructions += i->aux;
  w.counts.lane_instructions += uint64_t{i->aux} * static_cast<unsigned>(__builtin_popcount(w.mask));
  if (__builtin_expect((w.fuel -= i->aux) < 0, 0)) return out_of_fuel(w, i);
  return i + 1;
}

const Instr* branch(Warp&, const Instr* i) { return i->target; }

const Instr* branch_if(Warp& w, const Instr* i) {
  const uint32_t taken = guard_mask(w, i);
  if (taken == w.mask) return i->target;
  if (taken == 0) return i + 1;
  const uint32_t rest = w.mask & ~taken;
  const Instr* const fall = i + 1; /* a block's head */
  if (i->target->flags & kExitOnly) {
    w.live &= ~taken;
    w.mask = rest;
    return fall;
  }
  if (fall->flags & kExitOnly) {
    w.live &= ~rest;
    w.mask = taken;
    return i->target;
  }
  const bool fall_first = fall->imm < i->target->imm;
  wait_at(w, fall_first ? i->target : fall, fall_first ? taken : rest);
  w.mask = fall_first ? rest : taken;
  return fall_first ? fall : i->target;
}

const Instr* branch_indexed(Warp& w, const Instr* i) {
  const auto& targets = *static_cast<const std::vector<const Instr*>*>(i->data);
  const uint32_t* index = lanes<uint32_t>(w, i->a);
  const uint32_t jumping = guard_mask(w, i);
  const uint32_t rest = w.mask & ~jumping;
  each(jumping, [&](int l) {
    if (index[l] >= targets.size())
      fault(w, i, l, FaultCode::illegal_instruction,
            "brx.idx: index " + std::to_string(index[l]) + " of " + std::to_string(targets.size()) +
                " targets");
    wait_at(w, targets[index[l]], 1u << l);
  });
  if (rest) wait_at(w, i + 1, rest);
  return next_path(w);
}

const Instr* exit_thread(Warp& w, const Instr* i) {
  const uint32_t leaving = guard_mask(w, i), rest = w.mask & ~leaving;
  if (!rest) return exit_lanes(w);
  w.live &= ~leaving;
  w.mask = rest;
  return i + 1;
}

const Instr* return_function(Warp& w, const Instr* i) {
  const uint32_t leaving = guard_mask(w, i), rest = w.mask & ~leaving;
  if (!rest) return return_lanes(w);
  if (!w.calls.back().call) w.live &= ~leaving;
  w.mask = rest;
  return i + 1;
}

const Instr* call(Warp& w, const Instr* i) {
  const auto* site = static_cast<const CallSite*>(i->data);
  activate(w, site->function, i);
  return site->function->code.data();
}

const Instr* trap(Warp& w, const Instr* i) {
  const uint32_t lanes = guard_mask(w, i);
  if (!lanes) return i + 1;
  fault(w, i, __builtin_ctz(lanes), FaultCode::launch_failed, "trap");
}

const Instr* guarded(Warp& w, const Instr* i) {
  const uint32_t all = w.mask;
  w.mask = guard_mask(w, i);
  if (w.mask) i->inner(w, i);
  w.mask = all;
  return i + 1;
}

}  // namespace softgpu
