/* mov, cvta, isspacep: registers, packed registers, addresses and clocks. */
#include <chrono>

#include "exec/access.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Operand;
using ptx::Type;

struct Same { template <class T> static T run(T a) { return a; } };

template <class T>
const Instr* copy(Warp& w, const Instr* i) { return unary<T, T, Same>(w, i); }

const Instr* copy_predicate(Warp& w, const Instr* i) {
  write_predicate(w, i->d, predicate(w, i->a) ^ static_cast<uint32_t>(i->imm));
  return i + 1;
}

/* Several narrow registers as one wide one, the first in the low bits; and back. */
template <class Wide, class Narrow>
const Instr* pack(Warp& w, const Instr* i) {
  constexpr unsigned kParts = sizeof(Wide) / sizeof(Narrow);
  const Narrow* part[kParts];
  for (unsigned n = 0; n < kParts; ++n) part[n] = lanes<Narrow>(w, i->list[n]);
  write<Wide>(w, i->d, [&](int l) {
    Wide value = 0;
    for (unsigned n = 0; n < kParts; ++n)
      value = static_cast<Wide>(value | static_cast<Wide>(part[n][l]) << (8 * sizeof(Narrow) * n));
    return value;
  });
  return i + 1;
}

template <class Wide, class Narrow>
const Instr* unpack(Warp& w, const Instr* i) {
  constexpr unsigned kParts = sizeof(Wide) / sizeof(Narrow);
  Wide value[kLanes];
  std::memcpy(value, lanes<Wide>(w, i->a), sizeof value); /* a part may be the source itself */
  for (unsigned n = 0; n < kParts; ++n)
    write<Narrow>(w, i->list[n], [&](int l) { return static_cast<Narrow>(value[l] >> (8 * sizeof(Narrow) * n)); });
  return i + 1;
}

/* Address of a variable of the activation's local memory. */
const Instr* local_address(Warp& w, const Instr* i) {
  const uint64_t address = w.local_base + static_cast<uint64_t>(i->imm);
  write<uint64_t>(w, i->d, [&](int) { return address; });
  return i + 1;
}

/* Instructions of the warp so far: rises, as a clock does, and is the same in every run. */
template <class T>
const Instr* clock(Warp& w, const Instr* i) {
  const T now = static_cast<T>(w.counts.warp_instructions);
  write<T>(w, i->d, [&](int) { return now; });
  return i + 1;
}

const Instr* global_timer(Warp& w, const Instr* i) {
  const auto now = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  write<uint64_t>(w, i->d, [&](int) { return now; });
  return i + 1;
}

template <class T>
const Instr* add_window(Warp& w, const Instr* i) {
  const T* a = lanes<T>(w, i->a);
  const uint64_t window = static_cast<uint64_t>(i->imm);
  write<T>(w, i->d, [&](int l) { return static_cast<T>(a[l] + window); });
  return i + 1;
}

const Instr* is_space(Warp& w, const Instr* i) {
  const uint64_t* a = lanes<uint64_t>(w, i->a);
  const uint64_t window = static_cast<uint64_t>(i->imm);
  write_predicate(w, i->d, ballot([&](int l) { return (a[l] & kWindowMask) == window; }));
  return i + 1;
}

template <class Wide, class Narrow>
void packed(Decode& d, Type part, bool into) {
  const Operand& vector = d.operand(into ? 1 : 0);
  std::vector<Slot> parts;
  for (const Operand& o : vector.parts) parts.push_back(into ? d.source(o, part) : d.dest(o, part));
  if (parts.size() != sizeof(Wide) / sizeof(Narrow)) d.invalid("number of parts");
  d.out.list = d.scope.list(parts);
  d.out.fn = into ? &pack<Wide, Narrow> : &unpack<Wide, Narrow>;
}

