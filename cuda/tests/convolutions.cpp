#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kFlat = {256};

struct Case {
  int in, out, kernel, stride, padding, dilation;
  long long n;
  int h, w;

  int size(int axis) const {
    return (axis + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
  }
};

/* Calls use(input position, output position, tap) for every product of positions. */
template <class Use>
void each_product(const Case& s, const Use& use) {
  for (long long b = 0; b < s.n; ++b)
    for (int oy = 0; oy < s.size(s.h); ++oy)
      for (int ox = 0; ox < s.size(s.w); ++ox)
        for (int tap = 0; tap < s.kernel * s.kernel; ++tap) {
          const int y = oy * s.stride - s.padding + tap / s.kernel * s.dilation;
          const int x = ox * s.stride - s.padding + tap % s.kernel * s.dilation;
          if (y < 0 || y >= s.h || x < 0 || x >= s.w) continue;
          use((b * s.h + y) * s.w + x, (b * s.size(s.h) + oy) * s.size(s.w) + ox, tap);
        }
}

std::string text(const char* operation, const Case& s) {
  return std::string(operation) + " " + std::to_string(s.in) + "->" + std::to_string(s.out) +
         " kernel " + std::to_string(s.kernel) + " stride " + std::to_string(s.stride) +
         " dilation " + std::to_string(s.dilation) + ", " + std::to_string(s.h) + "x" +
         std::to_string(s.w);
}

/* Numbers in float and what that leaves of them, [2, channels]. */
Floats folded_scales(long long channels) {
  Floats scales = uniform(channels, 0.5f, 2);
  for (float rest : uniform(channels)) scales.push_back(rest * 0x1p-25f);
  return scales;
}

void load_weights(const Case& s) {
  const long long out = s.out, in = s.in, taps = s.kernel * s.kernel;
  const Floats values = uniform(out * in * taps), scales = folded_scales(out);
  Array<float> weight(values), scale(scales), packed(values.size()), plain(values.size());
  const Extent grid = {blocks(out * in * taps, 256)};
  launch("wisp_load_weights", grid, kFlat, Pointer(weight), Pointer(scale), Pointer(packed), out,
         in, taps);
  launch("wisp_load_weights", grid, kFlat, Pointer(weight), kNull, Pointer(plain), out, in, taps);
  Floats want(values.size()), plain_want(values.size());
  for (long long o = 0; o < out; ++o)
    for (long long i = 0; i < in; ++i)
      for (long long t = 0; t < taps; ++t) {
        plain_want[(o * taps + t) * in + i] = values[(o * in + i) * taps + t];
        const double scale = static_cast<double>(scales[o]) + scales[out + o];
        want[(o * taps + t) * in + i] =
            static_cast<float>(values[(o * in + i) * taps + t] * scale);
      }
  expect_equal(text("load_weights", s), packed.host(), want);
  expect_equal(text("load_weights without scale", s), plain.host(), plain_want);
}

/* packed: [out, taps, in], here and below. */
void forward(const Case& s, bool fused) {
  const int out_h = s.size(s.h), out_w = s.size(s.w), taps = s.kernel * s.kernel, relu = fused;
  const long long in = s.n * s.h * s.w, out = s.n * out_h * out_w;
  const Floats filters = uniform(static_cast<size_t>(s.out) * taps * s.in, -0.2f, 0.2f),
               values = uniform(in * s.in), biases = uniform(s.out), extra = uniform(out * s.out);
  Array<float> packed(filters), x(values), bias(biases), residual(extra), y(out * s.out),
      y_naive(out * s.out);
  const auto run = [&](const char* kernel, Extent grid, Pointer rest, Pointer to) {
    launch(kernel, grid, kFlat, Pointer(x), Pointer(packed), fused ? Pointer(bias) : kNull, rest,
           to, s.n, s.h, s.w, s.in, out_h, out_w, s.out, s.kernel, s.stride, s.padding, s.dilation,
           relu);
  };
  const Extent tiles = {blocks(out, 64), blocks(s.out, 64)};
  const Pointer rest = fused ? Pointer(residual) : kNull;
  run("wisp_conv_forward", tiles, rest, y);
  run("wisp_conv_forward_naive", {blocks(out * s.out, 256)}, rest, y_naive);
  Doubles exact(out * s.out);
  each_product(s, [&](long long from, long long to, int tap) {
    for (int o = 0; o < s.out; ++o)
      for (int i = 0; i < s.in; ++i)
        exact[to * s.out + o] +=
            static_cast<double>(values[from * s.in + i]) * filters[(o * taps + tap) * s.in + i];
  });
  for (size_t at = 0; fused && at < exact.size(); ++at)
    exact[at] = std::max(0.0, exact[at] + biases[at % s.out] + extra[at]);
  expect_close(text("conv_forward", s), y.host(), y_naive.host(), exact);
  expect_equal(text("conv_forward beside its sibling", s), y.host(), y_naive.host());
  if (!fused) return;
  run("wisp_conv_forward", tiles, residual, residual);
  expect_equal(text("conv_forward in place of its residual", s), residual.host(), y.host());
}

void backward_data(const Case& s) {
  const int out_h = s.size(s.h), out_w = s.size(s.w), taps = s.kernel * s.kernel;
  const long long in = s.n * s.h * s.w, out = s.n * out_h * out_w;
  const Floats filters = uniform(static_cast<size_t>(s.out) * taps * s.in, -0.2f, 0.2f),
               gradients = uniform(out * s.out);
  Array<float> packed(filters), dy(gradients), dx(in * s.in), dx_naive(in * s.in);
  const auto run = [&](const char* kernel, Extent grid, Pointer to) {
    launch(kernel, grid, kFlat, Pointer(dy), Pointer(packed), to, s.n, s.h, s.w, s.in, out_h,
           out_w, s.out, s.kernel, s.stride, s.padding, s.dilation);
  };
  run("wisp_conv_backward_data", {blocks(in, 64), blocks(s.in, 64)}, dx);
  run("wisp_conv_backward_data_naive", {blocks(in * s.in, 256)}, dx_naive);
  Doubles exact(in * s.in);
  each_product(s, [&](long long from, long long to, int tap) {
    for (int o = 0; o < s.out; ++o)
      for (int i = 0; i < s.in; ++i)
        exact[from * s.in + i] +=
            static_cast<double>(gradients[to * s.out + o]) * filters[(o * taps + tap) * s.in + i];
  });
  expect_close(text("conv_backward_data", s), dx.host(), dx_naive.host(), exact);
  expect_equal(text("conv_backward_data beside its sibling", s), dx.host(), dx_naive.host());
}

void backward_weights(const Case& s, int most_splits) {
  const int out_h = s.size(s.h), out_w = s.size(s.w), taps = s.kernel * s.kernel;
  const long long in = s.n * s.h * s.w, out = s.n * out_h * out_w;
  const long long columns = static_cast<long long>(taps) * s.in, weights = columns * s.out;
  const unsigned wide = blocks(columns, 64), high = blocks(s.out, 64);
  const int splits =
      std::max(1, std::min(most_splits / static_cast<int>(wide * high), static_cast<int>(out)));
  const Floats values = uniform(in * s.in), gradients = uniform(out * s.out);
  Array<float> x(values), dy(gradients), sums(splits * weights), sums_naive(splits * weights),
      dw(weights), dw_naive(weights), db(s.out), db_naive(s.out);
  const auto run = [&](const char* kernel, Extent grid, Pointer to) {
    launch(kernel, grid, kFlat, Pointer(x), Pointer(dy), to, s.n, s.h, s.w, s.in, out_h, out_w,
           s.out, s.kernel, s.stride, s.padding, s.dilation, splits);
  };
  run("wisp_conv_backward_weights_sums", {wide, high, static_cast<unsigned>(splits)}, sums);
  run("wisp_conv_backward_weights_sums_naive", {blocks(splits * weights, 256)}, sums_naive);
  expect_equal(text("conv_backward_weights_sums beside its sibling", s), sums.host(),
               sums_naive.host());
  const long long out_channels = s.out, in_channels = s.in, window = taps;
  for (const bool naive : {false, true})
    launch("wisp_conv_backward_weights", {blocks(weights, 256)}, kFlat,
           Pointer(naive ? sums_naive : sums), Pointer(naive ? dw_naive : dw), out_channels,
           in_channels, window, splits);
  Doubles exact(weights), bias_exact(s.out);
  each_product(s, [&](long long from, long long to, int tap) {
    for (long long o = 0; o < s.out; ++o)
      for (int i = 0; i < s.in; ++i)
        exact[(o * s.in + i) * taps + tap] +=
            static_cast<double>(gradients[to * s.out + o]) * values[from * s.in + i];
  });
  for (size_t at = 0; at < gradients.size(); ++at) bias_exact[at % s.out] += gradients[at];
  expect_close(text("conv_backward_weights", s), dw.host(), dw_naive.host(), exact);

  const long long chunks = std::min<long long>(most_splits, blocks(out, 256));
  Array<double> bias_sums(chunks * s.out), bias_sums_naive(chunks * s.out);
  launch("wisp_conv_backward_bias_sums", {static_cast<unsigned>(chunks) * blocks(s.out, 32)},
         {32, 8}, Pointer(dy), Pointer(bias_sums), out, out_channels, chunks);
  launch("wisp_conv_backward_bias_sums_naive", {blocks(chunks * s.out, 256)}, kFlat, Pointer(dy),
         Pointer(bias_sums_naive), out, out_channels, chunks);
  for (const bool naive : {false, true})
    launch("wisp_conv_backward_bias", {blocks(s.out, 256)}, kFlat,
           Pointer(naive ? bias_sums_naive : bias_sums), Pointer(naive ? db_naive : db),
           out_channels, chunks);
  expect_close(text("conv_backward_bias", s), db.host(), db_naive.host(), bias_exact);
}

}  // namespace

