#include <algorithm>
#include <cmath>
#include <cstring>

#include "check.h"
#include "device.h"
#include "batch.h"

namespace {

constexpr Extent kBlock = {256}, kForwardBlock = {128};

void pooling(const Batch& s) {
  const Floats feature = uniform(s.n() * s.positions * s.d), gradient = uniform(s.rows() * s.d);
  const Floats before = uniform(feature.size());
  const Ints seeds = s.random_seeds();
  Doubles exact(s.rows() * s.d), exact_back(before.begin(), before.end());
  for (long long i = 0; i < s.n() * s.positions; ++i) {
    const int row = s.row(i / s.positions, seeds[i]);
    for (long long c = 0; c < s.d && row >= 0; ++c) {
      exact[row * s.d + c] += static_cast<double>(feature[i * s.d + c]) / s.positions;
      exact_back[i * s.d + c] += static_cast<double>(gradient[row * s.d + c]) / s.positions;
    }
  }
  const Array<float> f(feature), g(gradient);
  const Array<int> labels(seeds), offsets(s.offsets), ids(s.ids);
  const unsigned n = static_cast<unsigned>(s.n());
  Floats results[2], backward[2];
  for (const bool naive : {true, false}) {
    const Array<float> prototypes(s.rows() * s.d), target(before);
    launch(naive ? "wisp_prototypes_naive" : "wisp_prototypes",
           naive ? Extent{blocks(s.rows() * s.d, 256)} : Extent{blocks(s.d, 32), n}, kBlock,
           Pointer(f), Pointer(labels), Pointer(offsets), Pointer(ids), Pointer(prototypes), s.n(),
           s.positions, s.d);
    launch(naive ? "wisp_prototypes_backward_naive" : "wisp_prototypes_backward",
           Extent{naive ? blocks(s.positions * s.d, 256) : blocks(s.positions, 8), n}, kBlock,
           Pointer(g), Pointer(labels), Pointer(offsets), Pointer(ids), Pointer(target), s.n(),
           s.positions, s.d);
    results[naive] = prototypes.host();
    backward[naive] = target.host();
  }
  expect_close(s.text("prototypes"), results[0], results[1], exact);
  expect_zeros(s.text("prototypes"), results[0], exact);
  expect_close(s.text("prototypes_backward"), backward[0], backward[1], exact_back);
}

enum class Vectors {
  ordinary,
  some_zero,
  tiny /* norms below the floor of 1e-8 */
};

void reactivation(const Batch& s, Vectors kind) {
  constexpr double kEps = 1e-8;
  Floats feature = uniform(s.n() * s.positions * s.d), centres = uniform(s.rows() * s.d);
  const bool zeros = kind == Vectors::some_zero;
  for (size_t i = 0; i < feature.size(); ++i)
    if (zeros && static_cast<long long>(i) / s.d % 5 == 3) feature[i] = 0;
  for (size_t i = 0; i < centres.size(); ++i)
    if (zeros && static_cast<long long>(i) / s.d % 3 == 1) centres[i] = 0;
  for (Floats* values : {&feature, &centres})
    for (float& v : *values) v *= kind == Vectors::tiny ? 1e-10f : 1;
  const Floats gradient = uniform(s.rows() * s.positions), before = uniform(feature.size());

  Doubles f_norms(s.n() * s.positions), p_norms(s.rows()), maps(gradient.size());
  Doubles df(before.begin(), before.end()), dp(centres.size());
  const auto length = [&](const Floats& v, long long at) {
    double sum = 0;
    for (long long c = at * s.d; c < (at + 1) * s.d; ++c) sum += static_cast<double>(v[c]) * v[c];
    return std::sqrt(sum);
  };
  for (size_t i = 0; i < f_norms.size(); ++i) f_norms[i] = length(feature, i);
  for (size_t r = 0; r < p_norms.size(); ++r) p_norms[r] = length(centres, r);
  double cancelled = 0;
  for (long long image = 0; image < s.n(); ++image)
    for (long long row = s.offsets[image]; row < s.offsets[image + 1]; ++row)
      for (long long p = 0; p < s.positions; ++p) {
        const long long i = image * s.positions + p;
        const double fn = std::max(f_norms[i], kEps), pn = std::max(p_norms[row], kEps);
        double dot = 0;
        for (long long c = 0; c < s.d; ++c)
          dot += static_cast<double>(feature[i * s.d + c]) * centres[row * s.d + c];
        const double cosine = std::max(dot / fn / pn, 0.0), g = gradient[row * s.positions + p];
        maps[row * s.positions + p] = cosine;
        for (long long c = 0; c < s.d && cosine > 0; ++c) {
          const double u = feature[i * s.d + c] / fn, v = centres[row * s.d + c] / pn;
          df[i * s.d + c] += g * (v - (f_norms[i] < kEps ? 0 : cosine) * u) / fn;
          dp[row * s.d + c] += g * (u - (p_norms[row] < kEps ? 0 : cosine) * v) / pn;
          cancelled = std::max(cancelled, std::fabs(g * u / pn));
        }
      }

  const Array<float> f(feature), p(centres), g(gradient);
  const Array<int> offsets(s.offsets);
  const unsigned n = static_cast<unsigned>(s.n());
  Floats results[2][5];
  for (const bool naive : {true, false}) {
    const std::string tail = naive ? "_naive" : "";
    const Array<float> feature_norms(f_norms.size()), centre_norms(p_norms.size());
    const Array<float> cosines(maps.size()), d_feature(before), d_centres(dp.size());
    launch(("wisp_reactivate_norms" + tail).c_str(), {blocks(s.rows(), naive ? 128 : 4)},
           kForwardBlock, Pointer(p), Pointer(centre_norms), s.rows(), s.d);
    launch(("wisp_reactivate" + tail).c_str(), {blocks(s.positions, naive ? 128 : 16), n},
           kForwardBlock, Pointer(f), Pointer(p), Pointer(centre_norms), Pointer(offsets),
           Pointer(feature_norms), Pointer(cosines), s.n(), s.positions, s.d);
    launch(("wisp_reactivate_backward" + tail).c_str(), {blocks(s.d, naive ? 128 : 32), n},
           naive ? kForwardBlock : kBlock, Pointer(f), Pointer(p), Pointer(offsets),
           Pointer(feature_norms), Pointer(centre_norms), Pointer(cosines), Pointer(g),
           Pointer(d_feature), Pointer(d_centres), s.n(), s.positions, s.d);
    results[naive][0] = feature_norms.host();
    results[naive][1] = centre_norms.host();
    results[naive][2] = cosines.host();
    results[naive][3] = d_feature.host();
    results[naive][4] = d_centres.host();
  }
  const std::string names[] = {"", "some zero, ", "tiny, "};
  const std::string what = s.text("reactivate") + ", " + names[static_cast<int>(kind)];
  expect_close(what + "feature norms", results[0][0], results[1][0], f_norms);
  expect_zeros(what + "feature norms", results[0][0], f_norms);
  expect_close(what + "prototype norms", results[0][1], results[1][1], p_norms);
  expect_zeros(what + "prototype norms", results[0][1], p_norms);
  expect_close(what + "maps", results[0][2], results[1][2], maps);
  if (zeros) expect_zeros(what + "maps", results[0][2], maps);
  expect_close(what + "d_feature", results[0][3], results[1][3], df);
  /* Vectors of one element are parallel: their gradient is a difference of equals, 0 but for rounding. */
  const bool parallel = s.d == 1;
  expect_close(what + "d_prototypes", results[0][4], results[1][4], dp, parallel ? cancelled : 0);
  if (zeros && !parallel) expect_zeros(what + "d_prototypes", results[0][4], dp);
}

}  // namespace

void check_seeds(const std::string& folder) {
  const Batch batches[] = {
      Batch(1, 1, {{0}}),
      Batch(35, 17, {{0, 3}, {0}}),
      Batch(63, 32, {{0, 1, 2, 3}}),
      Batch(70, 40, {{0, 20}, {0, 3, 7, 19}, {0}}),
      Batch(307, 33, {{0, 2}}),
      Batch(29, 77, {Batch::all(21)}),
      Batch(19, 5, {Batch::all(81), {0, 1, 80}}),
  };
  load_module(folder + "/prototypes.ptx");
  for (const Batch& batch : batches) pooling(batch);
  load_module(folder + "/reactivate.ptx");
  for (const Batch& batch : batches)
    for (const Vectors kind : {Vectors::ordinary, Vectors::some_zero, Vectors::tiny})
      reactivation(batch, kind);
}
