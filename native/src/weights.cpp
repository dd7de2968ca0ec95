#include "abi.h"

using namespace wisp;

namespace {

void require_sizes(int64_t o, int64_t i, int64_t taps, std::initializer_list<int64_t> blocks) {
  product({o, i, taps});
  require(taps > 0, "taps must be positive");
  require(o % WISP_WEIGHT_TILE == 0 && i % WISP_WEIGHT_TILE == 0,
          "channels must be multiples of the tile");
  for (int64_t block : blocks) {
    require(block > 0 && block <= 4096 && block % WISP_WEIGHT_TILE == 0,
            "a block must be a multiple of the tile, up to 4096");
  }
}

}  // namespace

extern "C" {

int32_t wisp_pack_weights(const float* weight, const float* scale, float* packed, int64_t o,
                          int64_t i, int64_t taps, int64_t block) {
  return guarded("wisp_pack_weights", [&] {
    require_pointers(weight, packed);
    require_sizes(o, i, taps, {block});
    kernels().pack_weights(weight, scale, packed, o, i, taps, block);
  });
}

int32_t wisp_turn_weights(const float* packed, float* turned, int64_t o, int64_t i, int64_t taps,
                          int64_t from_block, int64_t to_block) {
  return guarded("wisp_turn_weights", [&] {
    require_pointers(packed, turned);
    require_sizes(o, i, taps, {from_block, to_block});
    kernels().turn_weights(packed, turned, o, i, taps, from_block, to_block);
  });
}

int32_t wisp_unpack_tiles(const float* tiles, float* weight, int64_t o, int64_t i, int64_t taps) {
  return guarded("wisp_unpack_tiles", [&] {
    require_pointers(tiles, weight);
    require_sizes(o, i, taps, {});
    kernels().unpack_tiles(tiles, weight, o, i, taps);
  });
}
}
