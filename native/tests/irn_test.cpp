/* Group norm, path losses and random walk against formulas in double precision. */
#include <algorithm>

#include "oracle.h"

namespace wisp_tests {
namespace {

/* The paths of a radius, by their definition. */
struct Paths {
  std::vector<int32_t> offsets = {0}, coordinates;

  explicit Paths(int32_t radius) {
    std::vector<std::vector<std::pair<int32_t, int32_t>>> all;
    for (int32_t dy = 0; dy < radius; ++dy)
      for (int32_t dx = dy == 0 ? 1 : 1 - radius; dx < radius; ++dx) {
        const int32_t length = dy * dy + dx * dx;
        if (length >= radius * radius) continue;
        std::vector<std::pair<int32_t, int32_t>> path;
        for (int32_t y = 0; y <= dy; ++y)
          for (int32_t x = std::min(0, dx); x <= std::max(0, dx); ++x) {
            const int32_t cross = dy * x - dx * y;
            if (cross * cross < length) path.emplace_back(y, x);
          }
        std::stable_sort(path.begin(), path.end(), [](const auto& a, const auto& b) {
          return a.first + std::abs(a.second) > b.first + std::abs(b.second);
        });
        all.push_back(path);
      }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.size() < b.size(); });
    for (const auto& path : all) {
      offsets.push_back(offsets.back() + static_cast<int32_t>(path.size()));
      for (const auto& at : path) {
        coordinates.push_back(at.first);
        coordinates.push_back(at.second);
      }
    }
  }

