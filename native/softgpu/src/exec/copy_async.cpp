/*
 * cp.async. What is copied is read when the instruction is executed and lands in shared memory when
 * its group is waited for: a kernel that forgets to wait reads what was there before.
 */
#include "exec/access.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Operand;
using ptx::Type;

/* d: size of the source or none; a, imm: shared address; b, list: global address; aux. */
template <int kSize>
const Instr* copy(Warp& w, const Instr* i) {
  Instr from = *i; /* the address of the source, in the form that addresses() reads */
  from.a = i->b;
  from.imm = static_cast<int64_t>(*static_cast<const int64_t*>(i->data));
  from.flags = kSpaceGlobal;
  PendingCopy pending;
  pending.instr = i;
  pending.mask = w.mask;
  pending.size = kSize;
  Addresses source, target;
  addresses(w, &from, source);
  addresses(w, i, target);
  const uint32_t* given = i->d == kNoSlot ? nullptr : lanes<uint32_t>(w, i->d);
  const auto to_host = static_cast<uint64_t>(w.launch->memory->to_host());
  std::memset(pending.bytes, 0, sizeof pending.bytes);
  std::memcpy(pending.at, target.at, sizeof pending.at);
  const uint32_t all = w.mask;
  /* Lanes that read less than the whole are looked at one by one. */
  auto read = [&](uint32_t mask, unsigned bytes) {
    if (!mask || !bytes) return;
    w.mask = mask;
    Addresses some = source;
    for (int l = 0; l < kLanes; ++l)
      if (!(mask >> l & 1)) some.at[l] = source.at[__builtin_ctz(mask)];
    Span span;
    if (bytes & (bytes - 1)) { /* no unit that an access could have: first and last byte */
      Addresses last = some;
      for (uint64_t& at : last.at) at += bytes - 1;
      check_global(w, i, last, 1, AccessKind::read, span);
      check_global(w, i, some, 1, AccessKind::read, span);
    } else {
      check_global(w, i, some, bytes, AccessKind::read, span);
    }
    check_written(w, i, some, span, bytes);
    count_global(w, some, span, bytes, AccessKind::read);
    each(mask, [&](int l) { std::memcpy(pending.bytes[l], reinterpret_cast<const uint8_t*>(some.at[l] + to_host), bytes); });
    w.mask = all;
  };
  if (!given) {
    read(all, kSize);
  } else {
    each(all, [&](int l) { read(1u << l, given[l] < kSize ? given[l] : kSize); });
  }
  w.copies.push_back(pending);
  return i + 1;
}

const Instr* commit(Warp& w, const Instr* i) {
  w.copy_groups.push_back(w.copies.size());
  return i + 1;
}

void land(Warp& w, size_t count) {
  const uint32_t all = w.mask;
  for (size_t n = 0; n < count; ++n) {
    const PendingCopy& p = w.copies[n];
    Addresses addr;
    std::memcpy(addr.at, p.at, sizeof p.at);
    uint8_t values[kLanes * 16];
    for (unsigned l = 0; l < kLanes; ++l) std::memcpy(values + l * p.size, p.bytes[l], p.size);
    w.mask = p.mask & w.live;
    if (w.mask) check_shared(w, p.instr, addr, p.size, AccessKind::write, values);
  }
  w.mask = all;
  w.copies.erase(w.copies.begin(), w.copies.begin() + static_cast<std::ptrdiff_t>(count));
}

/* imm: groups that may stay pending. */
const Instr* wait_group(Warp& w, const Instr* i) {
  const size_t keep = static_cast<size_t>(i->imm);
  if (w.copy_groups.size() <= keep) return i + 1;
  const size_t done = w.copy_groups.size() - keep, count = w.copy_groups[done - 1];
  land(w, count);
  w.copy_groups.erase(w.copy_groups.begin(), w.copy_groups.begin() + static_cast<std::ptrdiff_t>(done));
  for (size_t& end : w.copy_groups) end -= count;
  return i + 1;
}

const Instr* wait_all(Warp& w, const Instr* i) {
  land(w, w.copies.size());
  w.copy_groups.clear();
  return i + 1;
}

bool cp(Decode& d) {
  if (!d.take("async")) d.unsupported("other than cp.async");
  d.need_target(80);
  if (d.take("commit_group")) {
    d.out.fn = &commit;
    return true;
  }
  if (d.take("wait_all")) {
    d.out.fn = &wait_all;
    return true;
  }
  if (d.take("wait_group")) {
    if (d.operand(0).kind != Operand::integer) d.invalid("number of groups");
    d.out.imm = static_cast<int64_t>(d.operand(0).bits);
    d.out.fn = &wait_group;
    return true;
  }
  if (d.has("mbarrier")) d.unsupported("mbarrier");
  d.take("ca");
  d.take("cg");
  for (const char* hint : {"L2::64B", "L2::128B", "L2::256B"}) d.take(hint);
  if (!(d.take("shared") || d.take("shared::cta")) || !d.take("global")) d.unsupported("state spaces");
  Instr from;
  Decode source(d.scope, d.s, from);
  source.address(d.operand(1), ptx::Space::global);
  d.address(d.operand(0), ptx::Space::shared);
  d.out.b = from.a;
  d.out.data = d.scope.number(from.imm);
  if (d.operand(2).kind != Operand::integer) d.invalid("size");
  const uint64_t size = d.operand(2).bits;
  if (d.s.operands.size() > 3) d.out.d = d.source(3, Type::u32);
  switch (size) {
    case 4: d.out.fn = &copy<4>; break;
    case 8: d.out.fn = &copy<8>; break;
    case 16: d.out.fn = &copy<16>; break;
    default: d.invalid("size");
  }
  note_access(d, static_cast<unsigned>(size));
  return true;
}

}  // namespace

void add_copy_opcodes(Opcodes& all) { all["cp"].push_back(cp); }

}  // namespace softgpu
