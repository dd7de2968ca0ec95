#include <algorithm>
#include <cmath>
#include <utility>
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
                         4, &norm, nullptr, 1, 1e-4f, 0.9f, first);
  for (float scale : {1024.0f, 0.125f})
    run.kernels.sgd_step(weights.data(), gradients.data(), velocities.data(), rates, sizes.data(),
                         4, &norm, &scale, 1, 1e-4f, 0.9f, 0);
  velocities.assign(4, nullptr);
  run.kernels.sgd_step(weights.data(), gradients.data(), velocities.data(), rates, sizes.data(), 4,
                       &norm, nullptr, INFINITY, 1e-4f, 0, 0);
});

Case skipped("sgd_step skipped", kLengths, [](Run& run, int64_t n) {
  const int64_t sizes[] = {n, n};
  const float rates[] = {0.1f, 1}, scale = 2;
  float *weights[] = {run.updated(n), run.updated(n)}, *velocities[] = {run.updated(n), nullptr};
  const float* gradients[] = {run.input(n), run.input(n)};
  const std::vector<float> before(weights[0], weights[0] + n);
  for (float norm : {INFINITY, NAN})
    for (int32_t first : {0, 1}) {
      run.kernels.sgd_step(weights, gradients, velocities, rates, sizes, 2, &norm, &scale, 1, 1e-4f,
                           0.9f, first);
      expect(std::equal(before.begin(), before.end(), weights[0]), "a skipped step moves weights");
    }
  for (int64_t i = 0; i < n; ++i) expect(velocities[0][i] == 0, "a velocity is not 0");
});

Case loss_scale("update_loss_scale", {1}, [](Run& run, int64_t) {
  const auto updated = [&](float norm, float scale, float good, int32_t interval) {
    float* state = run.output(2);
    state[0] = scale;
    state[1] = good;
    run.kernels.update_loss_scale(&norm, state, interval);
    return std::make_pair(state[0], state[1]);
  };
  expect(updated(3, 1024, 0, 2) == std::make_pair(1024.0f, 1.0f), "a good step is not counted");
  expect(updated(3, 1024, 1, 2) == std::make_pair(2048.0f, 0.0f), "the scale does not double");
  expect(updated(3, 16777216, 1, 2) == std::make_pair(16777216.0f, 0.0f), "beyond 2^24");
  expect(updated(NAN, 1024, 1, 2) == std::make_pair(512.0f, 0.0f), "NaN does not halve");
  expect(updated(INFINITY, 1, 1, 2) == std::make_pair(1.0f, 0.0f), "below 1");
});

Case fold("fold_norm", {1, 2, 16, 65}, [](Run& run, int64_t channels) {
  const float *gamma = run.input(channels), *mean = run.input(channels);
  const float* var = run.input(channels, 0.1f, 2);
  run.kernels.fold_norm(gamma, run.input(channels), mean, var, 1e-5f, run.output(2 * channels),
                        run.output(channels), channels);
  for (int64_t fan_in : {1, 27, 64, 65, 577})
    run.kernels.fold_norm_backward(run.input(channels * fan_in), run.input(channels * fan_in),
                                   run.input(channels), gamma, mean, var, 1e-5f,
                                   run.output(channels * fan_in), run.output(channels), channels,
                                   fan_in);
});

}  // namespace
}  // namespace wisp_tests
