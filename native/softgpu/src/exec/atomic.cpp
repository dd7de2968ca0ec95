/* atom and red. Lanes are served one after the other, lowest first, or in random order by seed. */
#include "exec/access.h"
#include "exec/half.h"
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

struct Exchange { template <class T> static T run(T, T b) { return b; } };
struct And { template <class T> static T run(T a, T b) { return static_cast<T>(a & b); } };
struct Or { template <class T> static T run(T a, T b) { return static_cast<T>(a | b); } };
struct Xor { template <class T> static T run(T a, T b) { return static_cast<T>(a ^ b); } };
struct Add {
  template <class T>
  static T run(T a, T b) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b));
    else return a + b;
  }
};
struct Min { template <class T> static T run(T a, T b) { return b < a ? b : a; } };
struct Max { template <class T> static T run(T a, T b) { return a < b ? b : a; } };
struct Inc { template <class T> static T run(T a, T b) { return a >= b ? T{0} : static_cast<T>(a + 1); } };
struct Dec { template <class T> static T run(T a, T b) { return a == 0 || a > b ? b : static_cast<T>(a - 1); } };
struct AddHalf2 {
  static uint32_t run(uint32_t a, uint32_t b) {
    auto half = [](uint32_t x, uint32_t y) -> uint32_t {
      return to_half(from_half(static_cast<uint16_t>(x)) + from_half(static_cast<uint16_t>(y)));
    };
    return half(a, b) | half(a >> 16, b >> 16) << 16;
  }
};

/* Calls f(lane) for the active lanes in the order in which they are served. */
template <class F>
void serve(Warp& w, uint32_t mask, F f) {
  if (!w.launch->random) return each(mask, f);
  int order[kLanes], n = 0;
  each(mask, [&](int l) { order[n++] = l; });
  for (int k = n; k > 1; --k) std::swap(order[k - 1], order[w.random.next() % static_cast<uint64_t>(k)]);
  for (int k = 0; k < n; ++k) f(order[k]);
}

/* The word that a lane updates, after all checks. */
template <class F>
void at_each(Warp& w, const Instr* i, Addresses& addr, unsigned size, F update) {
  by_space(w, i, addr, [&](uint32_t space, uint32_t mask) {
    if (space == kSpaceGlobal) {
      Span span;
      check_global(w, i, addr, size, AccessKind::atomic, span);
      check_written(w, i, addr, span, size);
      count_global(w, addr, span, size, AccessKind::atomic);
      const auto to_host = static_cast<uint64_t>(w.launch->memory->to_host());
      serve(w, mask, [&](int l) { update(l, reinterpret_cast<uint8_t*>(addr.at[l] + to_host)); });
    } else if (space == kSpaceShared) {
      check_shared(w, i, addr, size, AccessKind::atomic, nullptr);
      serve(w, mask, [&](int l) { update(l, &w.block->shared.bytes[addr.at[l]]); });
    } else {
      fault(w, i, __builtin_ctz(mask), FaultCode::illegal_address, "atomic access to local memory");
    }
  });
}

/* d (or nothing, for red): the old value; b: the operand. */
template <class T, class Op>
const Instr* atomic(Warp& w, const Instr* i) {
  Addresses addr;
  addresses(w, i, addr);
  const T* b = lanes<T>(w, i->b);
  T old[kLanes] = {};
  at_each(w, i, addr, sizeof(T), [&](int l, uint8_t* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    old[l] = value;
    const T next = Op::run(value, b[l]);
    std::memcpy(p, &next, sizeof next);
  });
  if (i->d != kNoSlot) write<T>(w, i->d, [&](int l) { return old[l]; });
  return i + 1;
}

template <class T>
const Instr* compare_and_swap(Warp& w, const Instr* i) {
  Addresses addr;
  addresses(w, i, addr);
  const T *expected = lanes<T>(w, i->b), *desired = lanes<T>(w, i->c);
  T old[kLanes] = {};
  at_each(w, i, addr, sizeof(T), [&](int l, uint8_t* p) {
    std::memcpy(&old[l], p, sizeof(T));
    if (old[l] == expected[l]) std::memcpy(p, &desired[l], sizeof(T));
  });
  if (i->d != kNoSlot) write<T>(w, i->d, [&](int l) { return old[l]; });
  return i + 1;
}

template <class Op>
Exec by_type(Type t) {
  switch (t) {
    case Type::u32: case Type::b32: return &atomic<uint32_t, Op>;
    case Type::s32: return &atomic<int32_t, Op>;
    case Type::u64: case Type::b64: return &atomic<uint64_t, Op>;
    case Type::s64: return &atomic<int64_t, Op>;
    default: return nullptr;
  }
}

Exec choose(Decode& d, Type t) {
  if (d.take("add")) {
    if (t == Type::f32) return &atomic<float, Add>;
    if (t == Type::f64) return &atomic<double, Add>;
    if (t == Type::f16x2 && d.take("noftz")) return &atomic<uint32_t, AddHalf2>;
    return by_type<Add>(t);
  }
  if (d.take("exch")) return by_type<Exchange>(t);
  if (d.take("min")) return by_type<Min>(t);
  if (d.take("max")) return by_type<Max>(t);
  if (d.take("and")) return by_type<And>(t);
  if (d.take("or")) return by_type<Or>(t);
  if (d.take("xor")) return by_type<Xor>(t);
  if (d.take("inc")) return t == Type::u32 ? &atomic<uint32_t, Inc> : nullptr;
  if (d.take("dec")) return t == Type::u32 ? &atomic<uint32_t, Dec> : nullptr;
  if (d.take("cas")) {
    switch (ptx::bytes_of(t)) {
      case 2: return &compare_and_swap<uint16_t>;
      case 4: return &compare_and_swap<uint32_t>;
      case 8: return &compare_and_swap<uint64_t>;
      default: return nullptr;
    }
  }
  return nullptr;
}

bool atom(Decode& d) {
  const bool result = d.s.opcode == "atom", cas = d.has("cas");
  const ptx::Space space = take_space(d);
  for (const char* order : {"relaxed", "acquire", "release", "acq_rel", "cta", "cluster", "gpu", "sys"}) d.take(order);
  const Type t = d.type();
  d.out.fn = choose(d, t);
  if (!d.out.fn) d.unsupported("operation or type");
  const size_t first = result ? 1 : 0;
  if (result && d.operand(0).kind != ptx::Operand::sink) d.out.d = d.dest(0, t);
  d.address(d.operand(first), space);
  d.out.b = d.source(first + 1, t);
  if (cas) d.out.c = d.source(first + 2, t);
  note_access(d, ptx::bytes_of(t));
  if (space == ptx::Space::global || space == ptx::Space::none) d.scope.out.global_atomics = true;
  return true;
}

}  // namespace

void add_atomic_opcodes(Opcodes& all) {
  all["atom"].push_back(atom);
  all["red"].push_back(atom);
}

}  // namespace softgpu
