#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kFlat = {256}, kTiled = {32, 8};
constexpr float kEps = 1e-5f;

std::string text(const char* operation, long long positions, long long c, size_t shift = 0) {
  return std::string(operation) + " " + std::to_string(positions) + "x" + std::to_string(c) +
         (shift ? " misaligned" : "");
}

void l2(long long positions, int c, size_t shift) {
  Floats values = uniform(positions * c);
  for (long long p = 3; p < positions; p += 5)
    std::fill_n(values.begin() + p * c, c, 0.0f);
  const Floats gradients = uniform(positions * c);
  Doubles y_exact(values.size()), norm_exact(positions), dx_exact(values.size());
  double steepest = 0;
  for (long long p = 0; p < positions; ++p) {
    double squares = 0, dot = 0;
    for (long long i = p * c; i < (p + 1) * c; ++i) {
      squares += static_cast<double>(values[i]) * values[i];
      dot += static_cast<double>(values[i]) * gradients[i];
    }
    const double n = norm_exact[p] = std::sqrt(squares), divisor = n + kEps;
    for (long long i = p * c; i < (p + 1) * c; ++i) {
      y_exact[i] = values[i] / divisor;
      steepest = std::max(steepest, std::fabs(gradients[i] / divisor));
      dx_exact[i] = n == 0 ? gradients[i] / divisor
                           : gradients[i] / divisor - values[i] * dot / (n * divisor * divisor);
    }
  }
  const Extent grid = {blocks(positions, 8)}, flat = {blocks(positions, 256)};
  Array<float> x(values, shift), y(values.size(), shift), y_naive(values.size(), shift),
      norms(positions), norms_naive(positions);
  launch("wisp_l2_normalize", grid, kTiled, Pointer(x), Pointer(y), Pointer(norms), positions, c,
         kEps);
  launch("wisp_l2_normalize_naive", flat, kFlat, Pointer(x), Pointer(y_naive),
         Pointer(norms_naive), positions, c, kEps);
  expect_close(text("l2_normalize", positions, c, shift), y.host(), y_naive.host(), y_exact);
  expect_zeros(text("l2_normalize", positions, c, shift), y.host(), y_exact);
  expect_close(text("l2_normalize norms", positions, c, shift), norms.host(), norms_naive.host(),
               norm_exact);
  Array<float> in_place(values, shift);
  launch("wisp_l2_normalize", grid, kTiled, Pointer(in_place), Pointer(in_place), Pointer(norms),
         positions, c, kEps);
  expect_equal(text("l2_normalize in place", positions, c, shift), in_place.host(), y.host());
  Array<float> dy(gradients, shift), dx(values.size(), shift), dx_naive(values.size(), shift);
  launch("wisp_l2_normalize_backward", grid, kTiled, Pointer(x), Pointer(norms), Pointer(dy),
         Pointer(dx), positions, c, kEps);
  launch("wisp_l2_normalize_backward_naive", flat, kFlat, Pointer(x), Pointer(norms), Pointer(dy),
         Pointer(dx_naive), positions, c, kEps);
  expect_close(text("l2_normalize_backward", positions, c, shift), dx.host(), dx_naive.host(),
               dx_exact, steepest);
}

