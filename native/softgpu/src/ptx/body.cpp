#include "ptx/parser.h"

namespace softgpu::ptx {

BodyParser::BodyParser(Stream& in, Module& module, Function& function)
    : in_(in), module_(module), function_(function), scopes_(1) {
  for (size_t i = 0; i < function.variables.size(); ++i)
    scopes_[0][function.variables[i].name] = {Name::variable, static_cast<int>(i)};
}

void BodyParser::run() {
  while (!scopes_.empty()) {
    if (in_.peek().kind == Kind::end) in_.fail("function without end");
    if (in_.accept("{")) {
      scopes_.emplace_back();
    } else if (in_.accept("}")) {
      scopes_.pop_back();
    } else if (in_.accept(";")) {
      continue;
    } else if (in_.peek().kind == Kind::dot) {
      directive();
    } else if (in_.peek().kind == Kind::word && in_.peek(1).kind == Kind::punct &&
               in_.peek(1).text == ":") {
      const std::string label = in_.word();
      in_.expect(":");
      if (in_.is_dot("branchtargets") || in_.is_dot("callprototype") || in_.is_dot("calltargets")) {
        const std::string kind(in_.take().text);
        if (kind == "branchtargets") {
          auto& targets = function_.branch_targets[label];
          do targets.push_back(in_.word());
          while (in_.accept(","));
        } else {
          function_.prototypes[label] = true;
          while (!in_.is(";")) in_.take();
        }
        in_.expect(";");
      } else if (!function_.labels.emplace(label, function_.body.size()).second) {
        in_.fail("label '" + label + "' declared twice");
      }
    } else {
      statement();
    }
  }
}

void BodyParser::directive() {
  const std::string name(in_.take().text);
  if (name == "loc") {
    const int file = static_cast<int>(in_.integer()), line = static_cast<int>(in_.integer());
    in_.integer();
    while (in_.accept(",")) { /* , function_name label + n, inlined_at file line column */
      in_.word();
      if (in_.peek().kind == Kind::word) in_.word();
      if (in_.accept("+")) in_.integer();
      while (in_.peek().kind == Kind::integer) in_.integer();
    }
    if (line > 0) { /* line 0: code of the compiler's own; the line before it is kept */
      module_.locations.push_back({file, line});
      location_ = static_cast<int>(module_.locations.size()) - 1;
    }
  } else if (name == "reg") {
    registers();
  } else if (name == "pragma") {
    while (!in_.accept(";")) in_.take();
  } else if (const auto space = space_of(name)) {
    variables(*space);
  } else {
    in_.fail("directive '." + name + "' is not supported");
  }
}

void BodyParser::registers() {
  if (in_.is_dot("v2") || in_.is_dot("v4")) in_.fail("vector registers are not supported");
  const Type type = type_of(std::string(in_.take().text));
  if (type == Type::none || type == Type::b128) in_.fail("register type is not supported");
  auto declare = [&](const std::string& name) {
    scopes_.back()[name] = {Name::reg, static_cast<int>(function_.registers.size())};
    function_.registers.push_back({name, type});
  };
  do {
    const std::string name = in_.word();
    if (in_.accept("<")) {
      const int64_t count = in_.integer();
      in_.expect(">");
      for (int64_t i = 0; i < count; ++i) declare(name + std::to_string(i));
    } else {
      declare(name);
    }
  } while (in_.accept(","));
  in_.expect(";");
}

void BodyParser::variables(Space space) {
  for (Variable& v : parse_variables(in_, space, false)) {
    scopes_.back()[v.name] = {Name::variable, static_cast<int>(function_.variables.size())};
    function_.variables.push_back(std::move(v));
  }
  in_.expect(";");
}

void BodyParser::statement() {
  Statement s;
  s.location = location_;
  if (in_.accept("@")) {
    s.guard_negated = in_.accept("!");
    const std::string name = in_.word();
    const Name* found = find(name);
    if (!found || found->kind != Name::reg ||
        function_.registers[static_cast<size_t>(found->index)].type != Type::pred)
      in_.fail("'" + name + "' is no predicate register");
    s.guard = found->index;
  }
  s.line = in_.peek().line;
  s.opcode = in_.word();
  while (in_.peek().kind == Kind::dot) s.modifiers.emplace_back(in_.take().text);
  const bool branch = s.opcode == "bra" || s.opcode == "brx";
  if (!in_.is(";")) {
    do s.operands.push_back(operand(branch));
    while (in_.accept(","));
  }
  in_.expect(";");
  function_.body.push_back(std::move(s));
}

const Name* BodyParser::find(const std::string& name) const {
  for (size_t i = scopes_.size(); i-- > 0;) {
    const auto found = scopes_[i].find(name);
    if (found != scopes_[i].end()) return &found->second;
  }
  return nullptr;
}

Operand BodyParser::operand(bool branch) {
  Operand first = primary(branch);
  if (in_.accept("|")) {
    Operand both{Operand::pair};
    both.parts = {first, primary(branch)};
    return both;
  }
  return first;
}

Operand BodyParser::primary(bool branch) {
  if (in_.accept("!")) {
    Operand o = primary(branch);
    o.negated = true;
    return o;
  }
  if (in_.is("{") || in_.is("(")) {
    const bool braces = in_.take().text == "{";
    Operand o{braces ? Operand::vector : Operand::group};
    while (!in_.accept(braces ? "}" : ")")) {
      o.parts.push_back(primary(branch));
      in_.accept(",");
    }
    return o;
  }
  if (in_.accept("[")) return address();
  const bool negative = in_.accept("-");
  const Token& t = in_.peek();
  Operand o{Operand::integer};
  o.bits = t.bits;
  switch (t.kind) {
    case Kind::integer:
      if (negative) o.bits = -o.bits;
      break;
    case Kind::single:
      o.kind = Operand::single;
      if (negative) o.bits ^= 0x80000000u;
      break;
    case Kind::floating:
      o.kind = Operand::floating;
      if (negative) o.bits ^= 1ull << 63;
      break;
    case Kind::word: return named(branch);
    default: in_.fail("expected an operand");
  }
  in_.take();
  return o;
}

Operand BodyParser::named(bool branch) {
  const std::string name = in_.word();
  if (name == "_") return Operand{Operand::sink};
  if (branch && !find(name)) {
    Operand label{Operand::label};
    label.text = name;
    return label;
  }
  Operand o{Operand::symbol};
  o.text = name;
  if (const Name* found = find(name)) {
    o.kind = found->kind == Name::reg ? Operand::reg : Operand::variable;
    o.index = found->index;
  } else if (name == "WARP_SZ") {
    o.kind = Operand::integer;
    o.bits = 32;
  } else if (name[0] == '%') {
    o.kind = Operand::special;
    o.text = name.substr(1);
    if (in_.peek().kind == Kind::dot) o.text += "." + std::string(in_.take().text);
    return o;
  }
  if (in_.is("+") || (in_.is("-") && o.kind != Operand::reg)) {
    const bool negative = in_.take().text == "-";
    const int64_t value = in_.integer();
    o.offset = negative ? -value : value;
  }
  return o;
}

Operand BodyParser::address() {
  Operand o{Operand::address};
  o.parts.push_back(primary(false));
  if (in_.accept("+")) o.parts[0].offset += in_.integer();
  o.offset = o.parts[0].offset;
  o.parts[0].offset = 0;
  while (in_.accept(",")) o.parts.push_back(primary(false)); /* coordinates of a texture */
  in_.expect("]");
  return o;
}

}  // namespace softgpu::ptx
