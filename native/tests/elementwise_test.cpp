#include "harness.h"

namespace wisp_tests {
namespace {

Case fill("fill", kLengths, [](Run& run, int64_t n) { run.kernels.fill(run.output(n), 3.5f, n); });

Case copy("copy", kLengths, [](Run& run, int64_t n) {
  run.kernels.copy(run.input(n), run.output(n), n * 4);
});

Case add_scaled("add_scaled", kLengths, [](Run& run, int64_t n) {
  run.kernels.add_scaled(0.37f, run.input(n), run.updated(n), n);
});

Case scale("scale", kLengths, [](Run& run, int64_t n) {
  run.kernels.scale(run.updated(n), run.input(1), n);
});

Case relu("relu", kLengths, [](Run& run, int64_t n) {
  run.kernels.relu(run.input(n), run.output(n), n);
});

Case relu_backward("relu_backward", kLengths, [](Run& run, int64_t n) {
  const float *y = run.input(n), *dy = run.input(n), *extra = run.input(n);
  run.kernels.relu_backward(y, dy, extra, run.output(n), n);
  run.kernels.relu_backward(y, dy, nullptr, run.output(n), n);
  float* in_place = run.updated(n);
  run.kernels.relu_backward(y, in_place, extra, in_place, n);
});

Case add_mirrored("add_mirrored", {0, 1, 2, 3, 13}, [](Run& run, int64_t w) {
  for (int64_t c : {1, 3, 17})
    run.kernels.add_mirrored(run.input(2 * 3 * w * c), run.updated(2 * 3 * w * c), 2, 3, w, c);
});

Case denormalize("denormalize", kLengths, [](Run& run, int64_t n) {
  run.kernels.denormalize(run.input(3 * n), run.input(3), run.input(3), run.output(3 * n), n);
});

Case spatial_mean("spatial_mean", {1, 2, 15, 16, 17, 63, 64, 65, 130}, [](Run& run, int64_t c) {
  for (int64_t positions : {1, 7, 257}) {
    run.kernels.spatial_mean(run.input(3 * positions * c), run.output(3 * c), 3, positions, c);
    run.kernels.spatial_mean_backward(run.input(3 * c), run.updated(3 * positions * c), 3,
                                      positions, c);
  }
});

Case soft_margin("soft_margin_loss", {1, 2, 20, 81}, [](Run& run, int64_t k) {
  run.kernels.soft_margin_loss(run.input(3 * k, -90, 90), run.input(3 * k, 0, 1), run.output(1),
                               run.output(3 * k), 3, k);
  run.kernels.soft_margin_loss(run.input(3 * k), run.input(3 * k, 0, 1), run.output(1), nullptr, 3,
                               k);
});

Case mean_difference("mean_absolute_difference", kLengths, [](Run& run, int64_t n) {
  const double divisor = static_cast<double>(n + 1);
  run.kernels.mean_absolute_difference(run.input(n), run.input(n), n, divisor, run.output(1),
                                       run.output(n));
  run.kernels.mean_absolute_difference(run.input(n), run.input(n), n, divisor, run.output(1),
                                       nullptr);
});

Case batch_norm("batch_norm", {1, 3, 16, 17, 64, 129}, [](Run& run, int64_t c) {
  for (int64_t positions : {2, 5, 301, 1500}) {
    const int64_t n = positions * c;
    const float *x = run.input(n, 3, 5), *gamma = run.input(c), *beta = run.input(c);
    float *mean = run.output(c), *inv_std = run.output(c);
    run.kernels.batch_norm_forward(x, gamma, beta, 1e-5f, run.input(n), 1, run.output(n), mean,
                                   inv_std, positions, c);
    run.kernels.batch_norm_forward(x, gamma, beta, 1e-5f, nullptr, 0, run.output(n), mean,
                                   inv_std, positions, c);
    run.kernels.batch_norm_backward(x, run.input(n), gamma, mean, inv_std, run.output(n, 1e-3),
                                    run.output(c, 1e-3), run.output(c), positions, c);
    run.kernels.batch_norm_update(mean, inv_std, 1e-5f, positions, 0.1f, run.updated(c),
                                  run.updated(c, 0, 1), c);
  }
});

Case l2("l2_normalize", {0, 1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 768}, [](Run& run, int64_t c) {
  for (int64_t positions : {0, 1, 2, 67}) {
    const float* x = run.input(positions * c);
    float* norms = run.output(positions);
    run.kernels.l2_normalize(x, 1e-5f, run.output(positions * c), norms, positions, c);
    run.kernels.l2_normalize_backward(x, norms, run.input(positions * c), 1e-5f,
                                      run.output(positions * c), positions, c);
  }
});

}  // namespace
}  // namespace wisp_tests
