#include "lattice.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace {

/* A point's simplex, float32 in the order of operations that the kernels' header demands. */
struct Simplex {
  std::vector<Ints> keys;
  Floats weights;

  explicit Simplex(const Floats& feature) {
    const int d = static_cast<int>(feature.size());
    const float deviation = static_cast<float>(std::sqrt(2.0 / 3.0) * (d + 1));
    const float inverse = 1.0f / static_cast<float>(d + 1);
    Floats elevated(d + 1), share(d + 2);
    float sum = 0;
    for (int j = d; j > 0; --j) {
      const double scale = 1.0 / std::sqrt(j * (j + 1.0)) * static_cast<double>(deviation);
      const float part = feature[j - 1] * static_cast<float>(scale);
      elevated[j] = sum - static_cast<float>(j) * part;
      sum += part;
    }
    elevated[0] = sum;
    Ints base(d + 1), order(d + 1), rank(d + 1);
    int excess = 0;
    for (int i = 0; i <= d; ++i) {
      const int nearest = static_cast<int>(std::nearbyint(elevated[i] * inverse));
      excess += nearest;
      base[i] = nearest * (d + 1);
      order[i] = i;
    }
    const auto residual = [&](int i) { return elevated[i] - static_cast<float>(base[i]); };
    /* Largest first; of equal ones that of the lower index. */
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return residual(a) > residual(b); });
    for (int place = 0; place <= d; ++place) rank[order[place]] = place + excess;
    for (int i = 0; i <= d; ++i) {
      const int over = rank[i] < 0 ? d + 1 : rank[i] > d ? -(d + 1) : 0;
      rank[i] += over;
      base[i] += over;
    }
    for (int i = 0; i <= d; ++i) {
      const float v = residual(i) * inverse;
      share[d - rank[i]] += v;
      share[d + 1 - rank[i]] -= v;
    }
    share[0] += 1.0f + share[d + 1];
    for (int r = 0; r <= d; ++r) {
      Ints key;
      for (int i = 0; i < d; ++i) key.push_back(base[i] + (rank[i] <= d - r ? r : r - (d + 1)));
      keys.push_back(key);
      weights.push_back(share[r]);
    }
  }
};

}  // namespace

Lattice::Lattice(const Floats& image, long long h, long long w, float spatial, float colour)
    : pixels(h * w),
      points(pixels % 4 == 0 ? pixels : pixels + 1),
      corners(image.empty() ? 3 : 6),
      vertex(points * corners),
      weight(pixels * corners) {
  std::map<Ints, int> numbers;
  std::vector<Ints> keys{Ints()};
  for (long long p = 0; p < points; ++p) {
    Floats feature(corners - 1);
    if (p < pixels) {
      feature[0] = static_cast<float>(p % w) / spatial;
      feature[1] = static_cast<float>(p / w) / spatial;
      for (int c = 2; c < corners - 1; ++c) feature[c] = image[p * 3 + c - 2] / colour;
    }
    const Simplex simplex(feature);
    for (int r = 0; r < corners; ++r) {
      const auto entry = numbers.emplace(simplex.keys[r], rows);
      if (entry.second) {
        keys.push_back(simplex.keys[r]);
        ++rows;
      }
      vertex[p * corners + r] = entry.first->second;
      if (p < pixels) weight[p * corners + r] = simplex.weights[r];
    }
  }
  for (int axis = 0; axis < corners; ++axis)
    for (int row = 0; row < rows; ++row)
      for (const int step : {-1, 1}) {
        Ints key = keys[row];
        for (int i = 0; i < static_cast<int>(key.size()); ++i)
          key[i] += i == axis ? -step * (corners - 1) : step;
        const auto found = numbers.find(key);
        beside.push_back(row == 0 || found == numbers.end() ? 0 : found->second);
      }
  std::vector<Ints> lists(rows);
  for (long long k = 0; k < pixels * corners; ++k)
    lists[vertex[k]].push_back(static_cast<int>(k));
  for (const Ints& list : lists) {
    begin.push_back(static_cast<int>(pixel.size()));
    for (const int corner : list) {
      pixel.push_back(corner / corners);
      share.push_back(weight[corner]);
    }
  }
  begin.push_back(static_cast<int>(pixel.size()));
}

Doubles Lattice::splat(const Doubles& values, int channels) const {
  Doubles work(static_cast<size_t>(rows) * channels);
  for (int row = 0; row < rows; ++row)
    for (int at = begin[row]; at < begin[row + 1]; ++at)
      for (int c = 0; c < channels; ++c)
        work[row * channels + c] +=
            static_cast<double>(share[at]) *
            values[static_cast<long long>(pixel[at]) * channels + c];
  return work;
}

Doubles Lattice::blur(const Doubles& from, int axis, int channels) const {
  Doubles to(from.size());
  for (int row = 1; row < rows; ++row)
    for (int c = 0; c < channels; ++c) {
      const int* pair = beside.data() + (static_cast<long long>(axis) * rows + row) * 2;
      to[row * channels + c] = from[row * channels + c] + 0.5 * (from[pair[0] * channels + c] +
                                                                 from[pair[1] * channels + c]);
    }
  return to;
}

Doubles Lattice::filter(const Doubles& values, int channels) const {
  Doubles work = splat(values, channels), out(values.size());
  for (int axis = 0; axis < corners; ++axis) work = blur(work, axis, channels);
  for (long long k = 0; k < pixels * corners; ++k)
    for (int c = 0; c < channels; ++c)
      out[k / corners * channels + c] += static_cast<double>(weight[k]) *
                                         work[vertex[k] * channels + c] /
                                         (1 + std::ldexp(1.0, 1 - corners));
  return out;
}
