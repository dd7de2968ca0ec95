#include <cmath>
#include <memory>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kFlat = {256};
constexpr long long kPiece = 8192;

using Memory = std::vector<std::unique_ptr<Array<float>>>;

Array<Pointer> pointers(const Memory& arrays) {
  std::vector<Pointer> table;
  for (const auto& array : arrays) table.push_back(array ? Pointer(*array) : kNull);
  return Array<Pointer>(table);
}

Memory place(const std::vector<Floats>& values) {
  Memory arrays;
  /* Every other array is misaligned. */
  for (size_t a = 0; a < values.size(); ++a)
    arrays.push_back(std::make_unique<Array<float>>(values[a], a % 2));
  return arrays;
}

/* Arrays of one and of several pieces. */
const std::vector<long long> kSizes = {1, 17, 8192, 8193, 5, 20003, 1984};

std::vector<long long> first_pieces() {
  std::vector<long long> first = {0};
  for (const long long size : kSizes) first.push_back(first.back() + blocks(size, kPiece));
  return first;
}

std::vector<Floats> random(float scale) {
  std::vector<Floats> values;
  for (const long long size : kSizes) values.push_back(uniform(size, -scale, scale));
  return values;
}

void norm(float scale) {
  const std::vector<Floats> values = random(scale);
  const Memory arrays = place(values);
  const std::vector<long long> first_values = first_pieces();
  const long long count = static_cast<long long>(kSizes.size()), pieces = first_values.back();
  const Array<Pointer> gradients = pointers(arrays);
  const Array<long long> sizes(kSizes), first(first_values);
  Array<double> sums(pieces), sums_naive(pieces);
  Array<float> result(1), result_naive(1);
  launch("wisp_gradient_norm_sums", {static_cast<unsigned>(pieces)}, kFlat, Pointer(gradients),
         Pointer(sizes), Pointer(first), Pointer(sums), count);
  launch("wisp_gradient_norm_sums_naive", {blocks(pieces, 256)}, kFlat, Pointer(gradients),
         Pointer(sizes), Pointer(first), Pointer(sums_naive), count);
  launch("wisp_gradient_norm", {1}, kFlat, Pointer(sums), Pointer(result), pieces);
  launch("wisp_gradient_norm_naive", {1}, {1}, Pointer(sums_naive), Pointer(result_naive), pieces);
  double total = 0;
  for (const Floats& array : values)
    for (const float g : array) total += static_cast<double>(g) * g;
  expect_close("gradient_norm of " + std::to_string(scale), result.host(), result_naive.host(),
               {std::sqrt(total)});
}

