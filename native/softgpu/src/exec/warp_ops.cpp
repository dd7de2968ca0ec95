/*
 * Instructions in which the lanes of a warp take part together: shuffles, votes, matches,
 * reductions and bar.warp.sync. A lane named in the member mask must arrive at the same instruction
 * unless it has exited; a shuffle must not read a lane that does not take part.
 */
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

/* The member masks of the active lanes, checked; the active lanes wait for the lanes they name. */
bool assemble(Warp& w, const Instr* i, Slot members, const Instr** next) {
  const uint32_t* masks = lanes<uint32_t>(w, members);
  uint32_t needed = 0;
  each(w.mask, [&](int l) {
    if (!(masks[l] >> l & 1))
      fault(w, i, l, FaultCode::launch_failed, "the member mask does not name the lane itself");
    needed |= masks[l];
  });
  return gather(w, i, needed, next);
}

/* Calls f(group) for each group of active lanes with one member mask. */
template <class F>
void by_members(Warp& w, Slot members, F f) {
  const uint32_t* masks = lanes<uint32_t>(w, members);
  for (uint32_t left = w.mask; left;) {
    const uint32_t mask = masks[__builtin_ctz(left)];
    const uint32_t group = left & mask & ballot([&](int l) { return masks[l] == mask; });
    f(group);
    left &= ~group;
  }
}

enum class Shuffle { up, down, bfly, idx };

/* shfl.sync: a: value, b: lane or delta, c: clamp and segment, list[0]: members; list[1]: predicate
   or none. */
template <Shuffle kMode>
const Instr* shuffle(Warp& w, const Instr* i) {
  const Instr* next;
  if (!assemble(w, i, i->list[0], &next)) return next;
  const uint32_t *value = lanes<uint32_t>(w, i->a), *b = lanes<uint32_t>(w, i->b), *c = lanes<uint32_t>(w, i->c);
  uint32_t result[kLanes] = {};
  uint32_t in_range = 0;
  by_members(w, i->list[0], [&](uint32_t group) {
    each(group, [&](int l) {
      const int bval = static_cast<int>(b[l] & 31), cval = static_cast<int>(c[l] & 31);
      const int segment = static_cast<int>(c[l] >> 8 & 31);
      const int highest = (l & segment) | (cval & ~segment), lowest = l & segment;
      int from = 0;
      bool inside = false;
      switch (kMode) {
        case Shuffle::up: from = l - bval, inside = from >= highest; break;
        case Shuffle::down: from = l + bval, inside = from <= highest; break;
        case Shuffle::bfly: from = l ^ bval, inside = from <= highest; break;
        case Shuffle::idx: from = lowest | (bval & ~segment), inside = from <= highest; break;
      }
      if (!inside) from = l;
      if (!(group >> from & 1))
        fault(w, i, l, FaultCode::launch_failed,
              "shuffle reads lane " + std::to_string(from) + ", which " +
                  ((w.live >> from & 1) ? "does not take part" : "does not run"));
      result[l] = value[from];
      in_range |= inside ? 1u << l : 0;
    });
  });
  write<uint32_t>(w, i->d, [&](int l) { return result[l]; });
  if (i->list[1] != kNoSlot) write_predicate(w, i->list[1], in_range);
  return i + 1;
}

enum class Vote { all, any, uni, ballot };

template <Vote kVote>
const Instr* vote(Warp& w, const Instr* i) {
  const Instr* next;
  if (!assemble(w, i, i->list[0], &next)) return next;
  const uint32_t bits = predicate(w, i->a) ^ i->aux;
  uint32_t result[kLanes] = {}, holds = 0;
  by_members(w, i->list[0], [&](uint32_t group) {
    const uint32_t yes = bits & group;
    const bool holding = kVote == Vote::all   ? yes == group
                         : kVote == Vote::any ? yes != 0
                                              : yes == 0 || yes == group;
    each(group, [&](int l) { result[l] = yes; });
    if (holding) holds |= group;
  });
  if (kVote == Vote::ballot) write<uint32_t>(w, i->d, [&](int l) { return result[l]; });
  else write_predicate(w, i->d, holds);
  return i + 1;
}

