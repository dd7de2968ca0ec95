/* The types of PTX operands. */
#ifndef SOFTGPU_PTX_TYPES_H
#define SOFTGPU_PTX_TYPES_H

#include <cstdint>
#include <string>

namespace softgpu::ptx {

enum class Type : uint8_t {
  none, pred,
  b8, b16, b32, b64, b128,
  u8, u16, u32, u64,
  s8, s16, s32, s64,
  f16, f16x2, bf16, bf16x2, tf32, f32, f64,
  u16x2, s16x2,
};

/* Type::none for a name that is no type. */
Type type_of(const std::string& name);
const char* type_name(Type type);
/* 0 for predicates. */
unsigned bytes_of(Type type);
bool is_float(Type type);
bool is_signed(Type type);

}  // namespace softgpu::ptx

#endif