void check_convolutions(const std::string& folder) {
  const Case cases[] = {
      {1, 1, 1, 1, 0, 1, 1, 1, 1},     {3, 5, 1, 1, 0, 1, 1, 1, 1},
      {15, 17, 1, 1, 0, 1, 2, 7, 5},   {80, 64, 1, 1, 0, 1, 1, 13, 9},
      {17, 15, 1, 2, 0, 1, 3, 9, 11},  {64, 70, 1, 1, 0, 1, 1, 13, 7},
      {1, 1, 3, 1, 1, 1, 1, 1, 1},     {3, 20, 3, 1, 0, 1, 1, 3, 7},
      {16, 16, 3, 1, 1, 1, 1, 13, 11}, {15, 17, 3, 2, 1, 1, 2, 15, 16},
      {8, 8, 3, 1, 2, 2, 3, 9, 6},     {4, 4, 3, 1, 6, 6, 1, 5, 5},
      {70, 33, 3, 1, 1, 1, 1, 5, 6},   {3, 16, 7, 2, 3, 1, 2, 17, 19},
      {2, 3, 3, 3, 1, 2, 2, 11, 8},
  };
  load_module(folder + "/convolution_forward.ptx");
  for (const Case& s : cases) {
    load_weights(s);
    forward(s, false);
    forward(s, true);
  }
  load_module(folder + "/convolution_backward_data.ptx");
  for (const Case& s : cases) backward_data(s);
  load_module(folder + "/convolution_backward_weights.ptx");
  for (const Case& s : cases)
    for (const int most_splits : {1, 12}) backward_weights(s, most_splits);
}