template <class T, bool kAll>
const Instr* match(Warp& w, const Instr* i) {
  const Instr* next;
  if (!assemble(w, i, i->list[0], &next)) return next;
  const T* a = lanes<T>(w, i->a);
  uint32_t result[kLanes] = {}, holds = 0;
  by_members(w, i->list[0], [&](uint32_t group) {
    each(group, [&](int l) {
      const uint32_t equal = group & ballot([&](int m) { return a[m] == a[l]; });
      result[l] = kAll ? (equal == group ? group : 0) : equal;
      if (equal == group) holds |= 1u << l;
    });
  });
  write<uint32_t>(w, i->d, [&](int l) { return result[l]; });
  if (i->list[1] != kNoSlot) write_predicate(w, i->list[1], holds);
  return i + 1;
}

struct Sum { template <class T> static T run(T a, T b) { return static_cast<T>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)); } };
struct Min { template <class T> static T run(T a, T b) { return a < b ? a : b; } };
struct Max { template <class T> static T run(T a, T b) { return a > b ? a : b; } };
struct And { template <class T> static T run(T a, T b) { return a & b; } };
struct Or { template <class T> static T run(T a, T b) { return a | b; } };
struct Xor { template <class T> static T run(T a, T b) { return a ^ b; } };

template <class T, class Op>
const Instr* reduce(Warp& w, const Instr* i) {
  const Instr* next;
  if (!assemble(w, i, i->list[0], &next)) return next;
  const T* a = lanes<T>(w, i->a);
  T result[kLanes] = {};
  by_members(w, i->list[0], [&](uint32_t group) {
    T total = a[__builtin_ctz(group)];
    each(group & (group - 1), [&](int l) { total = Op::run(total, a[l]); });
    each(group, [&](int l) { result[l] = total; });
  });
  write<T>(w, i->d, [&](int l) { return result[l]; });
  return i + 1;
}

const Instr* warp_barrier(Warp& w, const Instr* i) {
  const Instr* next;
  if (!assemble(w, i, i->a, &next)) return next;
  if (w.sync_count == kMostSyncs) { /* more than a cell can tell: as if at a barrier of the block */
    w.block->shared.barrier();
    w.sync_count = 0;
  }
  const uint32_t now = ++w.sync_count;
  w.sync_uniform = (w.live & ~w.mask) == 0;
  each(w.mask, [&](int l) { w.sync[l] = now; });
  return i + 1;
}

const Instr* active_mask(Warp& w, const Instr* i) {
  const uint32_t mask = w.mask;
  write<uint32_t>(w, i->d, [&](int) { return mask; });
  return i + 1;
}

const Instr* elect(Warp& w, const Instr* i) {
  const Instr* next;
  if (!assemble(w, i, i->a, &next)) return next;
  uint32_t leaders = 0, leader[kLanes] = {};
  by_members(w, i->a, [&](uint32_t group) {
    leaders |= group & -group;
    each(group, [&](int l) { leader[l] = static_cast<uint32_t>(__builtin_ctz(group)); });
  });
  if (i->d != kNoSlot) write<uint32_t>(w, i->d, [&](int l) { return leader[l]; });
  write_predicate(w, i->list[0], leaders);
  return i + 1;
}

/* The result and, behind '|', a predicate or none. */
Slot results(Decode& d, bool result_is_predicate, Type t) {
  const ptx::Operand& o = d.operand(0);
  const bool pair = o.kind == ptx::Operand::pair;
  const ptx::Operand& value = pair ? o.parts[0] : o;
  d.out.d = result_is_predicate ? d.predicate_dest(value) : d.dest(value, t);
  return pair ? d.predicate_dest(o.parts[1]) : kNoSlot;
}

/* Without .sync, before sm_70: all active lanes take part. */
void need_sync(Decode& d) {
  if (!d.take("sync")) d.unsupported("the form without .sync");
}

