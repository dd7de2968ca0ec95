#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

void check(long long n, int h, int w, int c, size_t shift, bool hostile) {
  const int out_h = (h - 1) / 2 + 1, out_w = (w - 1) / 2 + 1;
  const long long in = n * h * w * c, out = n * out_h * out_w * c;
  Floats values = coarse(in);
  if (hostile)
    for (float& value : values) {
      const unsigned dice = generator()() % 12;
      value = dice == 0 ? NAN : dice == 1 ? -INFINITY : -1 - value;
    }
  Floats want(out);
  Ints index_want(out);
  const Floats gradients = uniform(out);
  Floats dx_want(in);
  for (long long b = 0; b < n; ++b)
    for (int oy = 0; oy < out_h; ++oy)
      for (int ox = 0; ox < out_w; ++ox)
        for (int k = 0; k < c; ++k) {
          int winner = -1;
          float best = 0;
          for (int y = std::max(0, 2 * oy - 1); y <= std::min(h - 1, 2 * oy + 1); ++y)
            for (int x = std::max(0, 2 * ox - 1); x <= std::min(w - 1, 2 * ox + 1); ++x) {
              const float value = values[((b * h + y) * w + x) * c + k];
              if (winner >= 0 && !(value > best) && !(std::isnan(value) && !std::isnan(best)))
                continue;
              winner = y * w + x;
              best = value;
            }
          const long long at = ((b * out_h + oy) * out_w + ox) * c + k;
          want[at] = best;
          index_want[at] = winner;
          dx_want[(b * h * w + winner) * c + k] += gradients[at];
        }
  const std::string text = "max_pool " + std::to_string(h) + "x" + std::to_string(w) + " c " +
                           std::to_string(c) + (shift ? " misaligned" : "");
  const Extent block = {32, 8}, flat = {256};
  Array<float> x(values, shift), dy(gradients, shift);
  for (const unsigned cap : {65535u, 1u}) {
    Array<float> y(out, shift), y_naive(out, shift), dx(in, shift), dx_naive(in, shift);
    Array<int> index(out, shift), index_naive(out, shift);
    const Extent grid = {blocks(static_cast<long long>(out_w) * c, 128),
                         std::min(blocks(n * out_h, 8), cap)};
    launch("wisp_max_pool", grid, block, Pointer(x), Pointer(y), Pointer(index), n, h, w, c);
    launch("wisp_max_pool_naive", {blocks(out, 256)}, flat, Pointer(x), Pointer(y_naive),
           Pointer(index_naive), n, h, w, c);
    expect_equal(text, y.host(), want);
    expect_equal(text + " naive", y_naive.host(), want);
    expect_equal(text + " index", index.host(), index_want);
    expect_equal(text + " index, naive", index_naive.host(), index_want);
    launch("wisp_max_pool", grid, block, Pointer(x), Pointer(y_naive), kNull, n, h, w, c);
    expect_equal(text + " without index", y_naive.host(), want);
    launch("wisp_max_pool_backward",
           {blocks(static_cast<long long>(w) * c, 128), std::min(blocks(n * h, 8), cap)}, block,
           Pointer(dy), Pointer(index), Pointer(dx), n, h, w, c);
    launch("wisp_max_pool_backward_naive", {blocks(in, 256)}, flat, Pointer(dy), Pointer(index),
           Pointer(dx_naive), n, h, w, c);
    expect_equal(text + " backward", dx.host(), dx_want);
    expect_equal(text + " backward, naive", dx_naive.host(), dx_want);
  }
}

}  // namespace

void check_pooling(const std::string& folder) {
  load_module(folder + "/pooling.ptx");
  for (const size_t shift : {0, 1})
    for (const bool hostile : {false, true}) {
      check(1, 1, 1, 1, shift, hostile);
      check(1, 2, 2, 3, shift, hostile);
      check(2, 7, 5, 15, shift, hostile);
      check(1, 16, 17, 16, shift, hostile);
      check(3, 9, 11, 4, shift, hostile);
    }
}
