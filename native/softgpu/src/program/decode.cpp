#include "program/decode.h"

#include <algorithm>
#include <cstring>

#include "exec/access.h"

namespace softgpu {

using ptx::Operand;
using ptx::Type;

namespace {

constexpr std::pair<const char*, Special> kSpecials[] = {
    {"tid.x", Special::tid_x}, {"tid.y", Special::tid_y}, {"tid.z", Special::tid_z},
    {"ntid.x", Special::ntid_x}, {"ntid.y", Special::ntid_y}, {"ntid.z", Special::ntid_z},
    {"ctaid.x", Special::ctaid_x}, {"ctaid.y", Special::ctaid_y}, {"ctaid.z", Special::ctaid_z},
    {"nctaid.x", Special::nctaid_x}, {"nctaid.y", Special::nctaid_y},
    {"nctaid.z", Special::nctaid_z}, {"laneid", Special::laneid}, {"warpid", Special::warpid},
    {"nwarpid", Special::nwarpid}, {"smid", Special::smid}, {"nsmid", Special::nsmid},
    {"gridid", Special::gridid}, {"lanemask_eq", Special::lanemask_eq},
    {"lanemask_le", Special::lanemask_le}, {"lanemask_lt", Special::lanemask_lt},
    {"lanemask_ge", Special::lanemask_ge}, {"lanemask_gt", Special::lanemask_gt},
    {"dynamic_smem_size", Special::dynamic_smem_size},
    {"total_smem_size", Special::total_smem_size},
};

unsigned register_width(Type type) { return type == Type::b8 || ptx::bytes_of(type) == 1 ? 2 : ptx::bytes_of(type); }

}  // namespace

FunctionScope::FunctionScope(Program& program, const ptx::Module& module,
                             const ptx::Function& source, Function& out)
    : program(program), module(module), source(source), out(out) {
  for (const ptx::Register& r : source.registers) registers_.push_back(scratch(register_width(r.type)));
  offsets.resize(source.variables.size());
}

Slot FunctionScope::allocate(unsigned bytes) {
  const Slot slot = (out.frame_bytes + bytes - 1) / bytes * bytes;
  out.frame_bytes = slot + bytes;
  return slot;
}

Slot FunctionScope::scratch(unsigned width) { return allocate(width ? width * kLanes : 4); }

Slot FunctionScope::constant(uint64_t bits, unsigned width) {
  const auto [found, added] = constants_.try_emplace({bits, width}, 0);
  if (added) {
    found->second = kConstant | static_cast<Slot>(out.constants.size() * sizeof(CacheLine));
    const size_t bytes = width ? width * kLanes : 4;
    std::vector<uint8_t> copies((bytes + 63) / 64 * 64);
    for (size_t b = 0; b < bytes; ++b)
      copies[b] = static_cast<uint8_t>(bits >> (8 * (width ? b % width : b)));
    const size_t first = out.constants.size();
    out.constants.resize(first + copies.size() / 64);
    std::memcpy(&out.constants[first], copies.data(), copies.size());
  }
  return found->second;
}

Slot FunctionScope::special(const std::string& name, int line) {
  for (const auto& [text, special] : kSpecials) {
    if (name != text) continue;
    const auto [found, added] = specials_.try_emplace(special, 0);
    if (added) {
      found->second = scratch(4);
      out.specials.emplace_back(special, found->second);
    }
    return found->second;
  }
  throw ptx::PtxError(line, "special register '%" + name + "' is not supported", true);
}

Slot FunctionScope::carry() {
  if (carry_ == kNoSlot) carry_ = scratch(0);
  return carry_;
}

const Slot* FunctionScope::list(std::vector<Slot> slots) {
  out.lists.push_back(std::move(slots));
  return out.lists.back().data();
}

const int64_t* FunctionScope::number(int64_t value) {
  out.numbers.push_back(value);
  return &out.numbers.back();
}

bool Decode::has(const std::string& m) const {
  return std::find(modifiers.begin(), modifiers.end(), m) != modifiers.end();
}

bool Decode::take(const std::string& m) {
  const auto found = std::find(modifiers.begin(), modifiers.end(), m);
  if (found == modifiers.end()) return false;
  modifiers.erase(found);
  return true;
}

Type Decode::type() {
  for (size_t n = 0; n < modifiers.size(); ++n) {
    const Type t = ptx::type_of(modifiers[n]);
    if (t == Type::none) continue;
    modifiers.erase(modifiers.begin() + static_cast<std::ptrdiff_t>(n));
    return t;
  }
  invalid("a type is missing");
}

Type Decode::last_type() const {
  for (size_t n = modifiers.size(); n-- > 0;)
    if (ptx::type_of(modifiers[n]) != Type::none) return ptx::type_of(modifiers[n]);
  return Type::none;
}

void Decode::finish() const {
  if (!modifiers.empty()) unsupported("modifier '." + modifiers[0] + "'");
}

std::string Decode::name() const {
  std::string text = s.opcode;
  for (const std::string& m : s.modifiers) text += "." + m;
  return text;
}

void Decode::unsupported(const std::string& why) const {
  throw ptx::PtxError(s.line, "'" + name() + "' is not supported: " + why, true);
}

void Decode::invalid(const std::string& why) const {
  throw ptx::PtxError(s.line, "'" + name() + "': " + why);
}

void Decode::need_target(int sm) const {
  if (scope.program.target < sm)
    invalid("needs .target sm_" + std::to_string(sm) + " or higher");
}

const Operand& Decode::operand(size_t n) const {
  if (n >= s.operands.size()) invalid("too few operands");
  return s.operands[n];
}

unsigned Decode::width_of(const Operand& o) const {
  return register_width(scope.source.registers[static_cast<size_t>(o.index)].type);
}

Slot Decode::literal(const Operand& o, Type type) {
  const unsigned width = ptx::bytes_of(type);
  uint64_t bits = o.bits;
  if (type == Type::f32) {
    if (o.kind == Operand::floating) {
      double d;
      std::memcpy(&d, &bits, 8);
      const float f = static_cast<float>(d);
      uint32_t b;
      std::memcpy(&b, &f, 4);
      bits = b;
    } else if (o.kind == Operand::integer) {
      invalid("an integer where a float belongs");
    }
  } else if (type == Type::f64 && o.kind != Operand::floating) {
    invalid("a double literal is missing");
  } else if (o.kind == Operand::floating && width < 8) {
    invalid("a double where another type belongs");
  }
  return scope.constant(width == 8 ? bits : bits & ((1ull << (8 * width)) - 1), register_width(type));
}

Decode::Address Decode::symbol(const Operand& o) const {
  const uint64_t offset = static_cast<uint64_t>(o.offset);
  if (o.kind == Operand::variable) {
    const size_t index = static_cast<size_t>(o.index);
    const ptx::Space space = scope.source.variables[index].space;
    const bool own = space == ptx::Space::local ||
                     (space == ptx::Space::param &&
                      !(scope.source.entry && index < scope.source.params));
    return {scope.offsets[index] + offset, own, space};
  }
  const auto variable = scope.program.variables.find(o.text);
  if (variable != scope.program.variables.end()) {
    const ModuleVariable& v = variable->second;
    return {v.address + offset, false, v.constant ? ptx::Space::constant : ptx::Space::global};
  }
  const auto shared = scope.shared->find(o.text);
  if (shared != scope.shared->end()) return {shared->second + offset, false, ptx::Space::shared};
  throw ptx::PtxError(s.line, "'" + o.text + "' is not declared");
}

Slot Decode::source(const Operand& o, Type type) {
  unsigned width;
  const Slot slot = wide_source(o, type, width);
  if (width != register_width(type)) invalid("operand of another width");
  return slot;
}

Slot Decode::wide_source(const Operand& o, Type type, unsigned& width) {
  width = register_width(type);
  switch (o.kind) {
    case Operand::reg: {
      if (scope.source.registers[static_cast<size_t>(o.index)].type == Type::pred)
        invalid("a predicate where a value belongs");
      width = width_of(o);
      if (width < ptx::bytes_of(type)) invalid("operand narrower than its type");
      return scope.reg(o.index);
    }
    case Operand::integer:
    case Operand::single:
    case Operand::floating: return literal(o, type);
    case Operand::special: {
      const Slot slot = scope.special(o.text, s.line);
      width = 4;
      return slot;
    }
    case Operand::variable:
    case Operand::symbol: {
      const Address at = symbol(o);
      if (at.frame_relative) unsupported("the address of local memory as an operand");
      return scope.constant(width == 4 ? at.value & 0xffffffffu : at.value, width);
    }
    default: invalid("malformed operand");
  }
}

Slot Decode::dest(const Operand& o, Type type) {
  unsigned width;
  const Slot slot = wide_dest(o, type, width);
  if (width != register_width(type)) invalid("destination of another width");
  return slot;
}

Slot Decode::wide_dest(const Operand& o, Type type, unsigned& width) {
  if (o.kind == Operand::sink) {
    width = register_width(type);
    return scope.scratch(width);
  }
  if (o.kind != Operand::reg) invalid("destination is no register");
  width = width_of(o);
  if (width == 0) invalid("a predicate where a value belongs");
  if (width < ptx::bytes_of(type)) invalid("destination narrower than its type");
  return scope.reg(o.index);
}

Slot Decode::predicate(const Operand& o, bool& negated) {
  negated = o.negated;
  if (o.kind == Operand::integer) return scope.constant(o.bits ? ~0u : 0, 0);
  if (o.kind != Operand::reg || width_of(o) != 0) invalid("operand is no predicate");
  return scope.reg(o.index);
}

Slot Decode::predicate_dest(const Operand& o) {
  if (o.kind == Operand::sink) return scope.scratch(0);
  bool negated;
  const Slot slot = predicate(o, negated);
  if (negated || o.kind != Operand::reg) invalid("destination is no predicate");
  return slot;
}

void Decode::address(const Operand& o, ptx::Space space) {
  constexpr uint32_t kFlags[] = {kSpaceGeneric, kSpaceGlobal, kSpaceConst,
                                 kSpaceShared,  kSpaceLocal,  kSpaceParam};
  if (o.kind != Operand::address || o.parts.size() != 1) invalid("operand is no address");
  const Operand& base = o.parts[0];
  out.imm = o.offset;
  out.flags |= kFlags[static_cast<int>(space)];
  if (base.kind == Operand::reg) {
    const unsigned width = width_of(base);
    if (width != 8 && !(width == 4 && space != ptx::Space::none && space != ptx::Space::global))
      invalid("address register of another width");
    out.a = scope.reg(base.index);
    if (width == 4) out.flags |= kBase32;
    return;
  }
  if (base.kind == Operand::integer) {
    out.imm += static_cast<int64_t>(base.bits);
    return;
  }
  if (base.kind != Operand::variable && base.kind != Operand::symbol) invalid("malformed address");
  const Address at = symbol(base);
  out.imm += static_cast<int64_t>(at.value);
  if (space == ptx::Space::none) {
    if (at.space == ptx::Space::shared) out.imm += static_cast<int64_t>(kSharedWindow);
    if (at.space == ptx::Space::local || at.space == ptx::Space::param)
      unsupported("generic address of a local variable");
  } else if (at.space != space) {
    invalid("the variable is in another space");
  }
  /* Parameters and results of functions live in the lanes' local memory. */
  if (at.frame_relative) out.flags = (out.flags & ~kSpaceBits) | kSpaceLocal | kFrameRelative;
}

void decode_statement(FunctionScope& scope, const ptx::Statement& s, Instr& out) {
  static const Opcodes* opcodes = [] {
    auto* all = new Opcodes;
    for (auto add : {add_integer_opcodes, add_bit_opcodes, add_float_opcodes,
                     add_approximate_opcodes, add_half_opcodes, add_compare_opcodes,
                     add_convert_opcodes, add_move_opcodes, add_memory_opcodes,
                     add_atomic_opcodes, add_warp_opcodes, add_matrix_opcodes, add_copy_opcodes})
      add(*all);
    return all;
  }();
  const auto found = opcodes->find(s.opcode);
  if (found != opcodes->end()) {
    for (const Decoder decoder : found->second) {
      Decode decode(scope, s, out);
      if (!decoder(decode)) continue;
      decode.finish();
      return;
    }
  }
  Decode(scope, s, out).unsupported("no such instruction here");
}

}  // namespace softgpu
