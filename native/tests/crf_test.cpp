/* Dense CRF: the lattice's values in double precision on float32 geometry, found by an own search. */
#include <map>

#include "oracle.h"

namespace wisp_tests {
namespace {

/* A pixel's simplex: the keys of its corners and their weights. */
struct Corners {
  std::vector<std::vector<int>> keys;
  std::vector<float> weights;
};

/* Straight from the paper: the nearest point of remainder 0, then the corners by sorted residuals. */
Corners corners(const std::vector<float>& feature) {
  const int d = static_cast<int>(feature.size());
  const float deviation = static_cast<float>(std::sqrt(2.0 / 3.0) * (d + 1));
  std::vector<float> elevated(d + 1);
  float sum = 0;
  for (int j = d; j > 0; --j) {
    const float scale = static_cast<float>(1.0 / std::sqrt((j + 0.0) * (j + 1.0)) *
                                           static_cast<double>(deviation));
    const float part = feature[j - 1] * scale;
    elevated[j] = sum - static_cast<float>(j) * part;
    sum = sum + part;
  }
  elevated[0] = sum;
  std::vector<int> base(d + 1), order(d + 1);
  int excess = 0;
  for (int i = 0; i <= d; ++i) {
    base[i] = static_cast<int>(std::nearbyint(elevated[i] * (1.0f / static_cast<float>(d + 1))));
    excess += base[i];
    base[i] *= d + 1;
    order[i] = i;
  }
  const auto residual = [&](int i) { return elevated[i] - static_cast<float>(base[i]); };
  /* Largest residual first; of equal ones the lower index: the higher one has the larger rank. */
  for (int i = 0; i <= d; ++i)
    for (int j = d; j > i; --j)
      if (residual(order[j - 1]) < residual(order[j]) ||
          (residual(order[j - 1]) == residual(order[j]) && order[j - 1] > order[j]))
        std::swap(order[j - 1], order[j]);
  /* Walk to the plane of sum 0: down from the smallest residuals, or up from the largest. */
  std::vector<int> rank(d + 1);
  for (int place = 0; place <= d; ++place) rank[order[place]] = place;
  for (int i = 0; i <= d; ++i) {
    const int moved = rank[i] + excess;
    rank[i] = moved < 0 ? moved + d + 1 : moved > d ? moved - d - 1 : moved;
    if (moved < 0) base[i] += d + 1;
    if (moved > d) base[i] -= d + 1;
  }
  std::vector<float> share(d + 2);
  for (int i = 0; i <= d; ++i) {
    const float v = residual(i) * (1.0f / static_cast<float>(d + 1));
    share[d - rank[i]] += v;
    share[d + 1 - rank[i]] -= v;
  }
  share[0] += 1.0f + share[d + 1];
  Corners found;
  for (int r = 0; r <= d; ++r) {
    std::vector<int> key;
    for (int i = 0; i <= d; ++i) key.push_back(base[i] + (rank[i] <= d - r ? r : r - (d + 1)));
    found.keys.push_back(key);
    found.weights.push_back(share[r]);
  }
  return found;
}

using Vertices = std::map<std::vector<int>, double>;

struct Oracle {
  std::vector<Corners> pixels;
  Vertices none;
  int dimensions;

  Oracle(const std::vector<float>& image, int64_t h, int64_t w, float spatial, float colour)
      : dimensions(image.empty() ? 2 : 5) {
    for (int64_t p = 0; p < h * w; ++p) {
      std::vector<float> feature = {static_cast<float>(p % w) / spatial,
                                    static_cast<float>(p / w) / spatial};
      for (int c = 0; c < 3 && !image.empty(); ++c) feature.push_back(image[p * 3 + c] / colour);
      pixels.push_back(corners(feature));
      for (const auto& key : pixels.back().keys) none[key] = 0;
    }
    if (h * w % 4 != 0) {
      for (const auto& key : corners(std::vector<float>(dimensions)).keys) none[key] = 0;
    }
  }