bool shfl(Decode& d) {
  need_sync(d);
  if (d.take("up")) d.out.fn = &shuffle<Shuffle::up>;
  else if (d.take("down")) d.out.fn = &shuffle<Shuffle::down>;
  else if (d.take("bfly")) d.out.fn = &shuffle<Shuffle::bfly>;
  else if (d.take("idx")) d.out.fn = &shuffle<Shuffle::idx>;
  else d.invalid("mode");
  d.type();
  const Slot in_range = results(d, false, Type::b32);
  d.out.a = d.source(1, Type::b32), d.out.b = d.source(2, Type::b32), d.out.c = d.source(3, Type::b32);
  d.out.list = d.scope.list({d.source(4, Type::b32), in_range});
  return true;
}

bool vote_op(Decode& d) {
  need_sync(d);
  d.type();
  const bool ballots = d.take("ballot");
  if (ballots) d.out.fn = &vote<Vote::ballot>;
  else if (d.take("all")) d.out.fn = &vote<Vote::all>;
  else if (d.take("any")) d.out.fn = &vote<Vote::any>;
  else if (d.take("uni")) d.out.fn = &vote<Vote::uni>;
  else d.invalid("mode");
  results(d, !ballots, Type::b32);
  bool negated;
  d.out.a = d.predicate(d.operand(1), negated);
  d.out.aux = negated ? ~0u : 0;
  d.out.list = d.scope.list({d.source(2, Type::b32)});
  return true;
}

bool match_op(Decode& d) {
  need_sync(d);
  d.need_target(70);
  const bool all = d.take("all");
  if (!all && !d.take("any")) d.invalid("mode");
  const Type t = d.type();
  const bool wide = ptx::bytes_of(t) == 8;
  d.out.fn = all ? (wide ? &match<uint64_t, true> : &match<uint32_t, true>)
                 : (wide ? &match<uint64_t, false> : &match<uint32_t, false>);
  const Slot holds = results(d, false, Type::b32);
  d.out.a = d.source(1, t);
  d.out.list = d.scope.list({d.source(2, Type::b32), holds});
  return true;
}

bool redux(Decode& d) {
  need_sync(d);
  d.need_target(80);
  const Type t = d.type();
  const bool s = t == Type::s32;
  if (d.take("add")) d.out.fn = &reduce<uint32_t, Sum>;
  else if (d.take("min")) d.out.fn = s ? Exec{&reduce<int32_t, Min>} : Exec{&reduce<uint32_t, Min>};
  else if (d.take("max")) d.out.fn = s ? Exec{&reduce<int32_t, Max>} : Exec{&reduce<uint32_t, Max>};
  else if (d.take("and")) d.out.fn = &reduce<uint32_t, And>;
  else if (d.take("or")) d.out.fn = &reduce<uint32_t, Or>;
  else if (d.take("xor")) d.out.fn = &reduce<uint32_t, Xor>;
  else d.invalid("operation");
  d.out.d = d.dest(0, t), d.out.a = d.source(1, t);
  d.out.list = d.scope.list({d.source(2, Type::b32)});
  return true;
}

}  // namespace

bool decode_warp_barrier(Decode& d) {
  if (!d.take("warp")) return false;
  need_sync(d);
  d.out.fn = &warp_barrier;
  d.out.a = d.source(0, Type::b32);
  return true;
}

void add_warp_opcodes(Opcodes& all) {
  all["shfl"].push_back(shfl);
  all["vote"].push_back(vote_op);
  all["match"].push_back(match_op);
  all["redux"].push_back(redux);
  all["bar"].push_back(decode_warp_barrier);
  all["activemask"].push_back([](Decode& d) {
    d.type();
    d.out.fn = &active_mask;
    d.out.d = d.dest(0, Type::b32);
    return true;
  });
  all["elect"].push_back([](Decode& d) {
    need_sync(d);
    d.need_target(90);
    d.out.fn = &elect;
    const ptx::Operand& o = d.operand(0);
    if (o.kind != ptx::Operand::pair) d.invalid("results");
    if (o.parts[0].kind != ptx::Operand::sink) d.out.d = d.dest(o.parts[0], Type::b32);
    d.out.list = d.scope.list({d.predicate_dest(o.parts[1])});
    d.out.a = d.source(1, Type::b32);
    return true;
  });
}

}  // namespace softgpu
