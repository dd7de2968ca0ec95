/* ld and st. */
#include "exec/access.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Operand;
using ptx::Type;

/* Reads V values of type M for every active lane: out[v][lane]. */
template <class M, int V>
void fetch(Warp& w, const Instr* i, Addresses& addr, M (*out)[kLanes]) {
  constexpr unsigned kSize = sizeof(M) * V;
  by_space(w, i, addr, [&](uint32_t space, uint32_t mask) {
    auto from = [&](auto bytes_of_lane) {
      each(mask, [&](int l) {
        const uint8_t* p = bytes_of_lane(l);
        for (int v = 0; v < V; ++v) std::memcpy(&out[v][l], p + sizeof(M) * static_cast<unsigned>(v), sizeof(M));
      });
    };
    if (space == kSpaceGlobal) {
      Span span;
      const Allocation* a = check_global(w, i, addr, kSize, AccessKind::read, span);
      if (!a || !a->initialised) check_written(w, i, addr, span, kSize);
      count_global(w, addr, span, kSize, AccessKind::read);
      const auto to_host = static_cast<uint64_t>(w.launch->memory->to_host());
      if (V == 1 && span.dense) {
        std::memcpy(out[0], reinterpret_cast<const uint8_t*>(span.low + to_host), sizeof(M) * kLanes);
      } else {
        from([&](int l) { return reinterpret_cast<const uint8_t*>(addr.at[l] + to_host); });
      }
    } else if (space == kSpaceShared) {
      check_shared(w, i, addr, kSize, AccessKind::read, nullptr);
      const uint8_t* bytes = w.block->shared.bytes.data();
      from([&](int l) { return bytes + addr.at[l]; });
    } else if (space == kSpaceLocal) {
      from([&](int l) { return local_at(w, i, l, addr.at[l], kSize, false); });
    } else {
      from([&](int l) { return param_at(w, i, l, addr.at[l], kSize); });
    }
  });
}

/* Loads V values of type M into registers of type R. */
template <class M, class R, int V>
const Instr* load(Warp& w, const Instr* i) {
  Addresses addr;
  addresses(w, i, addr);
  alignas(64) M values[V][kLanes];
  fetch<M, V>(w, i, addr, values);
  for (int v = 0; v < V; ++v) {
    const M* from = values[v];
    write<R>(w, V == 1 ? i->d : i->list[v], [&](int l) { return static_cast<R>(from[l]); });
  }
  return i + 1;
}

/* A kernel parameter at a fixed offset: the same for all lanes. */
template <class M, class R>
const Instr* load_param(Warp& w, const Instr* i) {
  M value;
  std::memcpy(&value, param_at(w, i, 0, static_cast<uint64_t>(i->imm), sizeof(M)), sizeof(M));
  const R result = static_cast<R>(value);
  write<R>(w, i->d, [&](int) { return result; });
  return i + 1;
}

template <class M, class R, int V>
const Instr* store(Warp& w, const Instr* i) {
  constexpr unsigned kSize = sizeof(M) * V;
  Addresses addr;
  addresses(w, i, addr);
  alignas(64) M values[kLanes][V];
  for (int v = 0; v < V; ++v) {
    const R* from = lanes<R>(w, V == 1 ? i->d : i->list[v]);
    for (int l = 0; l < kLanes; ++l) values[l][v] = static_cast<M>(from[l]);
  }
  by_space(w, i, addr, [&](uint32_t space, uint32_t mask) {
    if (space == kSpaceGlobal) {
      Span span;
      const Allocation* a = check_global(w, i, addr, kSize, AccessKind::write, span);
      if (!a || !a->initialised) mark_written(w, addr, span, kSize);
      count_global(w, addr, span, kSize, AccessKind::write);
      const auto to_host = static_cast<uint64_t>(w.launch->memory->to_host());
      if (span.dense) {
        std::memcpy(reinterpret_cast<uint8_t*>(span.low + to_host), values, kSize * kLanes);
      } else {
        each(mask, [&](int l) { std::memcpy(reinterpret_cast<uint8_t*>(addr.at[l] + to_host), values[l], kSize); });
      }
    } else if (space == kSpaceShared) {
      check_shared(w, i, addr, kSize, AccessKind::write, reinterpret_cast<const uint8_t*>(values));
    } else if (space == kSpaceLocal) {
      each(mask, [&](int l) { std::memcpy(local_at(w, i, l, addr.at[l], kSize, true), values[l], kSize); });
    } else {
      fault(w, i, __builtin_ctz(mask), FaultCode::illegal_address, "write to the kernel's parameters");
    }
  });
  return i + 1;
}

enum class Form { load, param, store };

template <class M, class R>
Exec with_lanes(Form form, size_t v) {
  if (form == Form::param) return &load_param<M, R>;
  const bool loads = form == Form::load;
  switch (v) {
    case 1: return loads ? &load<M, R, 1> : &store<M, R, 1>;
    case 2: return loads ? &load<M, R, 2> : &store<M, R, 2>;
    case 4: return loads ? &load<M, R, 4> : &store<M, R, 4>;
    default: return nullptr;
  }
}

