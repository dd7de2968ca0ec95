#include "ptx/types.h"

#include <unordered_map>

namespace softgpu::ptx {
namespace {

struct Entry {
  Type type;
  const char* name;
  unsigned bytes;
};

constexpr Entry kTypes[] = {
    {Type::none, "", 0},        {Type::pred, "pred", 0},    {Type::b8, "b8", 1},
    {Type::b16, "b16", 2},      {Type::b32, "b32", 4},      {Type::b64, "b64", 8},
    {Type::b128, "b128", 16},   {Type::u8, "u8", 1},        {Type::u16, "u16", 2},
    {Type::u32, "u32", 4},      {Type::u64, "u64", 8},      {Type::s8, "s8", 1},
    {Type::s16, "s16", 2},      {Type::s32, "s32", 4},      {Type::s64, "s64", 8},
    {Type::f16, "f16", 2},      {Type::f16x2, "f16x2", 4},  {Type::bf16, "bf16", 2},
    {Type::bf16x2, "bf16x2", 4}, {Type::tf32, "tf32", 4},   {Type::f32, "f32", 4},
    {Type::f64, "f64", 8},      {Type::u16x2, "u16x2", 4},  {Type::s16x2, "s16x2", 4},
};

const Entry& entry(Type type) { return kTypes[static_cast<int>(type)]; }

}  // namespace

Type type_of(const std::string& name) {
  static const auto* names = [] {
    auto* map = new std::unordered_map<std::string, Type>;
    for (const Entry& e : kTypes)
      if (e.type != Type::none) map->emplace(e.name, e.type);
    return map;
  }();
  const auto found = names->find(name);
  return found == names->end() ? Type::none : found->second;
}

const char* type_name(Type type) { return entry(type).name; }
unsigned bytes_of(Type type) { return entry(type).bytes; }

bool is_float(Type type) { return type >= Type::f16 && type <= Type::f64; }

bool is_signed(Type type) { return type >= Type::s8 && type <= Type::s64; }

}  // namespace softgpu::ptx
