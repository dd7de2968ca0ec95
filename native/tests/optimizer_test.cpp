#include <cmath>
#include <vector>

#include "harness.h"

namespace wisp_tests {
namespace {

Case gradient_norm("gradient_norm", kLengths, [](Run& run, int64_t n) {
  const std::vector<int64_t> sizes = {n, 0, 1, 70, n};
  std::vector<const float*> gradients;
  for (int64_t size : sizes) gradients.push_back(run.input(size));
  run.kernels.gradient_norm(gradients.data(), sizes.data(), 5, run.output(1));
  run.kernels.gradient_norm(nullptr, nullptr, 0, run.output(1));
});

Case sgd("sgd_step", kLengths, [](Run& run, int64_t n) {
  const std::vector<int64_t> sizes = {3, n, 0, n};
  const float rates[] = {0.1f, 1.0f, 0.5f, 0.01f};
  std::vector<float*> weights, velocities;
  std::vector<const float*> gradients;
  for (int64_t size : sizes) {
    weights.push_back(run.updated(size));
    gradients.push_back(run.input(size));
    velocities.push_back(run.updated(size));
  }
  float norm = 4;
  for (int32_t first : {1, 0})
    run.kernels.sgd_step(weights.data(), gradients.data(), velocities.data(), rates, sizes.data(),
                         4, &norm, 1, 1e-4f, 0.9f, first);
  velocities.assign(4, nullptr);
  run.kernels.sgd_step(weights.data(), gradients.data(), velocities.data(), rates, sizes.data(), 4,
                       &norm, INFINITY, 1e-4f, 0, 0);
});

Case fold("fold_norm", {1, 2, 16, 65}, [](Run& run, int64_t channels) {
  const float *gamma = run.input(channels), *mean = run.input(channels);
  const float* var = run.input(channels, 0.1f, 2);
  run.kernels.fold_norm(gamma, run.input(channels), mean, var, 1e-5f, run.output(channels),
                        run.output(channels), channels);
  for (int64_t fan_in : {1, 27, 64, 65, 577})
    run.kernels.fold_norm_backward(run.input(channels * fan_in), run.input(channels * fan_in),
                                   run.input(channels), gamma, mean, var, 1e-5f,
                                   run.output(channels * fan_in), run.output(channels), channels,
                                   fan_in);
});

}  // namespace
}  // namespace wisp_tests