/* scale: of the loss, 0 for none. The second of the three steps is skipped where it is scaled. */
void steps(float max_norm, float momentum, float decay, float scale = 0) {
  std::vector<Floats> w = random(1), v(kSizes.size());
  const Memory weights = place(w), weights_naive = place(w);
  Memory velocities(kSizes.size()), velocities_naive(kSizes.size());
  for (size_t a = 0; a < kSizes.size() && momentum != 0; ++a) {
    v[a].resize(kSizes[a]);
    velocities[a] = std::make_unique<Array<float>>(kSizes[a], a % 2);
    velocities_naive[a] = std::make_unique<Array<float>>(kSizes[a], a % 2);
  }
  const std::vector<long long> first_values = first_pieces();
  const long long count = static_cast<long long>(kSizes.size());
  Floats rate_values;
  for (size_t a = 0; a < kSizes.size(); ++a) rate_values.push_back(a % 2 ? 0.01f : 0.1f);
  const Array<Pointer> to = pointers(weights), to_naive = pointers(weights_naive),
                       speed = pointers(velocities), speed_naive = pointers(velocities_naive);
  const Array<long long> sizes(kSizes), first(first_values);
  const Array<float> rates(rate_values), total(Floats{3.5f}), overflown(Floats{INFINITY}),
      loss_scale(Floats{scale, 0});
  const Pointer scaled = scale == 0 ? kNull : Pointer(loss_scale);
  const float s = scale == 0 ? 1 : scale;
  const Extent grid = {static_cast<unsigned>(first_values.back())};
  const float clip = std::isinf(max_norm) ? 1.0f : std::min(1.0f, max_norm / (3.5f / s + 1e-6f));
  for (int step = 0; step < 3; ++step) {
    const bool skipped = scale != 0 && step == 1;
    const Pointer norm = skipped ? Pointer(overflown) : Pointer(total);
    const std::vector<Floats> g = random(1);
    const Memory arrays = place(g);
    const Array<Pointer> gradients = pointers(arrays);
    const int first_step = step == 0;
    launch("wisp_sgd_step", grid, kFlat, Pointer(to), Pointer(gradients), Pointer(speed),
           Pointer(sizes), Pointer(first), Pointer(rates), norm, scaled, count, first_step,
           max_norm, decay, momentum);
    launch("wisp_sgd_step_naive", grid, kFlat, Pointer(to_naive), Pointer(gradients),
           Pointer(speed_naive), Pointer(sizes), Pointer(first), Pointer(rates), norm, scaled,
           count, first_step, max_norm, decay, momentum);
    for (size_t a = 0; a < w.size() && !skipped; ++a)
      for (size_t i = 0; i < w[a].size(); ++i) {
        float change = clip / s * g[a][i] + decay * w[a][i];
        if (momentum != 0) {
          if (step > 0) change = momentum * v[a][i] + change;
          v[a][i] = change;
        }
        w[a][i] -= rate_values[a] * change;
      }
  }
  for (size_t a = 0; a < w.size(); ++a) {
    expect_equal("sgd_step weights", weights[a]->host(), w[a]);
    expect_equal("sgd_step weights, naive", weights_naive[a]->host(), w[a]);
    if (momentum == 0) continue;
    expect_equal("sgd_step velocities", velocities[a]->host(), v[a]);
    expect_equal("sgd_step velocities, naive", velocities_naive[a]->host(), v[a]);
  }
}

/* A first step that an overflow spoils: velocities, undefined before, are 0. */
void skipped_first_step(const char* kernel) {
  const Floats values = uniform(8193);
  Array<float> weights(values), gradients(values), velocities(values.size());
  const Array<Pointer> to(std::vector<Pointer>{weights}), from(std::vector<Pointer>{gradients}),
      speed(std::vector<Pointer>{velocities});
  const Array<long long> sizes(std::vector<long long>{8193}), first(std::vector<long long>{0, 2});
  const Array<float> rates(Floats{0.1f}), norm(Floats{NAN}), scale(Floats{1024, 0});
  launch(kernel, {2}, kFlat, Pointer(to), Pointer(from), Pointer(speed), Pointer(sizes),
         Pointer(first), Pointer(rates), Pointer(norm), Pointer(scale), 1LL, 1, 1.0f, 1e-4f, 0.9f);
  expect_equal(std::string(kernel) + " skipped, weights", weights.host(), values);
  expect_equal(std::string(kernel) + " skipped, velocities", velocities.host(), Floats(8193, 0));
}

void scale_changes(float norm_value, Floats before, int interval, const Floats& after) {
  const Array<float> norm(Floats{norm_value});
  Array<float> scale(before);
  launch("wisp_update_loss_scale", {1}, {1}, Pointer(norm), Pointer(scale), interval);
  expect_equal("update_loss_scale of " + std::to_string(norm_value), scale.host(), after);
}

}  // namespace

