/* Pillow's resizing against its formula. */
#include <algorithm>

#include "oracle.h"
#include "pillow.h"

namespace wisp_tests {
namespace {

double cubic(double x) {
  x = std::fabs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/* One pass along the middle axis of [outer, in, inner]. */
std::vector<uint8_t> pass(const std::vector<uint8_t>& source, int64_t outer, int64_t in,
                          int64_t inner, int64_t out) {
  std::vector<uint8_t> result(outer * out * inner);
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::fmax(scale, 1), support = 2 * stretch;
  for (int64_t o = 0; o < out; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * scale;
    const int64_t begin = std::max<int64_t>(0, static_cast<int64_t>(centre - support + 0.5));
    const int64_t end = std::min(in, static_cast<int64_t>(centre + support + 0.5));
    double total = 0;
    for (int64_t t = begin; t < end; ++t) {
      total += cubic((static_cast<double>(t) - centre + 0.5) * (1 / stretch));
    }
    for (int64_t a = 0; a < outer; ++a)
      for (int64_t b = 0; b < inner; ++b) {
        int64_t sum = 1 << 21;
        for (int64_t t = begin; t < end; ++t) {
          const double weight =
              cubic((static_cast<double>(t) - centre + 0.5) * (1 / stretch)) / total * (1 << 22);
          sum += static_cast<int64_t>(weight < 0 ? weight - 0.5 : weight + 0.5) *
                 source[(a * in + t) * inner + b];
        }
        result[(a * out + o) * inner + b] =
            static_cast<uint8_t>(std::min<int64_t>(255, std::max<int64_t>(0, sum >> 22)));
      }
  }
  return result;
}

void bicubic(int64_t h, int64_t w, int64_t c, int64_t out_h, int64_t out_w, Random& random) {
  const std::string name = "bicubic " + std::to_string(h) + "x" + std::to_string(w) + "x" +
                           std::to_string(c) + " to " + std::to_string(out_h) + "x" +
                           std::to_string(out_w);
  Array<uint8_t> source(h * w * c), out(out_h * out_w * c);
  for (int64_t i = 0; i < source.size(); ++i) source[i] = static_cast<uint8_t>(random.below(256));
  std::vector<uint8_t> expected = source.copy();
  if (out_w != w) expected = pass(expected, h, w, c, out_w);
  if (out_h != h) expected = pass(expected, 1, h, out_w * c, out_h);
  each_way(name, [&](const wisp::Kernels& kernels, const std::string& at, Bits&) {
    out.fill(77);
    wisp::pillow_bicubic(kernels, source.get(), h, w, c, out.get(), out_h, out_w);
    expect_same(out.copy(), expected, at);
  });
  expect(wisp_pillow_bicubic(source.get(), h, w, c, out.get(), out_h, out_w) == WISP_OK, name);
}

void nearest(int64_t h, int64_t w, int64_t out_h, int64_t out_w) {
  const std::string name = "nearest " + std::to_string(h) + "x" + std::to_string(w);
  Array<uint8_t> source(h * w), out(out_h * out_w);
  for (int64_t i = 0; i < source.size(); ++i) source[i] = static_cast<uint8_t>(i * 7);
  expect(wisp_pillow_nearest(source.get(), h, w, out.get(), out_h, out_w) == WISP_OK, name);
  for (int64_t y = 0; y < out_h; ++y)
    for (int64_t x = 0; x < out_w; ++x) {
      const int64_t row = (2 * y + 1) * h / (2 * out_h), col = (2 * x + 1) * w / (2 * out_w);
      expect(out[y * out_w + x] == source[row * w + col], name);
    }
}

Check pillow_check("pillow", [] {
  Random random(7);
  const int64_t sizes[][5] = {
      {1, 1, 3, 1, 1},   {1, 1, 3, 9, 7},    {9, 7, 3, 1, 1},    {13, 21, 3, 22, 43},
      {40, 64, 3, 20, 64}, {40, 64, 3, 40, 31}, {61, 67, 3, 11, 5}, {17, 19, 1, 23, 29},
      {17, 19, 4, 8, 90}, {5, 3, 2, 5, 3},
  };
  for (const auto& s : sizes) bicubic(s[0], s[1], s[2], s[3], s[4], random);
  /* Sizes whose scale is exact in binary: the accumulated position has no rounding. */
  nearest(8, 6, 4, 3);
  nearest(3, 5, 12, 20);
  nearest(1, 1, 3, 3);
  nearest(7, 9, 7, 9);
  uint8_t byte = 0;
  expect_refused(wisp_pillow_bicubic(nullptr, 1, 1, 1, &byte, 1, 1), "wisp_pillow_bicubic");
  expect_refused(wisp_pillow_bicubic(&byte, 0, 1, 1, &byte, 1, 1), "wisp_pillow_bicubic");
  expect_refused(wisp_pillow_bicubic(&byte, 1, 1, 1, &byte, 1, INT64_MAX), "wisp_pillow_bicubic");
  expect_refused(wisp_pillow_nearest(&byte, 1, -1, &byte, 1, 1), "wisp_pillow_nearest");
});

}  // namespace
}  // namespace wisp_tests
