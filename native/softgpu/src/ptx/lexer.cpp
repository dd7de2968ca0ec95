#include "ptx/lexer.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

namespace softgpu::ptx {
namespace {

bool begins_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || std::strchr("_$%", c); }
bool continues_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    while (skip_blanks()) tokens.push_back(next());
    tokens.push_back({Kind::end, "", 0, line_});
    return tokens;
  }

 private:
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  bool skip_blanks() {
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == '\n') {
        ++line_, ++pos_;
      } else if (std::isspace(static_cast<unsigned char>(c)) || c == '\0') {
        ++pos_;
      } else if (c == '/' && at(pos_ + 1) == '/') {
        while (pos_ < text_.size() && text_[pos_] != '\n') ++pos_;
      } else if (c == '/' && at(pos_ + 1) == '*') {
        const size_t close = text_.find("*/", pos_ + 2);
        if (close == std::string_view::npos) throw PtxError(line_, "comment without end");
        for (; pos_ < close + 2; ++pos_) line_ += text_[pos_] == '\n';
      } else {
        return true;
      }
    }
    return false;
  }

  Token token(Kind kind, size_t begin, uint64_t bits = 0) const {
    return {kind, text_.substr(begin, pos_ - begin), bits, line_};
  }

  Token next() {
    const size_t begin = pos_;
    const char c = text_[pos_];
    if (begins_word(c)) {
      do ++pos_;
      while (continues_word(at(pos_)));
      return token(Kind::word, begin);
    }
    if (c == '.' && (continues_word(at(pos_ + 1)))) {
      ++pos_;
      while (continues_word(at(pos_)) || (at(pos_) == ':' && at(pos_ + 1) == ':'))
        pos_ += at(pos_) == ':' ? 2 : 1;
      return token(Kind::dot, begin + 1);
    }
    if (std::isdigit(static_cast<unsigned char>(c))) return number();
    if (c == '"') {
      const size_t close = text_.find('"', pos_ + 1);
      if (close == std::string_view::npos) throw PtxError(line_, "string without end");
      pos_ = close;
      Token t = token(Kind::string, begin + 1);
      ++pos_;
      return t;
    }
    ++pos_;
    return token(Kind::punct, begin);
  }

  Token number() {
    const size_t begin = pos_;
    const char second = at(pos_ + 1);
    if (text_[pos_] == '0' && (second == 'f' || second == 'F' || second == 'd' || second == 'D')) {
      const bool single = second == 'f' || second == 'F';
      pos_ += 2;
      const uint64_t bits = digits(16);
      if (pos_ - begin != (single ? 10u : 18u)) throw PtxError(line_, "float literal of wrong length");
      return token(single ? Kind::single : Kind::floating, begin, bits);
    }
    if (text_[pos_] == '0' && (second == 'x' || second == 'X')) {
      pos_ += 2;
      return integer(begin, digits(16));
    }
    if (text_[pos_] == '0' && (second == 'b' || second == 'B')) {
      pos_ += 2;
      return integer(begin, digits(2));
    }
    size_t end = pos_;
    while (std::isdigit(static_cast<unsigned char>(at(end)))) ++end;
    if (at(end) == '.' || at(end) == 'e' || at(end) == 'E') {
      const std::string copy(text_.substr(pos_, 64));
      char* rest;
      const double value = std::strtod(copy.c_str(), &rest);
      pos_ += static_cast<size_t>(rest - copy.c_str());
      uint64_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      return token(Kind::floating, begin, bits);
    }
    return integer(begin, digits(text_[pos_] == '0' ? 8 : 10));
  }

  Token integer(size_t begin, uint64_t bits) {
    if (at(pos_) == 'U') ++pos_;
    if (continues_word(at(pos_))) throw PtxError(line_, "malformed number");
    return token(Kind::integer, begin, bits);
  }

  uint64_t digits(unsigned base) {
    uint64_t value = 0;
    for (;; ++pos_) {
      const char c = at(pos_);
      unsigned digit = base;
      if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
      if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a' + 10);
      if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A' + 10);
      if (digit >= base) return value;
      value = value * base + digit;
    }
  }

  std::string_view text_;
  size_t pos_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text) { return Lexer(text).run(); }

}  // namespace softgpu::ptx