void batch(long long positions, long long c, bool residual, bool relu) {
  const Floats values = uniform(positions * c, 3, 7), gammas = uniform(c), betas = uniform(c);
  const Floats added = uniform(positions * c), gradients = uniform(positions * c);
  const long long chunks = std::min<long long>(512, blocks(positions, 256));
  const Extent tiles = {static_cast<unsigned>(chunks) * blocks(c, 32)};
  const Extent pieces = {blocks(chunks * c, 256)}, all = {blocks(positions * c, 256)};
  const Extent channels = {blocks(c, 32)}, flat = {blocks(c, 256)};
  Array<float> x(values), gamma(gammas), beta(betas), extra(added), mean(c), inv_std(c),
      mean_naive(c), inv_std_naive(c), y(values.size());
  Array<double> sums(chunks * 2 * c), sums_naive(chunks * 2 * c);
  launch("wisp_batch_norm_sums", tiles, kTiled, Pointer(x), Pointer(sums), positions, c, chunks);
  launch("wisp_batch_norm_sums_naive", pieces, kFlat, Pointer(x), Pointer(sums_naive), positions, c,
         chunks);
  launch("wisp_batch_norm_statistics", channels, kTiled, Pointer(x), Pointer(sums), Pointer(mean),
         Pointer(inv_std), positions, c, chunks, kEps);
  launch("wisp_batch_norm_statistics_naive", flat, kFlat, Pointer(x), Pointer(sums_naive),
         Pointer(mean_naive), Pointer(inv_std_naive), positions, c, chunks, kEps);
  launch("wisp_batch_norm_forward", all, kFlat, Pointer(x), Pointer(gamma), Pointer(beta),
         Pointer(mean), Pointer(inv_std), residual ? Pointer(extra) : kNull, Pointer(y), positions,
         c, relu ? 1 : 0);
  Doubles mean_exact(c), inv_std_exact(c), y_exact(values.size());
  for (long long k = 0; k < c; ++k) {
    for (long long p = 0; p < positions; ++p)
      mean_exact[k] += values[p * c + k] / static_cast<double>(positions);
    double var = 0;
    for (long long p = 0; p < positions; ++p) {
      const double d = values[p * c + k] - mean_exact[k];
      var += d * d / static_cast<double>(positions);
    }
    inv_std_exact[k] = 1 / std::sqrt(var + kEps);
    for (long long p = 0; p < positions; ++p) {
      const double v = gammas[k] * (values[p * c + k] - mean_exact[k]) * inv_std_exact[k] +
                       betas[k] + (residual ? added[p * c + k] : 0);
      y_exact[p * c + k] = relu && v < 0 ? 0 : v;
    }
  }
  expect_close(text("batch_norm mean", positions, c), mean.host(), mean_naive.host(), mean_exact);
  expect_close(text("batch_norm inv_std", positions, c), inv_std.host(), inv_std_naive.host(),
               inv_std_exact);
  /* y's naive form: the same formula in plain float32. */
  Floats y_naive(values.size());
  const Floats means = mean_naive.host(), inv_stds = inv_std_naive.host();
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t k = i % c;
    float v = gammas[k] * ((values[i] - means[k]) * inv_stds[k]) + betas[k];
    if (residual) v += added[i];
    y_naive[i] = relu && v < 0 ? 0 : v;
  }
  expect_close(text("batch_norm_forward", positions, c), y.host(), y_naive, y_exact);

  Array<float> dy(gradients), dgamma(c), dbeta(c), shares(2 * c), dgamma_naive(c), dbeta_naive(c),
      shares_naive(2 * c), dx(values.size());
  launch("wisp_batch_norm_gradient_sums", tiles, kTiled, Pointer(x), Pointer(dy), Pointer(mean),
         Pointer(inv_std), Pointer(sums), positions, c, chunks);
  launch("wisp_batch_norm_gradient_sums_naive", pieces, kFlat, Pointer(x), Pointer(dy),
         Pointer(mean), Pointer(inv_std), Pointer(sums_naive), positions, c, chunks);
  launch("wisp_batch_norm_gradients", channels, kTiled, Pointer(sums), Pointer(dgamma),
         Pointer(dbeta), Pointer(shares), positions, c, chunks);
  launch("wisp_batch_norm_gradients_naive", flat, kFlat, Pointer(sums_naive),
         Pointer(dgamma_naive), Pointer(dbeta_naive), Pointer(shares_naive), positions, c, chunks);
  launch("wisp_batch_norm_backward", all, kFlat, Pointer(x), Pointer(dy), Pointer(gamma),
         Pointer(mean), Pointer(inv_std), Pointer(shares), Pointer(dx), positions, c);
  const Floats m = mean.host(), s = inv_std.host();
  Doubles dgamma_exact(c), dbeta_exact(c), dx_exact(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t k = i % c;
    dbeta_exact[k] += gradients[i];
    dgamma_exact[k] += gradients[i] * ((static_cast<double>(values[i]) - m[k]) * s[k]);
  }
  Floats dx_naive(values.size());
  double steepest = 0;
  const Floats mean_gradients = shares_naive.host();
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t k = i % c;
    const double count = static_cast<double>(positions);
    const double xhat = (static_cast<double>(values[i]) - m[k]) * s[k];
    dx_exact[i] = gammas[k] * s[k] *
                  (gradients[i] - dbeta_exact[k] / count - xhat * dgamma_exact[k] / count);
    steepest = std::max(steepest, std::fabs(static_cast<double>(gammas[k]) * s[k]));
    const float normal = (values[i] - m[k]) * s[k];
    dx_naive[i] = gammas[k] * s[k] *
                  ((gradients[i] - mean_gradients[k]) - normal * mean_gradients[c + k]);
  }
  expect_close(text("batch_norm dgamma", positions, c), dgamma.host(), dgamma_naive.host(),
               dgamma_exact);
  expect_close(text("batch_norm dbeta", positions, c), dbeta.host(), dbeta_naive.host(),
               dbeta_exact);
  expect_close(text("batch_norm_backward", positions, c), dx.host(), dx_naive, dx_exact,
               steepest);
}

