/* Turning parsed statements into instructions of the executor. */
#ifndef SOFTGPU_PROGRAM_DECODE_H
#define SOFTGPU_PROGRAM_DECODE_H

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "program/program.h"

namespace softgpu {

/* What the statements of one function are decoded against. */
class FunctionScope {
 public:
  FunctionScope(Program& program, const ptx::Module& module, const ptx::Function& source,
                Function& out);

  Slot reg(int index) const { return registers_[static_cast<size_t>(index)]; }
  /* An array of 32 equal values of 1, 2, 4 or 8 bytes; a predicate has width 0. */
  Slot constant(uint64_t bits, unsigned width);
  Slot special(const std::string& name, int line);
  /* A register of the decoder's own. */
  Slot scratch(unsigned width);
  /* Operands and a number that live as long as the function. */
  const Slot* list(std::vector<Slot> slots);
  const int64_t* number(int64_t value);
  /* The condition code of add.cc and addc: one bit a lane. */
  Slot carry();

  Program& program;
  const ptx::Module& module;
  const ptx::Function& source;
  Function& out;
  /* Offset of each of the source's variables in its space. */
  std::vector<uint64_t> offsets;
  /* Module variables of .shared space. */
  const std::unordered_map<std::string, uint64_t>* shared = nullptr;

 private:
  Slot allocate(unsigned bytes);
  std::vector<Slot> registers_;
  std::map<std::pair<uint64_t, unsigned>, Slot> constants_;
  std::map<Special, Slot> specials_;
  Slot carry_ = kNoSlot;
};

/* One statement while it is decoded. Every modifier must be taken; what is left is refused. */
class Decode {
 public:
  Decode(FunctionScope& scope, const ptx::Statement& statement, Instr& out)
      : scope(scope), s(statement), out(out), modifiers(statement.modifiers) {}

  bool has(const std::string& modifier) const;
  bool take(const std::string& modifier);
  /* Takes the first type among the modifiers. */
  ptx::Type type();
  /* The last modifier that is a type, not taken; none if there is none. */
  ptx::Type last_type() const;
  /* Refuses modifiers that nobody took. */
  void finish() const;

  const ptx::Operand& operand(size_t n) const;
  /* A source of exactly this type's width: a register, a literal or the address of a variable. */
  Slot source(const ptx::Operand& o, ptx::Type type);
  Slot source(size_t n, ptx::Type type) { return source(operand(n), type); }
  /* A source whose register may be wider than the type, as ld, st and cvt allow; its width. */
  Slot wide_source(const ptx::Operand& o, ptx::Type type, unsigned& width);
  Slot dest(const ptx::Operand& o, ptx::Type type);
  Slot dest(size_t n, ptx::Type type) { return dest(operand(n), type); }
  Slot wide_dest(const ptx::Operand& o, ptx::Type type, unsigned& width);
  Slot predicate(const ptx::Operand& o, bool& negated);
  Slot predicate_dest(const ptx::Operand& o);
  /* Fills a, imm and flags from [base + offset]. */
  void address(const ptx::Operand& o, ptx::Space space);

  /* The address of a variable in its space; in a lane's own memory it counts from the activation. */
  struct Address {
    uint64_t value;
    bool frame_relative;
    ptx::Space space;
  };
  Address symbol(const ptx::Operand& o) const;

  void need_target(int sm) const;
  [[noreturn]] void unsupported(const std::string& why) const;
  [[noreturn]] void invalid(const std::string& why) const;
  /* "ld.global.v2.f32" */
  std::string name() const;

  FunctionScope& scope;
  const ptx::Statement& s;
  Instr& out;
  std::vector<std::string> modifiers;

 private:
  unsigned width_of(const ptx::Operand& o) const;
  Slot literal(const ptx::Operand& o, ptx::Type type);
};

/* Decodes a statement if it is of its kind; false: another one may. */
using Decoder = bool (*)(Decode&);
using Opcodes = std::unordered_map<std::string, std::vector<Decoder>>;

void add_integer_opcodes(Opcodes&);
void add_bit_opcodes(Opcodes&);
void add_float_opcodes(Opcodes&);
void add_approximate_opcodes(Opcodes&);
void add_half_opcodes(Opcodes&);
void add_compare_opcodes(Opcodes&);
void add_convert_opcodes(Opcodes&);
void add_move_opcodes(Opcodes&);
void add_memory_opcodes(Opcodes&);
void add_atomic_opcodes(Opcodes&);
void add_warp_opcodes(Opcodes&);
void add_matrix_opcodes(Opcodes&);
void add_copy_opcodes(Opcodes&);

/* Throws PtxError for a statement that no decoder takes. */
void decode_statement(FunctionScope& scope, const ptx::Statement& s, Instr& out);

}  // namespace softgpu

#endif
