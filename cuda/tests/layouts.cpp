#include <cmath>
#include <cstring>

#include "check.h"
#include "device.h"
#include "half.h"

namespace {

constexpr Extent kFlat = {256};

std::string text(const char* kernel, long long a, long long b, long long c) {
  return std::string(kernel) + " " + std::to_string(a) + "x" + std::to_string(b) + "x" +
         std::to_string(c);
}

void transpose(long long batch, long long rows, long long columns) {
  const Floats values = uniform(batch * rows * columns);
  Array<float> source(values), turned(values.size()), naive(values.size());
  const unsigned tiles = blocks(rows, 32) * blocks(columns, 32);
  launch("wisp_transpose", {static_cast<unsigned>(batch) * tiles}, kFlat, Pointer(source),
         Pointer(turned), batch, rows, columns);
  launch("wisp_transpose_naive", {blocks(values.size(), 256)}, kFlat, Pointer(source),
         Pointer(naive), batch, rows, columns);
  Floats want(values.size());
  for (long long b = 0; b < batch; ++b)
    for (long long r = 0; r < rows; ++r)
      for (long long c = 0; c < columns; ++c)
        want[(b * columns + c) * rows + r] = values[(b * rows + r) * columns + c];
  expect_equal(text("transpose", batch, rows, columns), turned.host(), want);
  expect_equal(text("transpose_naive", batch, rows, columns), naive.host(), want);
}

/* act(product + bias + residual) in float32, over [n, positions, channels]. */
Floats finished(const Floats& product, const Floats& bias, const Floats& residual, int channels,
                bool relu) {
  Floats want(product);
  for (size_t at = 0; at < want.size(); ++at) {
    if (!bias.empty()) want[at] += bias[at % channels];
    if (!residual.empty()) want[at] += residual[at];
    if (relu && want[at] <= 0) want[at] = 0;
  }
  return want;
}

Pointer pointer(const Array<float>& array, bool there) { return there ? Pointer(array) : kNull; }

/* All of bias, residual and ReLU, or none; the result apart and in the residual's place. */
void finish(long long n, long long positions, int channels, bool all, size_t shift) {
  const long long count = n * positions * channels, rows = n * positions;
  const int relu = all;
  Floats values = uniform(count), rest = uniform(all ? count : 0), add = uniform(all ? channels : 0);
  values[count / 2] = NAN;
  Floats planar(count);
  for (long long image = 0; image < n; ++image)
    for (long long p = 0; p < positions; ++p)
      for (int c = 0; c < channels; ++c)
        planar[(image * channels + c) * positions + p] =
            values[(image * positions + p) * channels + c];
  const Floats want = finished(values, add, rest, channels, relu);
  const unsigned tiles =
      static_cast<unsigned>(n) * blocks(positions, 32) * blocks(channels, 32);
  Array<float> bias(add), product(values, shift), turned(planar);
  for (const bool naive : {false, true})
    for (const bool in_place : {false, true}) {
      const std::string suffix = std::string(naive ? "_naive" : "") + (in_place ? ", in place" : "");
      {
        Array<float> residual(rest, shift), y(count, shift);
        const Pointer to = !in_place ? Pointer(y) : all ? Pointer(residual) : Pointer(product);
        launch(naive ? "wisp_conv_finish_naive" : "wisp_conv_finish",
               {blocks(count, naive ? 256 : 1024)}, kFlat, Pointer(product), pointer(bias, all),
               pointer(residual, all), to, rows, channels, relu);
        expect_equal(text("conv_finish", n, positions, channels) + suffix,
                     !in_place ? y.host() : all ? residual.host() : product.host(), want);
      }
      if (in_place && !all) continue;
      Array<float> residual(rest), y(count);
      launch(naive ? "wisp_conv_finish_planar_naive" : "wisp_conv_finish_planar",
             {naive ? blocks(count, 256) : tiles}, kFlat, Pointer(turned), pointer(bias, all),
             pointer(residual, all), in_place ? Pointer(residual) : Pointer(y), n, positions,
             channels, relu);
      expect_equal(text("conv_finish_planar", n, positions, channels) + suffix,
                   in_place ? residual.host() : y.host(), want);
    }
}

void half(size_t shift) {
  Floats values = uniform(1021, -3, 3);
  const float special[] = {0.0f,     -0.0f,   1e-9f,    -2.98023224e-8f, 6e-8f,   -1e-5f,   65504.0f,
                           65519.9f, 65520.0f, -7e4f,   INFINITY,        -INFINITY, 2049.0f, 2051.0f};
  std::memcpy(values.data(), special, sizeof special);
  const long long n = values.size();
  Array<float> source(values, shift), back(n, shift), back_naive(n);
  Array<unsigned short> target(n, shift), naive(n);
  launch("wisp_to_half", {blocks(n, 1024)}, kFlat, Pointer(source), Pointer(target), n);
  launch("wisp_to_half_naive", {blocks(n, 256)}, kFlat, Pointer(source), Pointer(naive), n);
  launch("wisp_from_half", {blocks(n, 1024)}, kFlat, Pointer(target), Pointer(back), n);
  launch("wisp_from_half_naive", {blocks(n, 256)}, kFlat, Pointer(naive), Pointer(back_naive), n);
  const auto bits = target.host(), bits_naive = naive.host();
  const Ints got(bits.begin(), bits.end()), got_naive(bits_naive.begin(), bits_naive.end());
  Ints want;
  Floats wide;
  for (const float value : values) {
    want.push_back(nearest(value));
    wide.push_back(static_cast<float>(widened(want.back())));
  }
  expect_equal("to_half", got, want);
  expect_equal("to_half_naive", got_naive, want);
  expect_equal("from_half", back.host(), wide);
  expect_equal("from_half_naive", back_naive.host(), wide);

  for (const int channels : {11, 12}) {
    const long long positions = n / channels;
    const size_t count = positions * channels;
    const Floats product(wide.begin(), wide.begin() + count), rest = uniform(count),
                 add = uniform(channels);
    const Floats sums = finished(product, add, rest, channels, true);
    for (const bool slow : {false, true}) {
      Array<float> bias(add), residual(rest, shift);
      launch(slow ? "wisp_conv_finish_half_naive" : "wisp_conv_finish_half",
             {blocks(count, slow ? 256 : 1024)}, kFlat, Pointer(target), Pointer(bias),
             Pointer(residual), Pointer(residual), positions, channels, 1);
      expect_equal(slow ? "conv_finish_half_naive" : "conv_finish_half", residual.host(), sums);
    }
  }
}

}  // namespace

void check_layouts(const std::string& folder) {
  load_module(folder + "/convolution_layout.ptx");
  const long long sizes[][3] = {{1, 1, 1},   {3, 9, 64},  {2, 31, 33}, {1, 32, 32},
                                {5, 100, 3}, {2, 65, 70}, {1, 1, 130}};
  for (const auto& size : sizes) {
    transpose(size[0], size[1], size[2]);
    for (const bool all : {false, true})
      for (const size_t shift : {0, 1})
        finish(size[0], size[1], static_cast<int>(size[2]), all, shift);
  }
  load_module(folder + "/half.ptx");
  for (const size_t shift : {0, 1}) half(shift);
}
