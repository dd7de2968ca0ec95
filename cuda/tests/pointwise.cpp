#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kBlock = {256};

Extent fast_grid(long long n) { return {blocks(n, 1024)}; }
Extent naive_grid(long long n) { return {blocks(n, 256)}; }

std::string text(const char* kernel, long long n, size_t shift) {
  return std::string(kernel) + " " + std::to_string(n) + (shift ? " misaligned" : "");
}

void elementwise(long long n, size_t shift) {
  const Floats x = uniform(n), y = uniform(n), extra = uniform(n);
  for (const bool naive : {false, true}) {
    const Extent grid = naive ? naive_grid(n) : fast_grid(n);
    const std::string tail = naive ? "_naive" : "";
    const auto run = [&](const std::string& kernel, auto... parameters) {
      launch((kernel + tail).c_str(), grid, kBlock, parameters...);
    };
    Array<float> from(x, shift), other(y, shift), second(extra, shift), to(n, shift);
    Floats want(n);

    run("wisp_fill", Pointer(to), n, -0.3f);
    expect_equal(text("fill", n, shift), to.host(), Floats(n, -0.3f));
    run("wisp_copy", Pointer(from), Pointer(to), n);
    expect_equal(text("copy", n, shift), to.host(), x);

    run("wisp_add_scaled", Pointer(other), Pointer(to), n, -0.7f);
    for (long long i = 0; i < n; ++i) want[i] = x[i] + static_cast<float>(-0.7f * y[i]);
    expect_equal(text("add_scaled", n, shift), to.host(), want);

    const Array<float> factor(Floats{0.37f, 5});
    for (long long i = 0; i < n; ++i) want[i] *= 0.37f;
    run("wisp_scale", Pointer(to), Pointer(factor), n);
    expect_equal(text("scale", n, shift), to.host(), want);

    for (long long i = 0; i < n; ++i) want[i] = y[i] > 0 ? x[i] + extra[i] : 0;
    run("wisp_relu_backward", Pointer(other), Pointer(from), Pointer(second), Pointer(to), n);
    expect_equal(text("relu_backward", n, shift), to.host(), want);
    run("wisp_relu_backward", Pointer(other), Pointer(from), Pointer(second), Pointer(second), n);
    expect_equal(text("relu_backward in place", n, shift), second.host(), want);
    for (long long i = 0; i < n; ++i) want[i] = y[i] > 0 ? x[i] : 0;
    run("wisp_relu_backward", Pointer(other), Pointer(from), kNull, Pointer(to), n);
    expect_equal(text("relu_backward without extra", n, shift), to.host(), want);

    Floats hostile = x;
    for (long long i = 0; i < n; i += 3) hostile[i] = i % 2 == 0 ? NAN : -INFINITY;
    for (long long i = 0; i < n; ++i) want[i] = hostile[i] <= 0 ? 0 : hostile[i];
    Array<float> values(hostile, shift);
    run("wisp_relu", Pointer(values), Pointer(to), n);
    expect_equal(text("relu", n, shift), to.host(), want);
    run("wisp_relu", Pointer(values), Pointer(values), n);
    expect_equal(text("relu in place", n, shift), values.host(), want);
  }
}

void mirrored(long long rows, long long w, long long c) {
  const Floats from = uniform(rows * w * c), to = uniform(rows * w * c);
  Floats want = to;
  for (long long r = 0; r < rows; ++r)
    for (long long x = 0; x < w; ++x)
      for (long long k = 0; k < c; ++k)
        want[(r * w + x) * c + k] += from[(r * w + w - 1 - x) * c + k];
  Array<float> source(from), target(to);
  launch("wisp_add_mirrored", {blocks(rows * w * c, 256)}, kBlock, Pointer(source),
         Pointer(target), rows, w, c);
  expect_equal("add_mirrored", target.host(), want);
}

void denormalized(long long positions) {
  const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
  const Floats values = uniform(3 * positions, -2, 2);
  Floats want(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    want[i] = static_cast<float>(values[i] * std[i % 3]) + mean[i % 3];
  Array<float> x(values), out(values.size());
  launch("wisp_denormalize", {blocks(3 * positions, 256)}, kBlock, Pointer(x), Pointer(out),
         positions, mean[0], mean[1], mean[2], std[0], std[1], std[2]);
  expect_equal("denormalize", out.host(), want);
}

}  // namespace

void check_pointwise(const std::string& folder) {
  load_module(folder + "/pointwise.ptx");
  for (const long long n : {1, 3, 4, 17, 1023, 1025, 2053})
    for (const size_t shift : {0, 1}) elementwise(n, shift);
  mirrored(1, 1, 1);
  mirrored(3, 7, 5);
  mirrored(2, 16, 20);
  denormalized(1);
  denormalized(197);
}