/* M: the type in memory; the register has its width or more. */
template <class M>
Exec with_register(Form form, unsigned width, size_t v) {
  using U = Unsigned<M>;
  switch (width) {
    case 2:
      if constexpr (sizeof(M) <= 2)
        return with_lanes<M, std::conditional_t<std::is_signed_v<M>, int16_t, uint16_t>>(form, v);
      return nullptr;
    case 4:
      if constexpr (sizeof(M) <= 4)
        return with_lanes<M, std::conditional_t<std::is_signed_v<M>, int32_t, uint32_t>>(form, v);
      return nullptr;
    default:
      if constexpr (sizeof(U) <= 8)
        return with_lanes<M, std::conditional_t<std::is_signed_v<M>, int64_t, uint64_t>>(form, v);
      return nullptr;
  }
}

Exec access_exec(Form form, Type t, unsigned width, size_t v) {
  switch (t) {
    case Type::s8: return with_register<int8_t>(form, width, v);
    case Type::s16: return with_register<int16_t>(form, width, v);
    case Type::s32: return with_register<int32_t>(form, width, v);
    case Type::s64: return with_register<int64_t>(form, width, v);
    default: break;
  }
  switch (ptx::bytes_of(t)) {
    case 1: return with_register<uint8_t>(form, width, v);
    case 2: return with_register<uint16_t>(form, width, v);
    case 4: return with_register<uint32_t>(form, width, v);
    case 8: return with_register<uint64_t>(form, width, v);
    default: return nullptr;
  }
}

/* What only tells a cache or another observer what to expect. */
void take_hints(Decode& d) {
  for (const char* hint : {"nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "volatile", "weak", "relaxed",
                           "acquire", "release", "cta", "cluster", "gpu", "sys", "L1::no_allocate",
                           "L1::evict_last", "L1::evict_first", "L1::evict_normal",
                           "L1::evict_unchanged", "L2::64B", "L2::128B", "L2::256B", "unified"})
    d.take(hint);
}

bool access(Decode& d) {
  const bool loads = d.s.opcode == "ld" || d.s.opcode == "ldu";
  const ptx::Space space = take_space(d);
  take_hints(d);
  size_t v = d.take("v2") ? 2 : d.take("v4") ? 4 : 1;
  const Type t = d.type();
  const Operand& value = d.operand(loads ? 0 : 1);
  d.address(d.operand(loads ? 1 : 0), space);
  Form form = loads ? Form::load : Form::store;
  if (loads && v == 1 && (d.out.flags & kSpaceBits) == kSpaceParam && d.out.a == kNoSlot) form = Form::param;
  unsigned width = 0;
  auto slot = [&](const Operand& o) { return loads ? d.wide_dest(o, t, width) : d.wide_source(o, t, width); };
  if (v == 1) {
    d.out.d = slot(value);
  } else {
    if (value.kind != Operand::vector || value.parts.size() != v) d.invalid("number of registers");
    std::vector<Slot> slots;
    unsigned first = 0;
    for (const Operand& o : value.parts) {
      slots.push_back(slot(o));
      if (first && first != width) d.unsupported("registers of different widths");
      first = width;
    }
    d.out.list = d.scope.list(slots);
  }
  d.out.fn = access_exec(form, t, width, v);
  if (!d.out.fn) d.unsupported("type");
  note_access(d, ptx::bytes_of(t) * static_cast<unsigned>(v));
  return true;
}

}  // namespace

ptx::Space take_space(Decode& d) {
  if (d.take("global")) return ptx::Space::global;
  if (d.take("shared") || d.take("shared::cta")) return ptx::Space::shared;
  if (d.take("const")) return ptx::Space::constant;
  if (d.take("local")) return ptx::Space::local;
  if (d.take("param") || d.take("param::entry") || d.take("param::func")) return ptx::Space::param;
  return ptx::Space::none;
}

void note_access(Decode& d, unsigned bytes) {
  d.out.aux = d.scope.program.access_count++;
  const uint32_t space = d.out.flags & kSpaceBits;
  if (space == kSpaceShared || space == kSpaceGeneric)
    while (d.scope.out.shared_grain && bytes < (1u << d.scope.out.shared_grain)) --d.scope.out.shared_grain;
}

void add_memory_opcodes(Opcodes& all) {
  for (const char* name : {"ld", "ldu", "st"}) all[name].push_back(access);
  /* Every access is done at once and in the order of the program: nothing to wait for. */
  for (const char* name : {"membar", "fence"}) all[name].push_back([](Decode& d) {
    d.modifiers.clear();
    d.out.fn = [](Warp&, const Instr* i) { return i + 1; };
    return true;
  });
  all["prefetch"].push_back([](Decode& d) {
    d.modifiers.clear();
    d.out.fn = [](Warp&, const Instr* i) { return i + 1; };
    return true;
  });
}

}  // namespace softgpu
