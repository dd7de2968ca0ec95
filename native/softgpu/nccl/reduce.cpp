#include <cstring>

#include "communicator.h"
#include "exec/half.h"

namespace softnccl {
namespace {

/* Every type is combined in a wider one (integers wrap). */
template <class Wide>
Wide combine(Wide a, Wide b, ncclRedOp_t op) {
  switch (op) {
    case ncclProd: return static_cast<Wide>(a * b);
    case ncclMax: return a > b || a != a ? a : b; /* NaN stays */
    case ncclMin: return a < b || a != a ? a : b;
    default: return static_cast<Wide>(a + b);
  }
}

template <class Stored, class Wide, class Read, class Write>
std::vector<uint8_t> fold(const std::vector<std::vector<uint8_t>>& inputs, ncclRedOp_t op, Read read, Write write) {
  std::vector<uint8_t> out(inputs[0].size());
  for (size_t at = 0; at < out.size(); at += sizeof(Stored)) {
    Wide sum{};
    for (size_t rank = 0; rank < inputs.size(); ++rank) {
      Stored stored;
      std::memcpy(&stored, &inputs[rank][at], sizeof stored);
      const Wide value = read(stored);
      sum = rank == 0 ? value : combine(sum, value, op);
    }
    if (op == ncclAvg) sum = static_cast<Wide>(sum / static_cast<Wide>(inputs.size()));
    const Stored stored = write(sum);
    std::memcpy(&out[at], &stored, sizeof stored);
  }
  return out;
}

template <class Stored, class Wide>
std::vector<uint8_t> fold(const std::vector<std::vector<uint8_t>>& inputs, ncclRedOp_t op) {
  return fold<Stored, Wide>(
      inputs, op, [](Stored s) { return static_cast<Wide>(s); }, [](Wide w) { return static_cast<Stored>(w); });
}

/* Signed sums and products wrap as unsigned ones; order and quotients are signed. */
template <class Stored>
std::vector<uint8_t> fold_signed(const std::vector<std::vector<uint8_t>>& inputs, ncclRedOp_t op) {
  return op == ncclSum || op == ncclProd ? fold<uint64_t, uint64_t>(inputs, op) : fold<Stored, __int128>(inputs, op);
}

}  // namespace

size_t bytes_of(ncclDataType_t type) {
  switch (type) {
    case ncclInt8:
    case ncclUint8: return 1;
    case ncclFloat16: return 2;
    case ncclInt32:
    case ncclUint32:
    case ncclFloat32: return 4;
    case ncclInt64:
    case ncclUint64:
    case ncclFloat64: return 8;
  }
  throw Refusal{ncclInvalidArgument, "a data type that is not supported"};
}

std::vector<uint8_t> reduce(const std::vector<std::vector<uint8_t>>& inputs, ncclDataType_t type, ncclRedOp_t op) {
  switch (type) {
    case ncclInt8: return fold<int8_t, int64_t>(inputs, op);
    case ncclUint8: return fold<uint8_t, uint64_t>(inputs, op);
    case ncclInt32: return fold<int32_t, int64_t>(inputs, op);
    case ncclUint32: return fold<uint32_t, uint64_t>(inputs, op);
    case ncclInt64: return fold_signed<int64_t>(inputs, op);
    case ncclUint64: return fold<uint64_t, uint64_t>(inputs, op);
    case ncclFloat16:
      return fold<uint16_t, double>(
          inputs, op, [](uint16_t h) { return static_cast<double>(softgpu::from_half(h)); },
          [](double d) { return softgpu::to_half(softgpu::to_odd(d)); });
    case ncclFloat32: return fold<float, double>(inputs, op);
    default: return fold<double, double>(inputs, op);
  }
}

}  // namespace softnccl