void update(long long c) {
  const Floats mean = uniform(c), inv_std = uniform(c, 0.5, 2), old_mean = uniform(c),
               old_var = uniform(c, 0.5, 1.5);
  Array<float> means(mean), inv_stds(inv_std), running_mean(old_mean), running_var(old_var);
  const long long count = 37;
  launch("wisp_batch_norm_update", {blocks(c, 256)}, kFlat, Pointer(means), Pointer(inv_stds),
         Pointer(running_mean), Pointer(running_var), c, count, kEps, 0.1f);
  Doubles mean_exact(c), var_exact(c);
  Floats mean_plain(c), var_plain(c);
  for (long long k = 0; k < c; ++k) {
    const double var = 1 / (static_cast<double>(inv_std[k]) * inv_std[k]) - kEps;
    const double momentum = 0.1f, old = old_mean[k];
    mean_exact[k] = old + momentum * (mean[k] - old);
    var_exact[k] = old_var[k] + momentum * (var * 37 / 36 - old_var[k]);
    mean_plain[k] = old_mean[k] + 0.1f * (mean[k] - old_mean[k]);
    var_plain[k] = old_var[k] + 0.1f * ((1 / (inv_std[k] * inv_std[k]) - kEps) * 37.0f / 36.0f -
                                        old_var[k]);
  }
  expect_close(text("batch_norm_update mean", 37, c), running_mean.host(), mean_plain, mean_exact);
  expect_close(text("batch_norm_update var", 37, c), running_var.host(), var_plain, var_exact);
}

void constant_channels() {
  const long long positions = 300, c = 17, chunks = 2;
  Array<float> x(Floats(positions * c, 0.75f)), mean(c), inv_std(c);
  Array<double> sums(chunks * 2 * c);
  launch("wisp_batch_norm_sums", {2}, kTiled, Pointer(x), Pointer(sums), positions, c, chunks);
  launch("wisp_batch_norm_statistics", {1}, kTiled, Pointer(x), Pointer(sums), Pointer(mean),
         Pointer(inv_std), positions, c, chunks, kEps);
  expect_equal("batch_norm mean of constants", mean.host(), Floats(c, 0.75f));
  expect_equal("batch_norm inv_std of constants", inv_std.host(),
               Floats(c, static_cast<float>(1 / std::sqrt(static_cast<double>(kEps)))));
}

}  // namespace

void check_norms(const std::string& folder) {
  load_module(folder + "/l2_normalize.ptx");
  for (const size_t shift : {0, 1}) {
    l2(1, 1, shift);
    l2(11, 3, shift);
    l2(37, 128, shift);
    l2(5, 771, shift);
    l2(9, 132, shift);
  }
  load_module(folder + "/batch_norm.ptx");
  batch(1, 1, false, false);
  batch(2, 3, true, true);
  batch(70, 15, false, false);
  batch(297, 33, true, true);
  batch(1025, 20, false, true);
  constant_channels();
  update(1);
  update(300);
}
