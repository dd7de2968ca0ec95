#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kBlock = {256};

struct Case {
  long long n, positions, c, groups;

  long long elements() const { return n * positions * c; }
  long long group(long long element) const {
    return element / (positions * c) * groups + element % c / (c / groups);
  }
};

std::string sizes(const std::string& what, const Case& s) {
  return "group norm " + what + " " + std::to_string(s.n) + "x" + std::to_string(s.positions) +
         "x" + std::to_string(s.c) + " in " + std::to_string(s.groups);
}

/* Means over each group of values. */
Doubles means(const Case& s, const Doubles& values) {
  Doubles sums(s.n * s.groups);
  for (long long i = 0; i < s.elements(); ++i) sums[s.group(i)] += values[i];
  for (double& sum : sums) sum /= static_cast<double>(s.positions * (s.c / s.groups));
  return sums;
}

Floats rounded(const Doubles& values) { return Floats(values.begin(), values.end()); }

void check(const Case& s, float centre) {
  const float eps = 1e-5f;
  const Floats x = uniform(s.elements(), centre - 1, centre + 1), dy = uniform(s.elements());
  const Floats gamma = uniform(s.c, 0.5f, 2), beta = uniform(s.c);
  const Doubles mean = means(s, Doubles(x.begin(), x.end()));
  Doubles squares(s.elements()), inverse;
  for (long long i = 0; i < s.elements(); ++i) squares[i] = std::pow(x[i] - mean[s.group(i)], 2);
  for (const double var : means(s, squares)) inverse.push_back(1 / std::sqrt(var + eps));

  const Array<float> from(x), scale(gamma), shift(beta), gradient(dy);
  Floats got_mean[2], got_inverse[2];
  for (const bool naive : {false, true}) {
    Array<float> centres(s.n * s.groups), inverses(s.n * s.groups);
    const long long groups = s.n * s.groups;
    launch(naive ? "wisp_group_norm_statistics_naive" : "wisp_group_norm_statistics",
           {naive ? blocks(groups, 256) : static_cast<unsigned>(groups)}, kBlock, Pointer(from),
           Pointer(centres), Pointer(inverses), s.n, s.positions, s.c, s.groups, eps);
    got_mean[naive] = centres.host();
    got_inverse[naive] = inverses.host();
  }
  expect_close(sizes("means", s), got_mean[0], got_mean[1], mean);
  expect_close(sizes("deviations", s), got_inverse[0], got_inverse[1], inverse);

  const Array<float> centres(rounded(mean)), inverses(rounded(inverse));
  for (const int relu : {0, 1}) {
    Array<float> y(s.elements());
    launch("wisp_group_norm_forward", {blocks(s.elements(), 256)}, kBlock, Pointer(from),
           Pointer(scale), Pointer(shift), Pointer(centres), Pointer(inverses), Pointer(y), s.n,
           s.positions, s.c, s.groups, relu);
    Floats want(s.elements());
    for (long long i = 0; i < s.elements(); ++i) {
      const float factor = gamma[i % s.c] * static_cast<float>(inverse[s.group(i)]);
      const float product = (x[i] - static_cast<float>(mean[s.group(i)])) * factor;
      want[i] = product + beta[i % s.c];
      if (relu && want[i] <= 0) want[i] = 0;
    }
    expect_equal(sizes("forward", s), y.host(), want);
  }

  Doubles sums(2 * s.n * s.c), d_gamma(s.c), d_beta(s.c), d(s.elements()), d_xhat(s.elements());
  Doubles xhat(s.elements()), dx(s.elements());
  for (long long i = 0; i < s.elements(); ++i) {
    const long long k = i % s.c;
    xhat[i] = (x[i] - static_cast<double>(rounded(mean)[s.group(i)])) *
              rounded(inverse)[s.group(i)];
    d[i] = static_cast<double>(gamma[k]) * dy[i];
    d_xhat[i] = d[i] * xhat[i];
    d_beta[k] += dy[i];
    d_gamma[k] += dy[i] * xhat[i];
  }
  const Doubles mean_d = means(s, d), mean_d_xhat = means(s, d_xhat);
  for (long long i = 0; i < s.elements(); ++i)
    dx[i] = inverse[s.group(i)] *
            (d[i] - mean_d[s.group(i)] - xhat[i] * mean_d_xhat[s.group(i)]);
  Floats got[2][3];
  for (const bool naive : {false, true}) {
    Array<double> part(2 * s.n * s.c);
    Array<float> to_gamma(s.c), to_beta(s.c), groups(2 * s.n * s.groups), to(s.elements());
    launch(naive ? "wisp_group_norm_gradient_sums_naive" : "wisp_group_norm_gradient_sums",
           {naive ? blocks(s.n * s.c, 256) : static_cast<unsigned>(s.n) * blocks(s.c, 32)},
           naive ? kBlock : Extent{32, 8}, Pointer(from), Pointer(gradient), Pointer(centres),
           Pointer(inverses), Pointer(part), s.n, s.positions, s.c, s.groups);
    launch("wisp_group_norm_parameters", {blocks(s.c, 256)}, kBlock, Pointer(part),
           Pointer(to_gamma), Pointer(to_beta), s.n, s.c);
    launch("wisp_group_norm_means", {blocks(s.n * s.groups, 256)}, kBlock, Pointer(part),
           Pointer(scale), Pointer(groups), s.n, s.positions, s.c, s.groups);
    launch("wisp_group_norm_backward", {blocks(s.elements(), 256)}, kBlock, Pointer(from),
           Pointer(gradient), Pointer(scale), Pointer(centres), Pointer(inverses), Pointer(groups),
           Pointer(to), s.n, s.positions, s.c, s.groups);
    got[naive][0] = to_gamma.host();
    got[naive][1] = to_beta.host();
    got[naive][2] = to.host();
  }
  expect_close(sizes("d_gamma", s), got[0][0], got[1][0], d_gamma);
  expect_close(sizes("d_beta", s), got[0][1], got[1][1], d_beta);
  const double largest = *std::max_element(inverse.begin(), inverse.end());
  expect_close(sizes("dx", s), got[0][2], got[1][2], dx, largest);
}

}  // namespace

void check_group_norms(const std::string& folder) {
  load_module(folder + "/group_norm.ptx");
  const Case cases[] = {{1, 1, 2, 1}, {2, 7, 6, 3}, {3, 35, 33, 11}, {1, 300, 64, 4},
                        {2, 50, 40, 40}};
  for (const Case& s : cases)
    for (const float centre : {0.0f, 100.0f}) check(s, centre);
}
