#include "oracle.h"

namespace wisp_tests {
namespace {

struct Sizes {
  int64_t o, i, taps, from_block, to_block;
};

/* Blocks that divide the channels and blocks that leave a rest, fewer channels than a block. */
const Sizes kSizes[] = {{16, 16, 1, 16, 16},  {32, 48, 1, 16, 32},  {64, 32, 9, 64, 48},
                        {80, 16, 9, 48, 64},  {16, 112, 3, 64, 48}, {48, 64, 49, 32, 64},
                        {208, 32, 1, 64, 16}, {0, 16, 9, 16, 16}};

int64_t padded(int64_t n, int64_t block) { return (n + block - 1) / block * block; }

Check orders("weights_keep_their_values_in_every_order", [] {
  Random random(3);
  for (const Sizes& s : kSizes) {
    const int64_t o = s.o, i = s.i, taps = s.taps;
    Array<float> weight(o * i * taps), scale(o), packed(padded(o, s.from_block) * i * taps),
        turned(padded(i, s.to_block) * o * taps), tiles(o * i * taps), back(o * i * taps);
    random.fill(weight, -1, 1);
    random.fill(scale, 0.5f, 2);
    const auto value = [&](int64_t a, int64_t b, int64_t t, bool scaled) {
      const float w = weight[(a * i + b) * taps + t];
      return scaled ? w * scale[a] : w;
    };
    std::vector<float> in_blocks, in_turned, in_tiles;
    const auto pack = [&](bool scaled) {
      in_blocks.clear();
      for (int64_t a0 = 0; a0 < o; a0 += s.from_block)
        for (int64_t t = 0; t < taps; ++t)
          for (int64_t b = 0; b < i; ++b)
            for (int64_t a = a0; a < a0 + s.from_block; ++a)
              in_blocks.push_back(a < o ? value(a, b, t, scaled) : 0);
    };
    for (int64_t b0 = 0; b0 < i; b0 += s.to_block)
      for (int64_t t = 0; t < taps; ++t)
        for (int64_t a = 0; a < o; ++a)
          for (int64_t b = b0; b < b0 + s.to_block; ++b)
            in_turned.push_back(b < i ? value(a, b, t, true) : 0);
    for (int64_t a0 = 0; a0 < o; a0 += WISP_WEIGHT_TILE)
      for (int64_t b0 = 0; b0 < i; b0 += WISP_WEIGHT_TILE)
        for (int64_t t = 0; t < taps; ++t)
          for (int64_t b = b0; b < b0 + WISP_WEIGHT_TILE; ++b)
            for (int64_t a = a0; a < a0 + WISP_WEIGHT_TILE; ++a)
              in_tiles.push_back(value(a, b, t, false));
    each_way("weights", [&](const wisp::Kernels& kernels, const std::string& at, Bits&) {
      for (bool scaled : {false, true}) {
        pack(scaled);
        packed.fill(NAN);
        kernels.pack_weights(weight.get(), scaled ? scale.get() : nullptr, packed.get(), o, i, taps,
                             s.from_block);
        expect_same(packed.copy(), in_blocks, at + "packed weights");
      }
      turned.fill(NAN);
      kernels.turn_weights(packed.get(), turned.get(), o, i, taps, s.from_block, s.to_block);
      expect_same(turned.copy(), in_turned, at + "turned weights");
      for (int64_t n = 0; n < tiles.size(); ++n) tiles[n] = in_tiles[n];
      back.fill(NAN);
      kernels.unpack_tiles(tiles.get(), back.get(), o, i, taps);
      expect_same(back.copy(), weight.copy(), at + "unpacked weights");
    });
  }
});

Check refusals("orders_of_weights_refuse_what_they_cannot_tile", [] {
  float x[4] = {};
  expect_refused(wisp_pack_weights(x, nullptr, x, 16, 16, 1, 24), "a block of half a tile");
  expect_refused(wisp_pack_weights(x, nullptr, x, 20, 16, 1, 16), "20 output channels");
  expect_refused(wisp_pack_weights(nullptr, nullptr, x, 16, 16, 1, 16), "null");
  expect_refused(wisp_turn_weights(x, x, 16, 3, 1, 16, 16), "3 input channels");
  expect_refused(wisp_turn_weights(x, x, 16, 16, 1, 16, 0), "a block of 0");
  expect_refused(wisp_unpack_tiles(x, x, 16, 16, 0), "no taps");
  expect_refused(wisp_unpack_tiles(x, x, 16, INT64_MAX - 15, 16), "an absurd size");
});

}  // namespace
}  // namespace wisp_tests