  int64_t count() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

struct Map {
  int64_t n, h, w;
  int32_t radius;
};

/* Around the sources' first column, one vector of every tier, and several rows. */
Map sized(int64_t size) {
  const int32_t radius = size % 2 == 0 ? 5 : 3;
  return {1 + size % 3, 3 + size % 11, size + 2 * (radius - 1), radius};
}

const std::vector<int64_t> kWidths = {0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33};

Case group_norm("group_norm_forward", {1, 3, 8, 17, 40}, [](Run& run, int64_t size) {
  const int64_t n = 2, groups = 1 + size % 3, c = groups * size, positions = 37;
  const float* x = run.input(n * positions * c, -2, 3);
  const float* gamma = run.input(c, 0.5, 1.5);
  const float* beta = run.input(c);
  run.kernels.group_norm_forward(x, gamma, beta, 1e-5f, 1, run.output(n * positions * c),
                                 run.output(n * groups), run.output(n * groups), n, positions, c,
                                 groups);
});

Case group_norm_backward("group_norm_backward", {1, 3, 8, 17, 40}, [](Run& run, int64_t size) {
  const int64_t n = 2, groups = 1 + size % 3, c = groups * size, positions = 37;
  const float* x = run.input(n * positions * c, -2, 3);
  const float* dy = run.input(n * positions * c);
  const float* gamma = run.input(c, 0.5, 1.5);
  const float* mean = run.input(n * groups);
  const float* inv_std = run.input(n * groups, 0.5, 2);
  run.kernels.group_norm_backward(x, dy, gamma, mean, inv_std, run.output(n * positions * c),
                                  run.output(c), run.output(c), n, positions, c, groups);
});

Case crop("crop", {1, 3, 16, 33}, [](Run& run, int64_t c) {
  const float* source = run.input(2 * 4 * 5 * c);
  run.kernels.crop(source, run.updated(2 * 3 * 4 * (c + 2)), 2, 4, 5, c, 3, 4, c + 2, 1);
});

Case crop_backward("crop_backward", {1, 3, 16, 33}, [](Run& run, int64_t c) {
  const float* d_target = run.input(2 * 3 * 4 * (c + 2));
  run.kernels.crop_backward(d_target, run.output(2 * 4 * 5 * c), 2, 4, 5, c, 3, 4, c + 2, 1);
});

Case sigmoid("sigmoid", kLengths, [](Run& run, int64_t n) {
  const float* x = run.input(n, -9, 9);
  run.kernels.sigmoid(x, 0.5f, run.output(n), n);
});

Case sigmoid_backward("sigmoid_backward", kLengths, [](Run& run, int64_t n) {
  const float* y = run.input(n, 0, 1);
  const float* dy = run.input(n);
  run.kernels.sigmoid_backward(y, dy, 0.5f, run.output(n), n);
});

Case pair_counts("pair_counts", kWidths, [](Run& run, int64_t size) {
  const Map m = sized(size);
  const Paths paths(m.radius);
  const int32_t* label = run.ints(m.n * m.h * m.w, -1, 5);
  run.kernels.pair_counts(label, m.n, m.h, m.w, m.radius, run.ints(paths.offsets),
                          run.ints(paths.coordinates), paths.count(), 3, run.output(m.n * 3, 0));
});

Case path_affinity_loss("path_affinity_loss", kWidths, [](Run& run, int64_t size) {
  const Map m = sized(size);
  const Paths paths(m.radius);
  const float* boundary = run.input(m.n * m.h * m.w, 0, 1);
  const int32_t* label = run.ints(m.n * m.h * m.w, -1, 3);
  const float* weights = run.input(3, 0, 0.1f);
  run.kernels.path_affinity_loss(boundary, label, m.n, m.h, m.w, m.radius, run.ints(paths.offsets),
                                 run.ints(paths.coordinates), paths.count(), 1, weights,
                                 run.output(m.n * 3), run.output(m.n * m.h * m.w));
});

Case displacement_loss("displacement_loss", kWidths, [](Run& run, int64_t size) {
  const Map m = sized(size);
  const Paths paths(m.radius);
  const float* displacement = run.input(m.n * m.h * m.w * 2, -3, 3);
  const int32_t* label = run.ints(m.n * m.h * m.w, -1, 3);
  const float* weights = run.input(2, 0, 0.1f);
  run.kernels.displacement_loss(displacement, label, m.n, m.h, m.w, m.radius,
                                run.ints(paths.offsets), run.ints(paths.coordinates),
                                paths.count(), 1, weights, run.output(m.n * 2),
                                run.output(m.n * m.h * m.w * 2));
});

Case random_walk("random_walk", {1, 3, 8, 9, 16, 17, 33}, [](Run& run, int64_t size) {
  const Map m = {1, 7, size, static_cast<int32_t>(2 + size % 4)};
  const Paths paths(m.radius);
  const float* boundary = run.input(m.h * m.w, 0, 1);
  const float* maps = run.input(5 * m.h * m.w, 0, 1);
  run.kernels.random_walk(boundary, maps, 5, m.h, m.w, m.radius, run.ints(paths.offsets),
                          run.ints(paths.coordinates), paths.count(), 10, 3,
                          run.output(5 * m.h * m.w));
});

/* The dense matrix, multiplied out. */
Check walk_is_the_matrix_power("random_walk is a power of the transition matrix", [] {
  const int64_t h = 5, w = 9, p = h * w, steps = 6;
  const int32_t radius = 4;
  const Paths paths(radius);
  std::vector<float> boundary(p), maps(p), out(p);
  for (int64_t i = 0; i < p; ++i) {
    boundary[i] = static_cast<float>((i * 7 + 3) % 11) / 20;
    maps[i] = static_cast<float>((i * 5 + 1) % 13) / 13;
  }
  std::vector<double> affinity(p * p, 0), now(p), next(p);
  for (int64_t i = 0; i < p; ++i) affinity[i * p + i] = 1;
  for (int64_t k = 0; k < paths.count(); ++k)
    for (int64_t i = 0; i < p; ++i) {
      const int32_t* to = &paths.coordinates[2 * paths.offsets[k]];
      const int64_t y = i / w + to[0], x = i % w + to[1];
      if (y >= h || x < 0 || x >= w) continue;
      float highest = 0;
      for (int32_t at = paths.offsets[k]; at < paths.offsets[k + 1]; ++at) {
        const int64_t step = paths.coordinates[2 * at] * w + paths.coordinates[2 * at + 1];
        highest = std::max(highest, boundary[i + step]);
      }
      const double a = std::pow(1 - static_cast<double>(highest), 10.0);
      affinity[i * p + y * w + x] = affinity[(y * w + x) * p + i] = a;
    }
  for (int64_t i = 0; i < p; ++i) now[i] = maps[i] * (1 - static_cast<double>(boundary[i]));
  for (int64_t s = 0; s < steps; ++s) {
    for (int64_t j = 0; j < p; ++j) {
      double sum = 0, column = 0;
      for (int64_t i = 0; i < p; ++i) {
        sum += now[i] * affinity[i * p + j];
        column += affinity[i * p + j];
      }
      next[j] = sum / column;
    }
    now.swap(next);
  }
  expect(wisp_random_walk(boundary.data(), maps.data(), 1, h, w, radius, paths.offsets.data(),
                          paths.coordinates.data(), paths.count(), 10, steps,
                          out.data()) == WISP_OK,
         "the walk runs");
  for (int64_t i = 0; i < p; ++i)
    expect(std::fabs(out[i] - now[i]) <= 1e-7, "position " + std::to_string(i));
});

/* A coordinate outside its path's box could be read outside the map. */
Check wild_paths_are_refused("paths that leave their box are refused", [] {
  const std::vector<float> map(25, 0.5f);
  std::vector<float> out(25);
  const int32_t offsets[] = {0, 2};
  for (const auto& wild : std::vector<std::vector<int32_t>>{
           {0, 1, 1, 0}, {0, 1, 0, -1}, {0, 5, 0, 0}, {-1, 1, 0, 0}, {1, -1, 0, 1}}) {
    expect(wisp_random_walk(map.data(), map.data(), 1, 5, 5, 3, offsets, wild.data(), 1, 10, 1,
                            out.data()) == WISP_BAD_ARGUMENT,
           "coordinates " + std::to_string(wild[0]) + " " + std::to_string(wild[1]));
  }
});

}  // namespace
}  // namespace wisp_tests
