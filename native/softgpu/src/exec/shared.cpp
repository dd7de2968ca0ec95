#include "exec/shared.h"

#include <algorithm>

namespace softgpu {

void SharedMemory::prepare(const Function& kernel, uint32_t dynamic_bytes) {
  const uint64_t size = kernel.dynamic_base + dynamic_bytes;
  grain = kernel.shared_grain;
  bytes.assign((size + 15) / 16 * 16, 0);
  const uint64_t unit = 1ull << grain, count = (bytes.size() + unit - 1) / unit;
  write_epoch.assign(count, kOutside);
  for (auto* field : {&written_by, &read_epoch, &read_by}) field->assign(count, 0);
  epoch = first_epoch = 0;
  auto open = [&](uint64_t offset, uint64_t length) {
    for (uint64_t c = offset >> grain; c < (offset + length + unit - 1) >> grain; ++c) write_epoch[c] = 0;
  };
  for (const SharedVariable& v : kernel.shared) open(v.offset, v.bytes);
  open(kernel.dynamic_base, dynamic_bytes);
}

std::string describe_shared(const Function& kernel, uint32_t dynamic_bytes, uint64_t offset) {
  const std::string at = "shared offset " + std::to_string(offset) + ": ";
  auto inside = [&](const std::string& name, uint64_t bytes, uint64_t begin) {
    return at + "byte " + std::to_string(offset - begin) + " of " + name + " (" +
           std::to_string(bytes) + " bytes)";
  };
  if (dynamic_bytes && offset - kernel.dynamic_base < dynamic_bytes)
    return inside("the dynamic shared memory", dynamic_bytes, kernel.dynamic_base);
  const SharedVariable* before = nullptr;
  for (const SharedVariable& v : kernel.shared) {
    if (offset - v.offset < v.bytes) return inside("'" + v.name + "'", v.bytes, v.offset);
    if (v.offset <= offset && (!before || v.offset > before->offset)) before = &v;
  }
  if (offset >= kernel.dynamic_base)
    return at + std::to_string(offset - kernel.dynamic_base - dynamic_bytes) + " bytes behind the " +
           std::to_string(dynamic_bytes) + " bytes of dynamic shared memory";
  if (before)
    return at + std::to_string(offset - before->offset - before->bytes) + " bytes behind '" +
           before->name + "' (" + std::to_string(before->bytes) + " bytes)";
  return at + "no variable is there";
}

}  // namespace softgpu
