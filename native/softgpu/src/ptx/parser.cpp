#include "ptx/parser.h"

#include <cstring>

namespace softgpu::ptx {

void Stream::fail(const std::string& what) const {
  const Token& t = peek();
  const std::string near = t.kind == Kind::end ? "end of text" : "'" + std::string(t.text) + "'";
  throw PtxError(t.line, what + " near " + near);
}

int64_t Stream::integer() {
  const bool negative = accept("-");
  if (peek().kind != Kind::integer) fail("expected an integer");
  const uint64_t bits = take().bits;
  return static_cast<int64_t>(negative ? -bits : bits);
}

std::optional<Space> space_of(std::string_view name) {
  if (name == "global") return Space::global;
  if (name == "const") return Space::constant;
  if (name == "shared") return Space::shared;
  if (name == "local") return Space::local;
  if (name == "param") return Space::param;
  return std::nullopt;
}

namespace {

void append(std::vector<uint8_t>& bytes, uint64_t bits, unsigned size) {
  for (unsigned i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(bits >> (8 * i)));
}

void initial_value(Stream& in, Variable& v) {
  const unsigned size = bytes_of(v.type);
  if (in.accept("{")) {
    while (!in.accept("}")) {
      initial_value(in, v);
      in.accept(",");
    }
    return;
  }
  const bool negative = in.accept("-");
  const Token t = in.take();
  if (t.kind == Kind::word) {
    Variable::Address address{v.initial.size(), std::string(t.text), 0, false};
    if (t.text == "generic") {
      in.expect("(");
      address.symbol = in.word();
      address.generic = true;
      in.expect(")");
    }
    if (in.accept("+")) address.offset = in.integer();
    if (size != 8) in.fail("an address needs a 64-bit variable");
    v.addresses.push_back(address);
    append(v.initial, 0, size);
    return;
  }
  uint64_t bits = t.bits;
  if (t.kind == Kind::floating && v.type == Type::f32) {
    double d;
    std::memcpy(&d, &bits, 8);
    const float f = static_cast<float>(negative ? -d : d);
    uint32_t b;
    std::memcpy(&b, &f, 4);
    bits = b;
  } else if (t.kind == Kind::floating || t.kind == Kind::single) {
    if (negative) bits ^= 1ull << (8 * size - 1);
  } else if (t.kind == Kind::integer) {
    if (negative) bits = -bits;
  } else {
    in.fail("malformed initial value");
  }
  append(v.initial, bits, size);
}

}  // namespace

std::vector<Variable> parse_variables(Stream& in, Space space, bool external) {
  Variable v{};
  v.space = space;
  v.external = external;
  unsigned lanes = 1, explicit_align = 0;
  for (;;) {
    if (in.is_dot("align")) {
      in.take();
      explicit_align = static_cast<unsigned>(in.integer());
    } else if (in.is_dot("v2") || in.is_dot("v4")) {
      lanes = in.take().text == "v2" ? 2 : 4;
    } else if (in.is_dot("ptr")) {
      in.take(); /* what follows is about the memory that it points to */
      if (in.peek().kind == Kind::dot && space_of(in.peek().text)) in.take();
      if (in.is_dot("align")) {
        in.take();
        in.integer();
      }
    } else if (in.peek().kind == Kind::dot && type_of(std::string(in.peek().text)) != Type::none) {
      v.type = type_of(std::string(in.take().text));
    } else {
      break;
    }
  }
  if (v.type == Type::none) in.fail("expected a type");
  if (explicit_align & (explicit_align - 1)) in.fail("alignment is no power of two");
  v.align = explicit_align ? explicit_align : bytes_of(v.type) * lanes;
  std::vector<Variable> all;
  do {
    Variable one = v;
    one.line = in.peek().line;
    one.name = in.word();
    uint64_t count = lanes;
    bool unsized = false;
    while (in.accept("[")) {
      if (in.is("]")) {
        unsized = true;
      } else {
        count *= static_cast<uint64_t>(in.integer());
      }
      in.expect("]");
    }
    one.bytes = count * bytes_of(v.type);
    if (in.accept("=")) initial_value(in, one);
    if (unsized) one.bytes = one.initial.size();
    if (one.initial.size() > one.bytes) in.fail("more initial values than elements");
    all.push_back(std::move(one));
  } while (in.is(",") && in.peek(1).kind == Kind::word && (in.take(), true));
  return all;
}

namespace {

class ModuleParser {
 public:
  explicit ModuleParser(std::string_view text) : in_(text) {}