void check_optimizer(const std::string& folder) {
  load_module(folder + "/sgd.ptx");
  norm(1);
  norm(1e-20f);
  norm(1e18f);
  Array<float> result(1);
  launch("wisp_gradient_norm", {1}, kFlat, kNull, Pointer(result), 0LL);
  expect_equal("gradient_norm of nothing", result.host(), Floats{0});
  for (const float max_norm : {1.0f, INFINITY})
    for (const float momentum : {0.0f, 0.9f})
      for (const float decay : {0.0f, 1e-4f}) {
        steps(max_norm, momentum, decay);
        for (const float scale : {1.0f, 1024.0f, 0.125f}) steps(max_norm, momentum, decay, scale);
      }
  skipped_first_step("wisp_sgd_step");
  skipped_first_step("wisp_sgd_step_naive");
  scale_changes(3, {1024, 7}, 2000, {1024, 8});
  scale_changes(3, {1024, 7}, 8, {2048, 0});
  scale_changes(3, {16777216, 7}, 8, {16777216, 0});
  scale_changes(NAN, {1024, 7}, 8, {512, 0});
  scale_changes(INFINITY, {1, 7}, 8, {1, 0});
  load_module(folder + "/fold_norm.ptx");
  const long long shapes[][2] = {{1, 1}, {17, 135}, {64, 576}, {3, 4609}};
  for (const auto& shape : shapes) {
    const long long channels = shape[0], fan_in = shape[1];
    const float eps = 1e-5f;
    const Floats folded_values = uniform(channels * fan_in), weights = uniform(channels * fan_in),
                 gammas = uniform(channels), betas = uniform(channels), means = uniform(channels),
                 vars = uniform(channels, 0.01f, 2), dbs = uniform(channels);
    Array<float> gamma(gammas), beta(betas), mean(means), var(vars), scale(2 * channels),
        bias(channels), weight(weights), db(dbs), folded(folded_values), in_place(folded_values),
        dw(folded_values.size()), dgamma(channels), dw_naive(folded_values.size()),
        dgamma_naive(channels), dgamma_in_place(channels);
    launch("wisp_fold_norm", {blocks(channels, 256)}, kFlat, Pointer(gamma), Pointer(beta),
           Pointer(mean), Pointer(var), Pointer(scale), Pointer(bias), channels, eps);
    const auto run = [&](const char* kernel, unsigned grid, Pointer from, Pointer to, Pointer out) {
      launch(kernel, {grid}, kFlat, from, Pointer(weight), Pointer(db), Pointer(gamma),
             Pointer(mean), Pointer(var), to, out, channels, fan_in, eps);
    };
    run("wisp_fold_norm_backward", static_cast<unsigned>(channels), folded, dw, dgamma);
    run("wisp_fold_norm_backward", static_cast<unsigned>(channels), in_place, in_place,
        dgamma_in_place);
    run("wisp_fold_norm_backward_naive", blocks(channels, 256), folded, dw_naive, dgamma_naive);
    Doubles scale_exact(2 * channels), bias_exact(channels), dw_exact(folded_values.size()),
        dgamma_exact(channels);
    Floats scale_plain(2 * channels), bias_plain(channels);
    for (long long o = 0; o < channels; ++o) {
      const double deviation = std::sqrt(static_cast<double>(vars[o]) + eps);
      scale_exact[o] = gammas[o] / deviation;
      bias_exact[o] = betas[o] - means[o] * scale_exact[o];
      scale_plain[o] = static_cast<float>(scale_exact[o]);
      scale_exact[channels + o] = scale_exact[o] - scale_plain[o];
      scale_plain[channels + o] = static_cast<float>(scale_exact[channels + o]);
      bias_plain[o] = static_cast<float>(bias_exact[o]);
      double along = 0;
      for (long long i = o * fan_in; i < (o + 1) * fan_in; ++i) {
        along += static_cast<double>(folded_values[i]) * weights[i];
        dw_exact[i] = folded_values[i] * scale_exact[o];
      }
      dgamma_exact[o] = (along - static_cast<double>(dbs[o]) * means[o]) / deviation;
    }
    expect_close("fold_norm scale", scale.host(), scale_plain, scale_exact);
    expect_close("fold_norm bias", bias.host(), bias_plain, bias_exact);
    expect_close("fold_norm_backward dw", dw.host(), dw_naive.host(), dw_exact);
    expect_equal("fold_norm_backward dw in place", in_place.host(), dw.host());
    expect_close("fold_norm_backward dgamma", dgamma.host(), dgamma_naive.host(), dgamma_exact);
    expect_equal("fold_norm_backward dgamma in place", dgamma_in_place.host(), dgamma.host());
  }
}
