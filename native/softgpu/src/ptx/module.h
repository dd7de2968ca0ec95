/* A parsed PTX module: declarations and statements with their names resolved. */
#ifndef SOFTGPU_PTX_MODULE_H
#define SOFTGPU_PTX_MODULE_H

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ptx/lexer.h"
#include "ptx/types.h"

namespace softgpu::ptx {

enum class Space : uint8_t { none, global, constant, shared, local, param };

/* A declared variable of memory. An initialiser holds bytes, and the places where the address of
   another variable goes. */
struct Variable {
  std::string name;
  Space space;
  Type type;
  unsigned align;
  uint64_t bytes; /* 0: extern .shared array without a size */
  bool external;
  int line;
  std::vector<uint8_t> initial;
  struct Address {
    uint64_t at;
    std::string symbol;
    int64_t offset;
    bool generic;
  };
  std::vector<Address> addresses;
};

struct Register {
  std::string name;
  Type type;
};

struct Operand {
  enum Kind : uint8_t {
    reg,       /* index: of the function's registers */
    integer,   /* bits */
    single,    /* bits of a float */
    floating,  /* bits of a double */
    special,   /* text: "tid.x" */
    variable,  /* index: of the function's variables; offset */
    symbol,    /* text: a module variable or a function; offset */
    label,     /* text */
    vector,    /* parts */
    address,   /* [base + offset]: parts[0] is reg, variable, symbol or integer */
    sink,      /* _ */
    pair,      /* parts[0] | parts[1] */
    group,     /* ( a, b ): operands of a call */
  };
  Kind kind;
  bool negated = false; /* !%p */
  int index = -1;
  uint64_t bits = 0;
  int64_t offset = 0;
  std::string text{};
  std::vector<Operand> parts{};
};

struct Statement {
  std::string opcode;                 /* "ld" */
  std::vector<std::string> modifiers; /* "global", "v2", "f32" */
  std::vector<Operand> operands;
  int guard = -1; /* predicate register, or -1 */
  bool guard_negated = false;
  int line = 0;     /* of the PTX text */
  int location = 0; /* of Module::locations */
};

struct Function {
  std::string name;
  bool entry = false;
  bool defined = false;
  bool visible = false;
  int line = 0;
  std::vector<Register> registers;
  /* Parameters first (params of them), then return values (returns), then the body's variables. */
  std::vector<Variable> variables;
  unsigned params = 0, returns = 0;
  std::vector<Statement> body;
  std::unordered_map<std::string, size_t> labels; /* index into the body */
  std::unordered_map<std::string, std::vector<std::string>> branch_targets;
  std::unordered_map<std::string, bool> prototypes;
  std::array<unsigned, 3> max_threads{{0, 0, 0}}, required_threads{{0, 0, 0}};
};

struct Location {
  int file, line;
};

struct Module {
  int version = 0;     /* 88 for 8.8 */
  int target = 0;      /* 75 for sm_75 */
  std::string target_name;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::unordered_map<int, std::string> files;
  std::vector<Location> locations{{0, 0}}; /* [0]: unknown */
};

/* Throws PtxError. */
Module parse(std::string_view text);

}  // namespace softgpu::ptx

#endif