  Module run() {
    while (in_.peek().kind != Kind::end) directive();
    if (module_.target == 0) throw PtxError(1, "no .target");
    return std::move(module_);
  }

 private:
  void directive() {
    if (in_.peek().kind != Kind::dot) in_.fail("expected a directive");
    const std::string name(in_.take().text);
    if (name == "version") {
      const Token t = in_.take();
      double v = 0;
      if (t.kind == Kind::floating) std::memcpy(&v, &t.bits, 8);
      module_.version = static_cast<int>(v * 10 + 0.5);
    } else if (name == "target") {
      module_.target_name = in_.word();
      if (module_.target_name.rfind("sm_", 0) != 0) in_.fail("unknown .target");
      module_.target = std::atoi(module_.target_name.c_str() + 3);
      while (in_.accept(",")) in_.word();
    } else if (name == "address_size") {
      if (in_.integer() != 64) in_.fail("only 64-bit addresses are supported");
    } else if (name == "file") {
      const int index = static_cast<int>(in_.integer());
      module_.files[index] = std::string(in_.take().text);
      while (in_.accept(",")) in_.integer();
    } else if (name == "section") {
      skip_section();
    } else if (name == "pragma") {
      while (!in_.accept(";")) in_.take();
    } else if (name == "extern" || name == "visible" || name == "weak" || name == "common") {
      external_ = name == "extern";
      visible_ = name != "extern";
      return; /* a linkage holds for the next directive */
    } else if (name == "entry" || name == "func") {
      function(name == "entry");
    } else if (const auto space = space_of(name); space && *space != Space::param) {
      for (Variable& v : parse_variables(in_, *space, external_))
        module_.variables.push_back(std::move(v));
      in_.expect(";");
    } else {
      in_.fail("directive '." + name + "' is not supported");
    }
    external_ = visible_ = false;
  }

  void skip_section() {
    while (!in_.accept("{")) in_.take();
    for (int depth = 1; depth > 0;) {
      const Token t = in_.take();
      if (t.kind == Kind::end) in_.fail("section without end");
      if (t.kind == Kind::punct) depth += t.text == "{" ? 1 : t.text == "}" ? -1 : 0;
    }
  }

  /* The list of .param or .reg declarations in parentheses. */
  unsigned parameters(Function& f) {
    unsigned count = 0;
    in_.expect("(");
    while (!in_.accept(")")) {
      if (!in_.is_dot("param")) in_.fail("only .param parameters are supported");
      in_.take();
      for (Variable& v : parse_variables(in_, Space::param, false)) {
        f.variables.push_back(std::move(v));
        ++count;
      }
      in_.accept(",");
    }
    return count;
  }

  void function(bool entry) {
    Function f;
    f.entry = entry;
    f.visible = visible_;
    f.line = in_.peek().line;
    std::vector<Variable> returns;
    if (!entry && in_.is("(")) {
      Function holder;
      parameters(holder);
      returns = std::move(holder.variables);
    }
    f.name = in_.word();
    if (in_.is("(")) f.params = parameters(f);
    f.returns = static_cast<unsigned>(returns.size());
    for (Variable& v : returns) f.variables.push_back(std::move(v));
    while (in_.peek().kind == Kind::dot) attribute(f);
    if (!in_.accept(";")) {
      in_.expect("{");
      f.defined = true;
      BodyParser(in_, module_, f).run();
    }
    module_.functions.push_back(std::move(f));
  }

  void attribute(Function& f) {
    const std::string name(in_.take().text);
    std::array<unsigned, 3> values{{1, 1, 1}};
    if (name == "noreturn" || name == "explicitcluster") return;
    int n = 0;
    do {
      const unsigned value = static_cast<unsigned>(in_.integer());
      if (n < 3) values[static_cast<size_t>(n++)] = value;
    } while (in_.accept(","));
    if (name == "maxntid") {
      f.max_threads = values;
    } else if (name == "reqntid") {
      f.required_threads = values;
    } else if (name != "maxnreg" && name != "minnctapersm" && name != "maxnctapersm") {
      in_.fail("directive '." + name + "' is not supported");
    }
  }

  Stream in_;
  Module module_;
  bool external_ = false, visible_ = false;
};

}  // namespace

Module parse(std::string_view text) { return ModuleParser(text).run(); }

}  // namespace softgpu::ptx
