#include <cmath>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kBlock = {256};

std::string sizes(std::initializer_list<long long> values) {
  std::string text;
  for (const long long value : values) text += " " + std::to_string(value);
  return text;
}

void spatial_mean(long long n, long long positions, long long c) {
  const Floats values = uniform(n * positions * c, -1, 3);
  Array<float> x(values), fast(n * c), naive(n * c);
  launch("wisp_spatial_mean", {static_cast<unsigned>(n) * blocks(c, 32)}, {32, 16}, Pointer(x),
         Pointer(fast), n, positions, c);
  launch("wisp_spatial_mean_naive", {blocks(n * c, 256)}, kBlock, Pointer(x), Pointer(naive), n,
         positions, c);
  Doubles exact(n * c);
  for (long long i = 0; i < n * positions * c; ++i)
    exact[i / (positions * c) * c + i % c] += values[i] / static_cast<double>(positions);
  const std::string text = "spatial_mean" + sizes({n, positions, c});
  expect_close(text, fast.host(), naive.host(), exact);

  Array<float> dx(values);
  launch("wisp_spatial_mean_backward", {blocks(n * positions * c, 256)}, kBlock, Pointer(fast),
         Pointer(dx), n, positions, c);
  const Floats means = fast.host();
  Floats want = values;
  for (long long i = 0; i < n * positions * c; ++i)
    want[i] += means[i / (positions * c) * c + i % c] / static_cast<float>(positions);
  expect_equal(text + " backward", dx.host(), want);
}

void soft_margin_loss(long long elements, float range, bool gradient) {
  const Floats scores = uniform(elements, -range, range);
  Floats labels(elements);
  for (float& label : labels) label = generator()() % 2 ? 1.0f : 0.0f;
  Array<float> score(scores), label(labels), loss(1), naive_loss(1), d_score(elements),
      naive_d_score(elements);
  launch("wisp_soft_margin_loss", {1}, kBlock, Pointer(score), Pointer(label), Pointer(loss),
         gradient ? Pointer(d_score) : kNull, elements);
  launch("wisp_soft_margin_loss_naive", {1}, {1}, Pointer(score), Pointer(label),
         Pointer(naive_loss), gradient ? Pointer(naive_d_score) : kNull, elements);
  double total = 0;
  Doubles exact(elements);
  for (long long i = 0; i < elements; ++i) {
    const double z = scores[i], y = labels[i];
    total += y * std::log1p(std::exp(-z)) + (1 - y) * std::log1p(std::exp(z));
    exact[i] = (1 / (1 + std::exp(-z)) - y) / static_cast<double>(elements);
  }
  const std::string text = "soft_margin_loss" + sizes({elements});
  expect_close(text, loss.host(), naive_loss.host(), {total / static_cast<double>(elements)});
  if (gradient)
    expect_close(text + " gradient", d_score.host(), naive_d_score.host(), exact);
}

void mean_absolute_difference(long long elements, bool gradient) {
  const Floats first = coarse(elements), second = coarse(elements);
  const double divisor = 3.0 * static_cast<double>(elements);
  const long long pieces = blocks(elements, 4096);
  Array<float> a(first), b(second), da(elements), naive_da(elements), loss(1), naive_loss(1);
  Array<double> sums(pieces), naive_sums(pieces);
  launch("wisp_mean_absolute_difference_sums", {static_cast<unsigned>(pieces)}, kBlock, Pointer(a),
         Pointer(b), gradient ? Pointer(da) : kNull, Pointer(sums), elements, divisor);
  launch("wisp_mean_absolute_difference_sums_naive", {blocks(pieces, 256)}, kBlock, Pointer(a),
         Pointer(b), gradient ? Pointer(naive_da) : kNull, Pointer(naive_sums), elements, divisor);
  launch("wisp_mean_absolute_difference", {1}, kBlock, Pointer(sums), Pointer(loss), pieces,
         divisor);
  launch("wisp_mean_absolute_difference_naive", {1}, {1}, Pointer(naive_sums), Pointer(naive_loss),
         pieces, divisor);
  double total = 0;
  Doubles exact(elements);
  for (long long i = 0; i < elements; ++i) {
    const double d = static_cast<double>(first[i]) - second[i];
    total += std::fabs(d);
    exact[i] = (d > 0 ? 1 : d < 0 ? -1 : 0) / divisor;
  }
  const std::string text = "mean_absolute_difference" + sizes({elements});
  expect_close(text, loss.host(), naive_loss.host(), {total / divisor});
  if (!gradient) return;
  expect_close(text + " gradient", da.host(), naive_da.host(), exact);
  expect_zeros(text + " gradient", da.host(), exact);
}

}  // namespace

void check_reductions(const std::string& folder) {
  load_module(folder + "/reductions.ptx");
  spatial_mean(1, 1, 1);
  spatial_mean(2, 35, 3);
  spatial_mean(3, 99, 33);
  spatial_mean(1, 272, 64);
  for (const long long elements : {1, 60, 257, 1280}) {
    soft_margin_loss(elements, 1, true);
    soft_margin_loss(elements, 100, true);
  }
  soft_margin_loss(60, 1, false);
  for (const long long elements : {1, 255, 4096, 9973}) mean_absolute_difference(elements, true);
  mean_absolute_difference(4097, false);
}
