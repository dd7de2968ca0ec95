#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kBlock = {256};
constexpr double kLogEps = 1e-5;

struct Offset {
  int y, x;
};

/* Straight paths shorter than a radius, as dev.wisp.backend.PathIndex has them. */
struct Paths {
  int radius;
  std::vector<std::vector<Offset>> all;
  Ints offsets{0}, coordinates;

  explicit Paths(int of) : radius(of) {
    for (int dy = 0; dy < radius; ++dy)
      for (int dx = dy == 0 ? 1 : 1 - radius; dx < radius; ++dx) {
        const int length = dy * dy + dx * dx;
        if (length >= radius * radius) continue;
        std::vector<Offset> path;
        for (int y = 0; y <= dy; ++y)
          for (int x = std::min(0, dx); x <= std::max(0, dx); ++x)
            if ((dy * x - dx * y) * (dy * x - dx * y) < length) path.push_back({y, x});
        std::stable_sort(path.begin(), path.end(), [](Offset a, Offset b) {
          return a.y + std::abs(a.x) > b.y + std::abs(b.x);
        });
        all.push_back(path);
      }
    for (const auto& path : all) {
      for (const Offset at : path) {
        coordinates.push_back(at.y);
        coordinates.push_back(at.x);
      }
      offsets.push_back(static_cast<int>(coordinates.size() / 2));
    }
  }

  int count() const { return static_cast<int>(all.size()); }
};

/* Maps with labels of which some are none. */
struct Maps {
  int n, h, w, classes = 2;
  Ints label;

  Maps(int images, int height, int width) : n(images), h(height), w(width) {
    for (int i = 0; i < n * h * w; ++i) label.push_back(static_cast<int>(generator()() % 5) - 1);
  }

  /* Calls use(image, path, source, kind) for all pairs that count; source within the batch. */
  template <class Use>
  void each(const Paths& paths, const Use& use) const {
    const int margin = paths.radius - 1;
    for (int image = 0; image < n; ++image)
      for (const auto& path : paths.all)
        for (int y = 0; y < h - margin; ++y)
          for (int x = margin; x < w - margin; ++x) {
            const int source = (image * h + y) * w + x;
            const int a = label[source], b = label[source + path[0].y * w + path[0].x];
            if (std::min(a, b) < 0 || std::max(a, b) > classes) continue;
            use(image, path, source, a != b ? 2 : a == 0 ? 0 : 1);
          }
  }
};

/* Launches a pass over pieces of positions and adds the pieces: the totals [n, terms]. */
template <class... P>
Floats totals(const std::string& kernel, bool naive, const Maps& m, const Paths& paths, int terms,
              Pointer offsets, Pointer coordinates, P... first) {
  const int pieces = static_cast<int>(blocks(m.h * m.w, 256));
  const long long n = m.n;
  Array<double> sums(3 * n * pieces);
  Array<float> result(n * terms);
  const unsigned grid = naive ? blocks(pieces, 256) : static_cast<unsigned>(pieces);
  launch((kernel + (naive ? "_naive" : "")).c_str(), {grid, static_cast<unsigned>(m.n)}, kBlock,
         first..., offsets, coordinates, Pointer(sums), m.h, m.w, paths.radius - 1, paths.count(),
         m.classes);
  launch("wisp_pair_totals", {blocks(n * terms, 256)}, kBlock, Pointer(sums), Pointer(result), n,
         pieces, terms);
  return result.host();
}

std::string text(const char* what, const Maps& m, const Paths& paths) {
  return std::string(what) + " " + std::to_string(m.n) + "x" + std::to_string(m.h) + "x" +
         std::to_string(m.w) + " radius " + std::to_string(paths.radius);
}

/* The place of the first largest boundary on a path. */
int highest(const Floats& boundary, const std::vector<Offset>& path, int source, int w) {
  int best = -1;
  for (const Offset at : path) {
    const int place = source + at.y * w + at.x;
    if (best < 0 || boundary[place] > boundary[best]) best = place;
  }
  return best;
}

