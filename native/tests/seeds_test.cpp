/* Structure analysis, prototypes and reactivation against the formulas in double precision. */
#include "oracle.h"

namespace wisp_tests {
namespace {

struct Setting {
  const char* name;
  int64_t n, positions, d;
  std::vector<std::vector<int32_t>> classes; /* ids of the rows of each image */
  int32_t total;
};

struct Rows {
  std::vector<int32_t> offsets{0}, ids;

  explicit Rows(const std::vector<std::vector<int32_t>>& classes) {
    for (const auto& image : classes) {
      ids.insert(ids.end(), image.begin(), image.end());
      offsets.push_back(static_cast<int32_t>(ids.size()));
    }
    if (ids.empty()) ids.push_back(0); /* a pointer to something */
  }
  int64_t count() const { return offsets.back(); }
};

/* One random problem; a few features are 0 and a few maps equal others. */
struct Problem {
  const Setting& t;
  Rows rows;
  Array<int32_t> offsets, ids;
  Array<float> feature, maps;

  Problem(const Setting& c, Random& random)
      : t(c),
        rows(c.classes),
        offsets(rows.offsets),
        ids(rows.ids),
        feature(c.n * c.positions * c.d),
        maps(rows.count() * c.positions) {
    random.fill(feature, -0.4f, 1.0f);
    random.fill(maps, 0, 1);
    for (int64_t i = 3; i < t.n * t.positions; i += 11) {
      for (int64_t k = 0; k < t.d; ++k) feature[i * t.d + k] = 0;
    }
    for (int64_t b = 0; b < t.n; ++b) {
      if (offsets[b + 1] - offsets[b] >= 4) {
        const int64_t last = (offsets[b + 1] - 1) * t.positions, twin = last - 2 * t.positions;
        for (int64_t i = 0; i < t.positions; ++i) maps[last + i] = maps[twin + i];
        for (int64_t i = 0; i < t.positions; ++i) maps[last - t.positions + i] = 0;
      }
    }
  }
  int64_t row(int64_t image, int32_t id) {
    for (int64_t k = offsets[image]; k < offsets[image + 1]; ++k)
      if (ids[k] == id) return k;
    return -1;
  }
};

double dot(const float* a, const float* b, int64_t d) {
  double total = 0;
  for (int64_t k = 0; k < d; ++k) total += static_cast<double>(a[k]) * static_cast<double>(b[k]);
  return total;
}

void structure(const Setting& t, Random& random) {
  const std::string name = std::string("structure ") + t.name;
  Problem p(t, random);
  constexpr double kEps = 1e-5;
  const int64_t hw = t.positions;
  std::vector<double> iou(p.rows.count() * hw);
  for (int64_t b = 0; b < t.n; ++b)
    for (int64_t i = 0; i < hw; ++i) {
      const float* f = p.feature.get() + (b * hw + i) * t.d;
      double total = 0;
      std::vector<double> cosine(hw);
      for (int64_t j = 0; j < hw; ++j) {
        const float* g = p.feature.get() + (b * hw + j) * t.d;
        const double scale =
            (std::sqrt(dot(f, f, t.d)) + kEps) * (std::sqrt(dot(g, g, t.d)) + kEps);
        total += cosine[j] = std::fmax(0.0, dot(f, g, t.d) / scale);
      }
      for (int64_t k = p.offsets[b]; k < p.offsets[b + 1]; ++k) {
        double mass = 0, inter = 0;
        for (int64_t j = 0; j < hw; ++j) {
          mass += p.maps[k * hw + j];
          inter += cosine[j] * p.maps[k * hw + j];
        }
        iou[k * hw + i] = inter / (total + mass - inter) * (p.ids[k] == 0 ? 0.5 : 1);
      }
    }
  Array<float> valid(t.n * hw);
  for (int64_t i = 0; i < valid.size(); ++i) valid[i] = i % 5 == 4 ? 0.0f : 1.0f;
  /* Classes that may have seeds: those of the rows without the second of each image. */
  std::vector<std::vector<int32_t>> few = t.classes;
  for (auto& image : few)
    if (image.size() > 1) image.erase(image.begin() + 1);
  const Rows present(few);
  Array<int32_t> present_offsets(present.offsets), present_ids(present.ids);

  each_way(name, [&](const wisp::Kernels& kernels, const std::string& at, Bits& bits) {
    Array<float> actual(p.rows.count() * hw);
    Array<int32_t> seeds(t.n * hw);
    actual.fill(-7);
    seeds.fill(-7);
    kernels.structure_seeds(p.feature.get(), t.n, hw, t.d, p.maps.get(), p.offsets.get(),
                            p.ids.get(), present_offsets.get(), present_ids.get(), t.total,
                            valid.get(), 1e-5f, seeds.get(), actual.get());
    expect_near(actual, iou, 2e-6, at + "iou");
    /* The choice follows from the ratios the kernel itself found, ties and NaN among them. */
    for (int64_t b = 0; b < t.n; ++b)
      for (int64_t i = 0; i < hw; ++i) {
        const float* f = p.feature.get() + (b * hw + i) * t.d;
        const float without_row = dot(f, f, t.d) == 0 ? NAN : 0;
        int32_t winner = -1;
        float best = 0;
        for (int32_t id = 0; id < t.total; ++id) {
          const int64_t k = p.row(b, id);
          const float value = k < 0 ? without_row : actual[k * hw + i];
          if (winner < 0 || value > best || (std::isnan(value) && !std::isnan(best))) {
            winner = id;
            best = value;
          }
        }
        bool kept = valid[b * hw + i] != 0 && winner >= 0;
        bool listed = false;
        for (int32_t id : few[b]) listed = listed || id == winner;
        kept = kept && listed;
        expect(seeds[b * hw + i] == (kept ? winner : -1), at + "seed of " + std::to_string(i));
      }
    for (int64_t b = 0; b < t.n; ++b) {
      if (p.offsets[b + 1] - p.offsets[b] < 4 || p.ids[p.offsets[b + 1] - 3] == 0) continue;
      const float* last = actual.get() + (p.offsets[b + 1] - 1) * hw;
      expect(std::memcmp(last, last - 2 * hw, hw * sizeof(float)) == 0,
             at + "equal maps must give equal bits");
    }
    bits.compare(actual.copy(), "ratios");
    bits.compare(seeds.copy(), "seeds");
    Array<int32_t> again(t.n * hw);
    kernels.structure_seeds(p.feature.get(), t.n, hw, t.d, p.maps.get(), p.offsets.get(),
                            p.ids.get(), present_offsets.get(), present_ids.get(), t.total,
                            valid.get(), 1e-5f, again.get(), nullptr);
    expect_same(again.copy(), seeds.copy(), at + "seeds with and without ratios");
  });
}

void reactivation(const Setting& t, Random& random) {
  const std::string name = std::string("reactivation ") + t.name;
  Problem p(t, random);
  const int64_t hw = t.positions, rows = p.rows.count(), d = t.d;
  Array<int32_t> seeds(t.n * hw);
  for (int64_t i = 0; i < seeds.size(); ++i) {
    seeds[i] = static_cast<int32_t>(random.below(t.total + 2)) - 1; /* also ids without a row */
  }
  std::vector<double> means(rows * d), pulled(t.n * hw * d);
  Array<float> d_means(rows * d), gradient_before(t.n * hw * d);
  random.fill(d_means, -1, 1);
  random.fill(gradient_before, -1, 1);
  for (int64_t i = 0; i < t.n * hw; ++i) {
    const int64_t k = p.row(i / hw, seeds[i]);
    for (int64_t c = 0; c < d; ++c) {
      const double share = 1.0 / static_cast<double>(hw);
      if (k >= 0) means[k * d + c] += static_cast<double>(p.feature[i * d + c]) * share;
      pulled[i * d + c] = gradient_before[i * d + c];
      if (k >= 0) pulled[i * d + c] += static_cast<double>(d_means[k * d + c]) * share;
    }
  }
  Array<float> prototypes(rows * d), d_maps(rows * hw);
  random.fill(prototypes, -0.5f, 1.0f);
  random.fill(d_maps, -1, 1);
  for (int64_t c = 0; c < d && rows > 1; ++c) prototypes[d + c] = 0;
  std::vector<double> maps(rows * hw), df(t.n * hw * d), dp(rows * d);
  for (int64_t i = 0; i < t.n * hw * d; ++i) df[i] = gradient_before[i];
  for (int64_t b = 0; b < t.n; ++b)
    for (int64_t k = p.offsets[b]; k < p.offsets[b + 1]; ++k)
      for (int64_t i = 0; i < hw; ++i) {
        const float* f = p.feature.get() + (b * hw + i) * d;
        const float* q = prototypes.get() + k * d;
        const double f_norm = std::sqrt(dot(f, f, d)), q_norm = std::sqrt(dot(q, q, d));
        const double fn = std::fmax(f_norm, 1e-8), qn = std::fmax(q_norm, 1e-8);
        const double cosine = dot(f, q, d) / fn / qn;
        maps[k * hw + i] = std::fmax(cosine, 0.0);
        if (!(cosine > 0)) continue;
        for (int64_t c = 0; c < d; ++c) {
          const double g = d_maps[k * hw + i];
          df[(b * hw + i) * d + c] +=
              g * (q[c] / qn - (f_norm < 1e-8 ? 0 : cosine) * f[c] / fn) / fn;
          dp[k * d + c] += g * (f[c] / fn - (q_norm < 1e-8 ? 0 : cosine) * q[c] / qn) / qn;
        }
      }

  each_way(name, [&](const wisp::Kernels& kernels, const std::string& at, Bits& bits) {
    Array<float> mean(rows * d), gradient(gradient_before.copy());
    mean.fill(NAN);
    kernels.prototypes(p.feature.get(), t.n, hw, d, seeds.get(), p.offsets.get(),
                       p.ids.get(), t.total, mean.get());
    expect_near(mean, means, 2e-6, at + "prototypes");
    kernels.prototypes_backward(d_means.get(), t.n, hw, d, seeds.get(), p.offsets.get(),
                                p.ids.get(), t.total, gradient.get());
    expect_near(gradient, pulled, 1e-6, at + "gradient of prototypes");

    Array<float> f_norms(t.n * hw), p_norms(rows), map(rows * hw);
    f_norms.fill(NAN);
    p_norms.fill(NAN);
    map.fill(NAN);
    kernels.reactivate(p.feature.get(), t.n, hw, d, prototypes.get(), p.offsets.get(),
                       f_norms.get(), p_norms.get(), map.get());
    expect_near(map, maps, 2e-6, at + "maps");
    Array<float> d_feature(gradient_before.copy()), d_prototypes(rows * d);
    d_prototypes.fill(NAN);
    kernels.reactivate_backward(p.feature.get(), t.n, hw, d, prototypes.get(),
                                p.offsets.get(), f_norms.get(), p_norms.get(), map.get(),
                                d_maps.get(), d_feature.get(), d_prototypes.get());
    const double scale = 1 + std::sqrt(static_cast<double>(hw));
    expect_near(d_feature, df, 1e-5 * scale, at + "gradient of features");
    expect_near(d_prototypes, dp, 1e-5 * scale, at + "gradient of the reactivated prototypes");
    for (Array<float>* result : {&mean, &gradient, &map, &d_feature, &d_prototypes}) {
      bits.compare(result->copy(), "reactivation");
    }
  });
}

void refusals() {
  float f[8] = {};
  int32_t seeds[8] = {}, offsets[] = {0, 1}, ids[] = {0}, high[] = {3}, falling[] = {0, -1};
  const auto structure_of = [&](const float* feature, int64_t positions, const int32_t* rows,
                                const int32_t* names) {
    return wisp_structure_seeds(feature, 1, positions, 1, f, rows, names, offsets, ids, 3, nullptr,
                                1e-5f, seeds, nullptr);
  };
  expect(structure_of(f, 2, offsets, ids) == WISP_OK, wisp_error_message());
  expect_refused(structure_of(nullptr, 2, offsets, ids), "structure_of");
  expect_refused(structure_of(f, -2, offsets, ids), "structure_of");
  expect_refused(structure_of(f, INT64_MAX, offsets, ids), "structure_of");
  expect_refused(structure_of(f, 2, falling, ids), "structure_of");
  expect_refused(structure_of(f, 2, offsets, high), "structure_of");
  expect_refused(structure_of(f, 2, nullptr, ids), "structure_of");
  expect_refused(wisp_prototypes(f, 1, 2, 1, nullptr, offsets, ids, 3, f), "wisp_prototypes");
  expect_refused(wisp_prototypes(f, 1, 2, 1, seeds, offsets, high, 3, f), "wisp_prototypes");
  expect_refused(wisp_reactivate(f, 1, 2, 1, f, falling, f, f, f), "wisp_reactivate");
}

Check seeds_check("seeds", [] {
  Random random(29);
  const Setting cases[] = {
      {"one position", 1, 1, 1, {{0}}, 1},
      {"one short of a panel", 1, 47, 15, {{0, 2}}, 3},
      {"one panel", 1, 48, 16, {{0, 1, 2}}, 3},
      {"one over a panel", 1, 49, 17, {{0, 1, 2, 3}}, 4},
      {"images of unlike classes", 3, 63, 33, {{0, 2, 5}, {0}, {0, 1, 3, 4, 5}}, 6},
      {"an image without rows", 2, 20, 40, {{}, {0, 1, 2, 3}}, 5},
      {"more classes than a group", 1, 150, 70, {{0, 1, 2, 3, 4, 5, 6, 7, 8}}, 9},
      {"more pairs than runs", 1, 430, 31, {{0, 4, 9}}, 81},
      {"channels over a block", 2, 35, 261, {{0, 3}, {0, 1, 2, 3, 4, 6}}, 7},
  };
  for (const Setting& t : cases) {
    structure(t, random);
    reactivation(t, random);
  }
  refusals();
});

}  // namespace
}  // namespace wisp_tests