bool vector_move(Decode& d, Type t, bool into) {
  const size_t parts = d.operand(into ? 1 : 0).parts.size();
  const unsigned width = ptx::bytes_of(t);
  if (into) d.out.d = d.dest(0, t);
  else d.out.a = d.source(1, t);
  if (width == 4 && parts == 2) packed<uint32_t, uint16_t>(d, Type::b16, into);
  else if (width == 8 && parts == 2) packed<uint64_t, uint32_t>(d, Type::b32, into);
  else if (width == 8 && parts == 4) packed<uint64_t, uint16_t>(d, Type::b16, into);
  else d.unsupported("packing of these widths");
  return true;
}

bool mov(Decode& d) {
  const Type t = d.type();
  const Operand& from = d.operand(1);
  if (t == Type::pred) {
    bool negated;
    d.out.fn = &copy_predicate;
    d.out.d = d.predicate_dest(d.operand(0));
    d.out.a = d.predicate(from, negated);
    d.out.imm = negated ? 0xffffffff : 0;
    return true;
  }
  if (from.kind == Operand::vector) return vector_move(d, t, true);
  if (d.operand(0).kind == Operand::vector) return vector_move(d, t, false);
  d.out.d = d.dest(0, t);
  if (from.kind == Operand::special) {
    const std::string& name = from.text;
    if (name == "clock" || name == "clock_hi" || name == "clock64") {
      d.out.fn = name == "clock64" ? &clock<uint64_t> : &clock<uint32_t>;
      return true;
    }
    if (name == "globaltimer") {
      d.out.fn = &global_timer;
      return true;
    }
  }
  if (from.kind == Operand::variable || from.kind == Operand::symbol) {
    Decode::Address address = d.symbol(from);
    if (address.frame_relative) {
      if (t != Type::u64 && t != Type::b64 && t != Type::s64) d.unsupported("a short local address");
      d.out.fn = &local_address;
      d.out.imm = static_cast<int64_t>(address.value);
      return true;
    }
  }
  d.out.a = d.source(from, t);
  switch (ptx::bytes_of(t)) {
    case 2: d.out.fn = &copy<uint16_t>; break;
    case 4: d.out.fn = &copy<uint32_t>; break;
    case 8: d.out.fn = &copy<uint64_t>; break;
    default: d.unsupported("type");
  }
  return true;
}

uint64_t window_of(Decode& d) {
  if (d.take("shared") || d.take("shared::cta")) return kSharedWindow;
  if (d.take("local")) return kLocalWindow;
  if (d.take("param")) return kParamWindow;
  if (d.take("global") || d.take("const")) return 0;
  d.invalid("state space");
}

bool cvta(Decode& d) {
  const bool to = d.take("to");
  const uint64_t window = window_of(d);
  const Type t = d.type();
  if (ptx::bytes_of(t) == 4 && window) d.unsupported("32-bit generic addresses");
  d.out.d = d.dest(0, t);
  const Operand& from = d.operand(1);
  d.out.imm = static_cast<int64_t>(to ? -window : window);
  if (from.kind == Operand::variable || from.kind == Operand::symbol) {
    const Decode::Address address = d.symbol(from);
    if (address.frame_relative) {
      d.out.fn = &local_address;
      d.out.imm += static_cast<int64_t>(address.value);
      return true;
    }
  }
  d.out.fn = ptx::bytes_of(t) == 4 ? &add_window<uint32_t> : &add_window<uint64_t>;
  d.out.a = d.source(from, t);
  return true;
}

bool isspacep(Decode& d) {
  d.out.imm = static_cast<int64_t>(window_of(d));
  d.out.fn = &is_space;
  d.out.d = d.predicate_dest(d.operand(0));
  d.out.a = d.source(1, Type::u64);
  return true;
}

}  // namespace

void add_move_opcodes(Opcodes& all) {
  all["mov"].push_back(mov);
  all["cvta"].push_back(cvta);
  all["isspacep"].push_back(isspacep);
}

}  // namespace softgpu