void affinities(const Maps& m, const Paths& paths, bool ties) {
  const size_t size = m.label.size();
  const Floats boundary = ties ? coarse(size) : uniform(size, 0, 1);
  const float weights[3] = {0.5f, 0.25f, 1.5f};
  Doubles counts(3 * m.n), losses(3 * m.n), slopes(size);
  m.each(paths, [&](int image, const std::vector<Offset>& path, int source, int kind) {
    const int at = highest(boundary, path, source, m.w);
    const double affinity = 1 - static_cast<double>(boundary[at]);
    const double inside = kind == 2 ? 1 + kLogEps - affinity : affinity + kLogEps;
    counts[image * 3 + kind] += 1;
    losses[image * 3 + kind] -= std::log(inside);
    slopes[at] += (kind == 2 ? -1 : 1) * weights[kind] / inside;
  });
  const Array<int> label(m.label), offsets(paths.offsets), coordinates(paths.coordinates);
  const Array<float> map(boundary);
  for (const bool naive : {false, true})
    expect_equal(text("pair counts", m, paths),
                 totals("wisp_pair_counts", naive, m, paths, 3, offsets, coordinates,
                        Pointer(label)),
                 Floats(counts.begin(), counts.end()));
  const auto loss = [&](bool naive) {
    return totals("wisp_path_affinity", naive, m, paths, 3, offsets, coordinates, Pointer(map),
                  Pointer(label));
  };
  expect_close(text("path affinity", m, paths), loss(false), loss(true), losses);
  Array<float> slope(size);
  launch("wisp_path_affinity_backward", {blocks(m.h * m.w, 256), static_cast<unsigned>(m.n)},
         kBlock, Pointer(map), Pointer(label), Pointer(offsets), Pointer(coordinates),
         Pointer(slope), m.h, m.w, paths.radius - 1, paths.count(), m.classes, weights[0],
         weights[1], weights[2]);
  const Floats got = slope.host(), want(slopes.begin(), slopes.end());
  expect_close(text("path affinity backward", m, paths), got, want, slopes);
  expect_zeros(text("path affinity backward", m, paths), got, slopes);
}

void displacements(const Maps& m, const Paths& paths, bool ties) {
  const size_t size = m.label.size();
  const Floats values = ties ? coarse(2 * size) : uniform(2 * size, -3, 3);
  const float weights[2] = {0.5f, 0.25f};
  Doubles losses(2 * m.n), slopes(2 * size);
  m.each(paths, [&](int image, const std::vector<Offset>& path, int source, int kind) {
    if (kind == 2) return;
    const int to = source + path[0].y * m.w + path[0].x;
    for (const int axis : {0, 1}) {
      double off = static_cast<double>(values[2 * source + axis]) - values[2 * to + axis];
      if (kind == 1) off -= axis == 0 ? path[0].y : path[0].x;
      losses[image * 2 + kind] += std::fabs(off);
      const double slope = weights[kind] * (off > 0 ? 1 : off < 0 ? -1 : 0);
      slopes[2 * source + axis] += slope;
      slopes[2 * to + axis] -= slope;
    }
  });
  const Array<int> label(m.label), offsets(paths.offsets), coordinates(paths.coordinates);
  const Array<float> map(values);
  const auto loss = [&](bool naive) {
    return totals("wisp_displacement", naive, m, paths, 2, offsets, coordinates, Pointer(map),
                  Pointer(label));
  };
  expect_close(text("displacement", m, paths), loss(false), loss(true), losses);
  Array<float> slope(2 * size);
  launch("wisp_displacement_backward", {blocks(m.h * m.w, 256), static_cast<unsigned>(m.n)},
         kBlock, Pointer(map), Pointer(label), Pointer(offsets), Pointer(coordinates),
         Pointer(slope), m.h, m.w, paths.radius - 1, paths.count(), m.classes, weights[0],
         weights[1]);
  /* Sums of quarters: exact. */
  expect_equal(text("displacement backward", m, paths), slope.host(),
               Floats(slopes.begin(), slopes.end()));
}

void walk(int c, int h, int w, const Paths& paths, double beta, int steps) {
  const int size = h * w;
  const Floats boundary = uniform(size, 0, 1), maps = uniform(c * size, 0, 1);
  std::vector<Doubles> transition(size, Doubles(size));
  for (int p = 0; p < size; ++p) {
    transition[p][p] = 1;
    for (const auto& path : paths.all) {
      const int y = p / w + path[0].y, x = p % w + path[0].x;
      if (y >= h || x < 0 || x >= w) continue;
      const double affinity =
          std::pow(1 - static_cast<double>(boundary[highest(boundary, path, p, w)]), beta);
      transition[p][y * w + x] = transition[y * w + x][p] = affinity;
    }
  }
  Doubles now(c * size);
  for (int i = 0; i < c * size; ++i)
    now[i] = maps[i] * (1 - static_cast<double>(boundary[i % size]));
  for (int s = 0; s < steps; ++s) {
    Doubles next(c * size);
    for (int j = 0; j < size; ++j) {
      double sum = 0;
      for (int i = 0; i < size; ++i) sum += transition[i][j];
      for (int m = 0; m < c; ++m)
        for (int i = 0; i < size; ++i)
          next[m * size + j] += now[m * size + i] * transition[i][j] / sum;
    }
    now = next;
  }
  const Array<int> offsets(paths.offsets), coordinates(paths.coordinates);
  const Array<float> edges(boundary), seeds(maps);
  Array<double> affinity(static_cast<size_t>(paths.count()) * size), inverse(size), a(c * size),
      b(c * size);
  Array<float> out(c * size);
  const int count = paths.count();
  const unsigned grid = blocks(size, 256);
  launch("wisp_walk_affinities", {grid, static_cast<unsigned>(count)}, kBlock, Pointer(edges),
         Pointer(offsets), Pointer(coordinates), Pointer(affinity), h, w, count, beta);
  launch("wisp_walk_inverse", {grid}, kBlock, Pointer(affinity), Pointer(offsets),
         Pointer(coordinates), Pointer(inverse), h, w, count);
  const long long maps_count = c, positions = size, elements = c * size;
  launch("wisp_walk_start", {blocks(elements, 256)}, kBlock, Pointer(edges), Pointer(seeds),
         Pointer(a), maps_count, positions);
  for (int s = 0; s < steps; ++s)
    launch("wisp_walk_step", {grid, blocks(c, 4)}, kBlock, s % 2 ? Pointer(b) : Pointer(a),
           Pointer(affinity), Pointer(inverse), Pointer(offsets), Pointer(coordinates),
           s % 2 ? Pointer(a) : Pointer(b), c, h, w, count);
  launch("wisp_walk_finish", {blocks(elements, 256)}, kBlock, steps % 2 ? Pointer(b) : Pointer(a),
         Pointer(out), elements);
  expect_close("random walk " + std::to_string(c) + "x" + std::to_string(h) + "x" +
                   std::to_string(w),
               out.host(), Floats(now.begin(), now.end()), now);
}

