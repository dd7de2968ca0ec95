/* The parser's parts: token stream, scopes, statements. */
#ifndef SOFTGPU_PTX_PARSER_H
#define SOFTGPU_PTX_PARSER_H

#include <optional>

#include "ptx/module.h"

namespace softgpu::ptx {

class Stream {
 public:
  explicit Stream(std::string_view text) : tokens_(tokenize(text)) {}

  const Token& peek(size_t ahead = 0) const {
    return tokens_[pos_ + ahead < tokens_.size() ? pos_ + ahead : tokens_.size() - 1];
  }
  Token take() {
    const Token t = peek();
    if (t.kind != Kind::end) ++pos_;
    return t;
  }
  bool is(std::string_view punct) const { return peek().kind == Kind::punct && peek().text == punct; }
  bool is_dot(std::string_view name) const { return peek().kind == Kind::dot && peek().text == name; }
  bool accept(std::string_view punct) { return is(punct) ? (take(), true) : false; }
  void expect(std::string_view punct) {
    if (!accept(punct)) fail("expected '" + std::string(punct) + "'");
  }
  std::string word() {
    if (peek().kind != Kind::word) fail("expected a name");
    return std::string(take().text);
  }
  int64_t integer();
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::vector<Token> tokens_;
  size_t pos_ = 0;
};

/* Names visible in a function body: registers, variables. */
struct Name {
  enum Kind : uint8_t { reg, variable } kind;
  int index;
};
using Scope = std::unordered_map<std::string, Name>;

/* `.space .align 4 .v2 .f32 name[3] = {..}`, the space's token taken already. Commas that declare
   further names are handled by the caller. */
std::vector<Variable> parse_variables(Stream& in, Space space, bool external);
std::optional<Space> space_of(std::string_view name);

/* The body of a function between its braces; the opening brace is taken already. */
class BodyParser {
 public:
  BodyParser(Stream& in, Module& module, Function& function);
  void run();

 private:
  void directive();
  void registers();
  void variables(Space space);
  void statement();
  Operand operand(bool branch);
  Operand primary(bool branch);
  Operand named(bool branch);
  Operand address();
  const Name* find(const std::string& name) const;

  Stream& in_;
  Module& module_;
  Function& function_;
  std::vector<Scope> scopes_;
  int location_ = 0;
};

}  // namespace softgpu::ptx

#endif
