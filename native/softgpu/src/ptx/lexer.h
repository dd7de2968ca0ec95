/* Tokens of PTX text. */
#ifndef SOFTGPU_PTX_LEXER_H
#define SOFTGPU_PTX_LEXER_H

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace softgpu::ptx {

/* PTX that cannot be loaded; `line` is a line of the PTX text, 0 where none applies. */
struct PtxError : std::runtime_error {
  PtxError(int where, const std::string& what, bool is_unsupported = false)
      : std::runtime_error(what), line(where), unsupported(is_unsupported) {}
  int line;
  bool unsupported;
};

enum class Kind : uint8_t {
  word,     /* name, opcode, register, label */
  dot,      /* .name: a directive or a modifier, without the dot in `text` */
  integer,  /* bits in `bits` */
  single,   /* 0fXXXXXXXX: bits of a float */
  floating, /* bits of a double (0dX.. or a decimal with a point) */
  string,
  punct,
  end,
};

struct Token {
  Kind kind;
  std::string_view text;
  uint64_t bits;
  int line;
};

/* The text must outlive the tokens. */
std::vector<Token> tokenize(std::string_view text);

}  // namespace softgpu::ptx

#endif
