#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "pillow.h"

#include "abi.h"

using namespace wisp;

namespace {

/* Cubic convolution with a = -0.5, as Pillow writes it: the order of operations decides bits. */
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/* Which inputs make each output of one axis, with weights of 22 fraction bits. */
struct Axis {
  std::vector<int32_t> starts, counts, weights;
  int64_t taps;

  Axis(int64_t in, int64_t out) : starts(out), counts(out) {
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    const double filter_scale = scale < 1.0 ? 1.0 : scale;
    const double support = 2.0 * filter_scale, inverse = 1.0 / filter_scale;
    taps = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
    weights.assign(static_cast<size_t>(product({out, taps})), 0);
    std::vector<double> exact(static_cast<size_t>(taps));
    for (int64_t o = 0; o < out; ++o) {
      const double centre = (static_cast<double>(o) + 0.5) * scale;
      int64_t begin = static_cast<int64_t>(centre - support + 0.5);
      int64_t end = static_cast<int64_t>(centre + support + 0.5);
      begin = begin < 0 ? 0 : begin;
      end = end > in ? in : end;
      double total = 0;
      for (int64_t t = 0; t < end - begin; ++t) {
        exact[t] = cubic((static_cast<double>(t + begin) - centre + 0.5) * inverse);
        total += exact[t];
      }
      for (int64_t t = 0; t < end - begin; ++t) {
        const double share = total != 0.0 ? exact[t] / total : exact[t];
        const double scaled = share * (1 << 22);
        weights[o * taps + t] = static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
      }
      starts[o] = static_cast<int32_t>(begin);
      counts[o] = static_cast<int32_t>(end - begin);
    }
  }
};

constexpr int64_t kLargestSide = 1 << 24;

void check_sizes(const void* source, int64_t h, int64_t w, int64_t c, const void* out,
                 int64_t out_h, int64_t out_w) {
  require(source != nullptr && out != nullptr, "needs source and out");
  for (int64_t size : {h, w, c, out_h, out_w}) {
    require(size >= 1 && size <= kLargestSide, "sizes must be in 1..2^24");
  }
  product({h, w, c});
  product({out_h, out_w, c});
}

}  // namespace

void wisp::pillow_bicubic(const Kernels& tier, const uint8_t* source, int64_t h, int64_t w,
                          int64_t c, uint8_t* out, int64_t out_h, int64_t out_w) {
  std::vector<uint8_t> between;
  const uint8_t* rows = source;
  if (out_w != w) {
    uint8_t* target = out;
    if (out_h != h) {
      between.resize(static_cast<size_t>(product({h, out_w, c})));
      target = between.data();
    }
    const Axis axis(w, out_w);
    tier.pillow_rows(source, h, w, c, out_w, axis.starts.data(), axis.counts.data(),
                     axis.weights.data(), axis.taps, target);
    rows = target;
  }
  if (out_h != h) {
    const Axis axis(h, out_h);
    tier.pillow_columns(rows, out_w * c, out_h, axis.starts.data(), axis.counts.data(),
                        axis.weights.data(), axis.taps, out);
  } else if (out_w == w) {
    std::memcpy(out, source, static_cast<size_t>(h * w * c));
  }
}

extern "C" {

int32_t wisp_pillow_bicubic(const uint8_t* source, int64_t h, int64_t w, int64_t c, uint8_t* out,
                            int64_t out_h, int64_t out_w) {
  return guarded("wisp_pillow_bicubic", [&] {
    check_sizes(source, h, w, c, out, out_h, out_w);
    pillow_bicubic(kernels(), source, h, w, c, out, out_h, out_w);
  });
}

int32_t wisp_pillow_nearest(const uint8_t* source, int64_t h, int64_t w, uint8_t* out,
                            int64_t out_h, int64_t out_w) {
  return guarded("wisp_pillow_nearest", [&] {
    check_sizes(source, h, w, 1, out, out_h, out_w);
    /* Pillow accumulates the position; a product would round differently. */
    const double step_x = static_cast<double>(w) / static_cast<double>(out_w);
    const double step_y = static_cast<double>(h) / static_cast<double>(out_h);
    std::vector<int64_t> column(static_cast<size_t>(out_w));
    double at = step_x * 0.5;
    for (int64_t x = 0; x < out_w; ++x, at += step_x) {
      column[x] = std::min(static_cast<int64_t>(at), w - 1);
    }
    at = step_y * 0.5;
    for (int64_t y = 0; y < out_h; ++y, at += step_y) {
      const uint8_t* row = source + std::min(static_cast<int64_t>(at), h - 1) * w;
      for (int64_t x = 0; x < out_w; ++x) out[y * out_w + x] = row[column[x]];
    }
  });
}
}