void corner(int n, int in_h, int in_w, int c, int out_h, int out_w, int out_c, int offset) {
  const Floats source = uniform(n * in_h * in_w * c), target = uniform(n * out_h * out_w * out_c);
  Floats want = target, d_want(source.size());
  for (int b = 0; b < n; ++b)
    for (int y = 0; y < out_h; ++y)
      for (int x = 0; x < out_w; ++x)
        for (int k = 0; k < c; ++k) {
          const int from = ((b * in_h + y) * in_w + x) * c + k;
          const int to = ((b * out_h + y) * out_w + x) * out_c + offset + k;
          want[to] = source[from];
          d_want[from] = target[to];
        }
  const Array<float> from(source), gradient(target);
  Array<float> to(target), d_source(source.size());
  const auto run = [&](const char* kernel, size_t elements, Pointer a, Pointer b) {
    const long long sizes[] = {n, in_h, in_w, c, out_h, out_w, out_c, offset};
    launch(kernel, {blocks(static_cast<long long>(elements), 256)}, kBlock, a, b, sizes[0],
           sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7]);
  };
  run("wisp_crop", static_cast<size_t>(n) * out_h * out_w * c, from, to);
  expect_equal("crop", to.host(), want);
  run("wisp_crop_backward", source.size(), gradient, d_source);
  expect_equal("crop backward", d_source.host(), d_want);
}

void sigmoid(long long n, float scale) {
  const Floats values = uniform(n, -20, 20), gradient = uniform(n);
  Doubles exact(n);
  for (long long i = 0; i < n; ++i)
    exact[i] = 1 / (1 + std::exp(-static_cast<double>(scale) * values[i]));
  const Floats want(exact.begin(), exact.end());
  const Array<float> x(values), y(want), dy(gradient);
  Array<float> out(n), dx(n);
  launch("wisp_sigmoid", {blocks(n, 256)}, kBlock, Pointer(x), Pointer(out), n, scale);
  expect_close("sigmoid " + std::to_string(n), out.host(), want, exact);
  launch("wisp_sigmoid_backward", {blocks(n, 256)}, kBlock, Pointer(y), Pointer(dy), Pointer(dx), n,
         scale);
  Floats d_want(n);
  for (long long i = 0; i < n; ++i)
    d_want[i] = scale * gradient[i] * (want[i] * (1.0f - want[i]));
  expect_equal("sigmoid backward " + std::to_string(n), dx.host(), d_want);
}

}  // namespace

void check_paths(const std::string& folder) {
  load_module(folder + "/path_losses.ptx");
  for (const int radius : {2, 3, 5}) {
    const Paths paths(radius);
    for (const Maps& m : {Maps(1, 1, 1), Maps(2, 5, 7), Maps(1, 17, 23), Maps(3, 9, 11)})
      for (const bool ties : {false, true}) {
        affinities(m, paths, ties);
        displacements(m, paths, ties);
      }
  }
  load_module(folder + "/random_walk.ptx");
  walk(1, 1, 1, Paths(2), 10, 3);
  walk(3, 5, 7, Paths(3), 2, 0);
  walk(5, 9, 8, Paths(4), 10, 5);
  walk(4, 17, 16, Paths(5), 1.5, 2);
  load_module(folder + "/boundary.ptx");
  corner(1, 1, 1, 1, 1, 1, 1, 0);
  corner(2, 5, 7, 3, 4, 7, 8, 2);
  corner(3, 9, 4, 5, 9, 3, 5, 0);
  for (const long long n : {1, 257, 1000}) {
    sigmoid(n, 1);
    sigmoid(n, 5);
  }
}
