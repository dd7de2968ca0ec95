/*
 * Runs one instruction over many operands and compares each result with a function of the host. The
 * kernel is launched with 96 threads a block and a guard, so that whole and partial warps are used.
 */
#ifndef SOFTGPU_TESTS_INSTRUCTIONS_H
#define SOFTGPU_TESTS_INSTRUCTIONS_H

#include <cstring>
#include <functional>

#include "harness.h"

namespace softgpu_tests {

/* Register types: 'h' b16, 'r' b32, 'd' b64, 'f' f32, 'F' f64, 'p' predicate (result only). Operands
   are passed as bits. */
using Host = std::function<uint64_t(uint64_t, uint64_t, uint64_t)>;

struct Operands {
  uint64_t a, b, c;
};

/* Integers of every size and sign, shift counts and bit patterns. */
std::vector<Operands> integer_operands();
/* Floats: ordinary ones, zeros, infinities, NaN, subnormals; of float or double. */
std::vector<Operands> float_operands();
std::vector<Operands> double_operands();

/* `types`: of the result, then of the sources, e.g. "rrr" for add.s32 d, a, b. `statement`: with
   %d, %a, %b, %c for the registers. Floats must be equal in bits, or both no numbers; within `ulps`
   units in the last place where given. */
void check_instruction(const std::string& statement, const std::string& types,
                       const std::vector<Operands>& operands, const Host& host, unsigned ulps = 0,
                       int target = 75);

template <class To, class From>
To bits_as(From from) {
  To to{};
  std::memcpy(&to, &from, sizeof to < sizeof from ? sizeof to : sizeof from);
  return to;
}
inline float f32(uint64_t bits) { return bits_as<float>(static_cast<uint32_t>(bits)); }
inline double f64(uint64_t bits) { return bits_as<double>(bits); }
inline uint64_t bits(float value) { return bits_as<uint32_t>(value); }
inline uint64_t bits(double value) { return bits_as<uint64_t>(value); }

}  // namespace softgpu_tests

#endif