  std::vector<double> filter(const std::vector<double>& values) const {
    Vertices now = none;
    for (size_t p = 0; p < pixels.size(); ++p)
      for (int r = 0; r <= dimensions; ++r)
        now[pixels[p].keys[r]] += static_cast<double>(pixels[p].weights[r]) * values[p];
    for (int axis = 0; axis <= dimensions; ++axis) {
      Vertices next;
      for (const auto& vertex : now) {
        double beside = 0;
        for (int step : {-1, 1}) {
          std::vector<int> key = vertex.first;
          for (int i = 0; i <= dimensions; ++i) key[i] += i == axis ? -step * dimensions : step;
          const auto found = now.find(key);
          if (found != now.end()) beside += found->second;
        }
        next[vertex.first] = vertex.second + 0.5 * beside;
      }
      now = next;
    }
    std::vector<double> out(pixels.size());
    for (size_t p = 0; p < pixels.size(); ++p)
      for (int r = 0; r <= dimensions; ++r)
        out[p] += static_cast<double>(pixels[p].weights[r]) * now[pixels[p].keys[r]] /
                  (1 + std::pow(2.0, -dimensions));
    return out;
  }
};

void check(int64_t channels, int64_t h, int64_t w, float spatial, float colour, Random& random) {
  const std::string name = "lattice " + std::to_string(channels) + "x" + std::to_string(h) + "x" +
                           std::to_string(w) + ", " + std::to_string(spatial);
  const int64_t pixels = h * w;
  Array<float> image(pixels * 3), values(channels * pixels), unary(channels * pixels);
  for (int64_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(random.below(256));
  random.fill(values, -1, 1);
  random.fill(unary, 0, 3);
  for (bool colours : {false, true}) {
    const Oracle oracle(colours ? image.copy() : std::vector<float>(), h, w, spatial, colour);
    std::vector<double> expected;
    for (int64_t c = 0; c < channels; ++c) {
      std::vector<double> channel;
      for (int64_t p = 0; p < pixels; ++p)
        channel.push_back(static_cast<double>(values[c * pixels + p]));
      for (double value : oracle.filter(channel)) expected.push_back(value);
    }
    each_way(name, [&](const wisp::Kernels& kernels, const std::string& at, Bits& bits) {
      Array<float> out(channels * pixels);
      out.fill(NAN);
      kernels.lattice_filter(colours ? image.get() : nullptr, h, w, spatial, colour, values.get(),
                             channels, out.get());
      expect_near(out, expected, 1e-5 * static_cast<double>(pixels), at + "filter");
      bits.compare(out.copy(), "filters");
    });
  }
  each_way(name, [&](const wisp::Kernels& kernels, const std::string& at, Bits& bits) {
    Array<float> q(channels * pixels);
    q.fill(NAN);
    kernels.dense_crf(unary.get(), image.get(), channels, h, w, 4, 3, 3, spatial, colour, 10,
                      q.get());
    for (int64_t p = 0; p < pixels; ++p) {
      double sum = 0;
      for (int64_t c = 0; c < channels; ++c) sum += static_cast<double>(q[c * pixels + p]);
      expect(std::fabs(sum - 1) < 1e-5, at + "probabilities of a pixel add up to 1");
    }
    bits.compare(q.copy(), "probabilities");
  });
}

Check crf("crf", [] {
  Random random(15);
  check(1, 1, 1, 3, 5, random);
  check(2, 1, 3, 3, 5, random);
  check(3, 7, 5, 0.4f, 2, random);
  check(5, 13, 11, 20, 40, random);
  check(9, 4, 8, 50, 5, random);
});

Check wild("crf_of_wild_colours_stays_inside", [] {
  Array<float> image(12), values(4), q(4);
  const float wild[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-40f};
  for (int64_t i = 0; i < 12; ++i) image[i] = wild[i % 6];
  values.fill(1);
  each_way("wild", [&](const wisp::Kernels& kernels, const std::string&, Bits&) {
    kernels.lattice_filter(image.get(), 2, 2, 1e-30f, 1e-30f, values.get(), 1, q.get());
    kernels.dense_crf(values.get(), image.get(), 1, 2, 2, 2, 1e-30f, 3, 1e30f, 1e-30f, 10, q.get());
  });
});

Check refused("crf_refuses", [] {
  float values[12] = {};
  const auto filter = [&](int64_t h, float spatial, float colour) {
    return wisp_lattice_filter(values, h, 1, spatial, colour, values, 1, values);
  };
  expect_refused(filter(-1, 1, 1), "a negative size");
  expect_refused(filter(INT64_MAX / 2, 1, 1), "a size beyond memory");
  expect_refused(filter(1 << 30, 1, 1), "more pixels than corners can be counted");
  expect_refused(filter(1, 0, 1), "a deviation of 0");
  expect_refused(filter(1, 1, NAN), "a deviation that is no number");
  expect_refused(wisp_dense_crf(values, nullptr, 1, 1, 1, 1, 1, 1, 1, 1, 1, values), "no image");
  expect_refused(wisp_dense_crf(values, values, 1, 1, 1, -1, 1, 1, 1, 1, 1, values),
                 "a negative number of steps");
});

}  // namespace
}  // namespace wisp_tests
