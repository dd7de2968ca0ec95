/* setp, set, selp, slct. */
#include "exec/ops.h"

namespace softgpu {
namespace {

using ptx::Type;

enum class Cmp : uint8_t { eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, num, nan };

template <Cmp kCmp, class T>
inline bool holds(T a, T b) {
  const bool unordered = a != a || b != b;
  switch (kCmp) {
    case Cmp::eq: return a == b;
    case Cmp::ne: return !unordered && a != b;
    case Cmp::lt: return a < b;
    case Cmp::le: return a <= b;
    case Cmp::gt: return a > b;
    case Cmp::ge: return a >= b;
    case Cmp::equ: return unordered || a == b;
    case Cmp::neu: return a != b;
    case Cmp::ltu: return !(a >= b);
    case Cmp::leu: return !(a > b);
    case Cmp::gtu: return !(a <= b);
    case Cmp::geu: return !(a < b);
    case Cmp::num: return !unordered;
    default: return unordered;
  }
}

enum Combine : uint32_t { kPlain, kAnd, kOr, kXor };
constexpr uint32_t kCombineBits = 3, kFlip = 4, kFlush = 8;

template <Cmp kCmp, class T>
uint32_t compare(Warp& w, const Instr* i) {
  const T *a = lanes<T>(w, i->a), *b = lanes<T>(w, i->b);
  if constexpr (std::is_same_v<T, float>)
    if (i->flags & kFlush)
      return ballot([&](int l) { return holds<kCmp>(flush_subnormal(a[l]), flush_subnormal(b[l])); });
  return ballot([&](int l) { return holds<kCmp>(a[l], b[l]); });
}

uint32_t combine(Warp& w, const Instr* i, uint32_t bits) {
  const uint32_t other = i->c == kNoSlot ? 0 : predicate(w, i->c) ^ (i->flags & kFlip ? ~0u : 0u);
  switch (i->flags & kCombineBits) {
    case kAnd: return bits & other;
    case kOr: return bits | other;
    case kXor: return bits ^ other;
    default: return bits;
  }
}

/* Results: d, and list[0] for the complement, where asked for. */
template <Cmp kCmp, class T>
const Instr* set_predicate(Warp& w, const Instr* i) {
  const uint32_t bits = compare<kCmp, T>(w, i);
  const uint32_t first = combine(w, i, bits);
  if (i->list) {
    const uint32_t second = combine(w, i, ~bits);
    write_predicate(w, i->list[0], second);
  }
  write_predicate(w, i->d, first);
  return i + 1;
}

template <Cmp kCmp, class T>
const Instr* set_value(Warp& w, const Instr* i) {
  const uint32_t bits = combine(w, i, compare<kCmp, T>(w, i));
  const uint32_t yes = static_cast<uint32_t>(i->imm);
  write<uint32_t>(w, i->d, [&](int l) { return (bits >> l) & 1 ? yes : 0u; });
  return i + 1;
}

template <Cmp kCmp>
Exec by_type(Type t, bool value) {
#define PAIR(T) (value ? &set_value<kCmp, T> : &set_predicate<kCmp, T>)
  switch (t) {
    case Type::b16: case Type::u16: return PAIR(uint16_t);
    case Type::b32: case Type::u32: return PAIR(uint32_t);
    case Type::b64: case Type::u64: return PAIR(uint64_t);
    case Type::s16: return PAIR(int16_t);
    case Type::s32: return PAIR(int32_t);
    case Type::s64: return PAIR(int64_t);
    case Type::f32: return PAIR(float);
    case Type::f64: return PAIR(double);
    default: return nullptr;
  }
#undef PAIR
}

/* Takes the comparison from the modifiers. */
Exec comparison(Decode& d, Type t, bool value) {
  const bool real = t == Type::f32 || t == Type::f64;
  if (d.take("eq")) return by_type<Cmp::eq>(t, value);
  if (d.take("ne")) return by_type<Cmp::ne>(t, value);
  if (d.take("lt") || d.take("lo")) return by_type<Cmp::lt>(t, value);
  if (d.take("le") || d.take("ls")) return by_type<Cmp::le>(t, value);
  if (d.take("gt") || d.take("hi")) return by_type<Cmp::gt>(t, value);
  if (d.take("ge") || d.take("hs")) return by_type<Cmp::ge>(t, value);
  if (!real) d.invalid("comparison");
  if (d.take("equ")) return by_type<Cmp::equ>(t, value);
  if (d.take("neu")) return by_type<Cmp::neu>(t, value);
  if (d.take("ltu")) return by_type<Cmp::ltu>(t, value);
  if (d.take("leu")) return by_type<Cmp::leu>(t, value);
  if (d.take("gtu")) return by_type<Cmp::gtu>(t, value);
  if (d.take("geu")) return by_type<Cmp::geu>(t, value);
  if (d.take("num")) return by_type<Cmp::num>(t, value);
  if (d.take("nan")) return by_type<Cmp::nan>(t, value);
  d.invalid("comparison");
}

void combination(Decode& d) {
  if (d.take("and")) d.out.flags |= kAnd;
  else if (d.take("or")) d.out.flags |= kOr;
  else if (d.take("xor")) d.out.flags |= kXor;
  else return;
  bool negated;
  d.out.c = d.predicate(d.operand(3), negated);
  if (negated) d.out.flags |= kFlip;
}

bool setp(Decode& d) {
  const Type t = d.last_type();
  if (ptx::is_float(t) && t != Type::f32 && t != Type::f64) return false;
  d.type();
  if (d.take("ftz")) d.out.flags |= kFlush;
  d.out.fn = comparison(d, t, false);
  combination(d);
  const ptx::Operand& result = d.operand(0);
  if (result.kind == ptx::Operand::pair) {
    d.out.d = d.predicate_dest(result.parts[0]);
    d.out.list = d.scope.list({d.predicate_dest(result.parts[1])});
  } else {
    d.out.d = d.predicate_dest(result);
  }
  d.out.a = d.source(1, t), d.out.b = d.source(2, t);
  return true;
}

bool set(Decode& d) {
  const Type t = d.last_type();
  if (ptx::is_float(t) && t != Type::f32 && t != Type::f64) return false;
  const Type result = d.type();
  d.type();
  if (d.take("ftz")) d.out.flags |= kFlush;
  d.out.fn = comparison(d, t, true);
  combination(d);
  d.out.imm = result == Type::f32 ? 0x3f800000 : 0xffffffff;
  d.out.d = d.dest(0, result);
  d.out.a = d.source(1, t), d.out.b = d.source(2, t);
  return true;
}

template <class T>
const Instr* select(Warp& w, const Instr* i) {
  const T *a = lanes<T>(w, i->a), *b = lanes<T>(w, i->b);
  const uint32_t p = predicate(w, i->c) ^ static_cast<uint32_t>(i->imm);
  write<T>(w, i->d, [&](int l) { return (p >> l) & 1 ? a[l] : b[l]; });
  return i + 1;
}

bool selp(Decode& d) {
  const Type t = d.type();
  const unsigned bytes = ptx::bytes_of(t);
  operands(d, t, bytes == 2 ? &select<uint16_t> : bytes == 4 ? &select<uint32_t> : &select<uint64_t>, 2);
  bool negated;
  d.out.c = d.predicate(d.operand(3), negated);
  d.out.imm = negated ? 0xffffffff : 0;
  return true;
}

template <class T, class C>
const Instr* select_by_sign(Warp& w, const Instr* i) {
  const T *a = lanes<T>(w, i->a), *b = lanes<T>(w, i->b);
  const C* c = lanes<C>(w, i->c);
  write<T>(w, i->d, [&](int l) { return c[l] >= C{0} ? a[l] : b[l]; });
  return i + 1;
}

bool slct(Decode& d) {
  const Type t = d.type(), by = d.type();
  if (by != Type::s32 && by != Type::f32) d.invalid("type of the selector");
  const bool real = by == Type::f32;
  d.take("ftz");
  switch (ptx::bytes_of(t)) {
    case 2: d.out.fn = real ? &select_by_sign<uint16_t, float> : &select_by_sign<uint16_t, int32_t>; break;
    case 4: d.out.fn = real ? &select_by_sign<uint32_t, float> : &select_by_sign<uint32_t, int32_t>; break;
    default: d.out.fn = real ? &select_by_sign<uint64_t, float> : &select_by_sign<uint64_t, int32_t>;
  }
  d.out.d = d.dest(0, t), d.out.a = d.source(1, t), d.out.b = d.source(2, t), d.out.c = d.source(3, by);
  return true;
}

}  // namespace

void add_compare_opcodes(Opcodes& all) {
  all["setp"].push_back(setp);
  all["set"].push_back(set);
  all["selp"].push_back(selp);
  all["slct"].push_back(slct);
}

}  // namespace softgpu
