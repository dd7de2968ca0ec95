#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kFlat = {256};
constexpr float kEps = 1e-5f;

/* Rows of maps: class ids of each image, each list beginning with 0. */
struct Rows {
  Ints offsets{0}, ids;

  explicit Rows(const std::vector<Ints>& images) {
    for (const Ints& image : images) {
      ids.insert(ids.end(), image.begin(), image.end());
      offsets.push_back(static_cast<int>(ids.size()));
    }
  }

  long long images() const { return static_cast<long long>(offsets.size()) - 1; }
  long long rows() const { return static_cast<long long>(ids.size()); }
};

bool beats(double value, double best) {
  return value > best || (std::isnan(value) && !std::isnan(best));
}

double positive(double x) { return x <= 0 ? 0 : x; }

/* The forward operation in float64, but for the winner: quotients may tie in float32 alone. */
struct Expected {
  Ints peak, winner;
  Doubles divisor, maps;
};

Expected forward(const Rows& rows, const Floats& cam, const Floats& valid, long long positions,
                 int k) {
  const long long n = rows.images();
  Expected e;
  e.peak.resize(n * k);
  e.divisor.resize(n * k);
  e.winner.resize(n * positions);
  e.maps.resize(rows.rows() * positions);
  const auto relu = [&](long long b, long long p, int c) {
    return positive(cam[(b * positions + p) * k + c]);
  };
  for (long long b = 0; b < n; ++b) {
    for (int c = 0; c < k; ++c) {
      int top = 0;
      for (int p = 1; p < positions; ++p)
        if (beats(relu(b, p, c), relu(b, top, c))) top = p;
      e.peak[b * k + c] = top;
      e.divisor[b * k + c] = relu(b, top, c) + kEps;
    }
    for (long long p = 0; p < positions; ++p) {
      int winner = 0;
      const auto rounded = [&](int c) {
        const float peak = static_cast<float>(relu(b, e.peak[b * k + c], c));
        return static_cast<float>(relu(b, p, c)) / (peak + kEps);
      };
      for (int c = 1; c < k; ++c)
        if (beats(rounded(c), rounded(winner))) winner = c;
      e.winner[b * positions + p] = winner + 1;
      const double best = relu(b, p, winner) / e.divisor[b * k + winner];
      for (int row = rows.offsets[b]; row < rows.offsets[b + 1]; ++row) {
        const int c = rows.ids[row] - 1;
        e.maps[row * positions + p] =
            (c < 0 ? 1 - best : relu(b, p, c) / e.divisor[b * k + c]) *
            (valid.empty() ? 1 : valid[b * positions + p]);
      }
    }
  }
  return e;
}

/* steepest: the largest gradient before that of the divisor is taken off. */
Doubles backward(const Rows& rows, const Floats& cam, const Floats& valid, const Expected& e,
                 const Floats& d_maps, long long positions, int k, double& steepest) {
  Doubles d_cam(cam.size());
  for (long long b = 0; b < rows.images(); ++b) {
    Doubles dm((k + 1) * positions);
    for (int row = rows.offsets[b]; row < rows.offsets[b + 1]; ++row)
      for (long long p = 0; p < positions; ++p)
        dm[rows.ids[row] * positions + p] = static_cast<double>(d_maps[row * positions + p]) *
                                            (valid.empty() ? 1 : valid[b * positions + p]);
    for (long long p = 0; p < positions; ++p)
      dm[e.winner[b * positions + p] * positions + p] -= dm[p];
    for (int c = 0; c < k; ++c) {
      const double divisor = e.divisor[b * k + c];
      double through_peak = 0;
      for (long long p = 0; p < positions; ++p) {
        const double x = cam[(b * positions + p) * k + c], g = dm[(c + 1) * positions + p];
        through_peak -= g * positive(x) / divisor / divisor;
        if (x > 0) steepest = std::max(steepest, std::fabs(g / divisor));
        if (x > 0) d_cam[(b * positions + p) * k + c] = g / divisor;
      }
      const long long top = (b * positions + e.peak[b * k + c]) * k + c;
      if (cam[top] > 0) d_cam[top] += through_peak;
    }
  }
  return d_cam;
}

void cam_to_maps(const std::string& name, const Rows& rows, long long positions, int k,
                 const Floats& cam, bool some_invalid) {
  const long long n = rows.images();
  const std::string text = "cam_to_maps " + name + " " + std::to_string(positions);
  Floats mask;
  for (long long i = 0; some_invalid && i < n * positions; ++i)
    mask.push_back(generator()() % 5 ? 1.0f : 0.0f);
  const Expected e = forward(rows, cam, mask, positions, k);
  Array<int> offsets(rows.offsets), ids(rows.ids), peak(n * k), winner(n * positions),
      peak_naive(n * k), winner_naive(n * positions);
  Array<float> from(cam), valid(mask), divisor(n * k), divisor_naive(n * k),
      maps(rows.rows() * positions), maps_naive(rows.rows() * positions);
  const Pointer masked = some_invalid ? Pointer(valid) : kNull;
  launch("wisp_cam_to_maps_peaks", {static_cast<unsigned>(n) * blocks(k, 32)}, {32, 16},
         Pointer(from), Pointer(peak), Pointer(divisor), n, positions, k, kEps);
  launch("wisp_cam_to_maps_peaks_naive", {blocks(n * k, 256)}, kFlat, Pointer(from),
         Pointer(peak_naive), Pointer(divisor_naive), n, positions, k, kEps);
  launch("wisp_cam_to_maps", {static_cast<unsigned>(n) * blocks(positions, 32)}, kFlat,
         Pointer(from), masked, Pointer(offsets), Pointer(ids), Pointer(divisor), Pointer(maps),
         Pointer(winner), n, positions, k);
  launch("wisp_cam_to_maps_naive", {blocks(n * positions, 256)}, kFlat, Pointer(from), masked,
         Pointer(offsets), Pointer(ids), Pointer(divisor_naive), Pointer(maps_naive),
         Pointer(winner_naive), n, positions, k);
  expect_equal(text + " peak", peak.host(), e.peak);
  expect_equal(text + " peak, naive", peak_naive.host(), e.peak);
  expect_equal(text + " winner beside its sibling", winner.host(), winner_naive.host());
  expect_equal(text + " winner", winner.host(), e.winner);
  expect_close(text, maps.host(), maps_naive.host(), e.maps, 1);

  const Floats gradients = uniform(rows.rows() * positions);
  Array<float> d_maps(gradients), d_cam(cam.size()), top(n * k), top_naive(n * k),
      through(n * k), through_naive(n * k);
  Array<int> rows_of(n * k), rows_of_naive(n * k);
  launch("wisp_cam_to_maps_backward_peaks", {static_cast<unsigned>(n * k)}, kFlat, Pointer(from),
         masked, Pointer(offsets), Pointer(ids), Pointer(peak), Pointer(winner), Pointer(d_maps),
         Pointer(rows_of), Pointer(top), Pointer(through), n, positions, k, kEps);
  launch("wisp_cam_to_maps_backward_peaks_naive", {blocks(n * k, 256)}, kFlat, Pointer(from),
         masked, Pointer(offsets), Pointer(ids), Pointer(peak), Pointer(winner), Pointer(d_maps),
         Pointer(rows_of_naive), Pointer(top_naive), Pointer(through_naive), n, positions, k,
         kEps);
  launch("wisp_cam_to_maps_backward", {blocks(n * positions * k, 256)}, kFlat, Pointer(from),
         masked, Pointer(offsets), Pointer(ids), Pointer(peak), Pointer(winner), Pointer(d_maps),
         Pointer(rows_of), Pointer(top), Pointer(through), Pointer(d_cam), n, positions, k);
  expect_equal(text + " rows", rows_of.host(), rows_of_naive.host());
  expect_equal(text + " divisors", top.host(), top_naive.host());
  double steepest = 0;
  const Doubles exact = backward(rows, cam, mask, e, gradients, positions, k, steepest);
  /* No sibling: four roundings, each of at most half a unit of what is rounded. */
  Floats plain(exact.size());
  std::transform(exact.begin(), exact.end(), plain.begin(),
                 [](double x) { return static_cast<float>(x); });
  expect_close(text + " backward", d_cam.host(), plain, exact, steepest);
  expect_zeros(text + " backward", d_cam.host(), exact);
}

void argmax(const std::string& name, const Rows& rows, long long positions, bool hostile) {
  const long long n = rows.images();
  Floats values = coarse(rows.rows() * positions);
  if (hostile)
    for (size_t i = 0; i < values.size(); i += 4) values[i] = i % 8 == 0 ? NAN : -INFINITY;
  const float factor = 0.8f;
  Ints want(n * positions, -1);
  for (long long b = 0; b < n; ++b)
    for (long long p = 0; p < positions; ++p) {
      double best = 0;
      for (int row = rows.offsets[b]; row < rows.offsets[b + 1]; ++row) {
        const float value = values[row * positions + p] * (rows.ids[row] == 0 ? factor : 1.0f);
        int& seed = want[b * positions + p];
        if (seed >= 0 && !beats(value, best)) continue;
        seed = rows.ids[row];
        best = value;
      }
    }
  Array<float> maps(values);
  Array<int> offsets(rows.offsets), ids(rows.ids), seeds(n * positions);
  launch("wisp_argmax_maps", {blocks(n * positions, 256)}, kFlat, Pointer(maps), Pointer(offsets),
         Pointer(ids), Pointer(seeds), n, positions, factor);
  expect_equal("argmax_maps " + name, seeds.host(), want);
}

void limit(const std::string& name, const Rows& rows, long long positions, float share) {
  const long long n = rows.images();
  Floats values = coarse(rows.rows() * positions);
  for (size_t i = 3; i < values.size(); i += 7) values[i] = NAN;
  Ints given(n * positions);
  for (size_t i = 0; i < given.size(); ++i) given[i] = static_cast<int>(i % 9) - 1;
  Ints want = given;
  for (long long b = 0; b < n; ++b)
    for (long long p = 0; p < positions; ++p)
      for (int row = rows.offsets[b]; row < rows.offsets[b + 1]; ++row) {
        const int seed = given[b * positions + p];
        if (seed > 0 && seed == rows.ids[row] && !(values[row * positions + p] >= share))
          want[b * positions + p] = -1;
      }
  Array<float> support(values);
  Array<int> offsets(rows.offsets), ids(rows.ids), seeds(given);
  launch("wisp_limit_seeds", {blocks(n * positions, 256)}, kFlat, Pointer(support),
         Pointer(offsets), Pointer(ids), Pointer(seeds), n, positions, share);
  expect_equal("limit_seeds " + name, seeds.host(), want);
}

void normalize(long long rows, long long positions, int min_max, const Floats& values) {
  const std::string text = "normalize_maps " + std::to_string(rows) + "x" +
                           std::to_string(positions) + (min_max ? " min-max" : " max");
  Ints peak_want(2 * rows);
  Doubles exact(values.size()), d_exact(values.size());
  const Floats gradients = uniform(values.size());
  double steepest = 0;
  for (long long row = 0; row < rows; ++row) {
    const float* from = values.data() + row * positions;
    const float* gradient = gradients.data() + row * positions;
    int top = 0, bottom = 0;
    for (int p = 1; p < positions; ++p) {
      if (from[p] > from[top]) top = p;
      if (from[p] < from[bottom]) bottom = p;
    }
    peak_want[2 * row] = top;
    peak_want[2 * row + 1] = bottom;
    const double low = min_max ? from[bottom] : 0, divisor = from[top] - low + kEps;
    double plain = 0, weighted = 0;
    for (int p = 0; p < positions; ++p) {
      exact[row * positions + p] = (from[p] - low) / divisor;
      d_exact[row * positions + p] = gradient[p] / divisor;
      steepest = std::max(steepest, std::fabs(gradient[p] / divisor));
      plain += gradient[p] / divisor;
      weighted += gradient[p] * (from[p] - low) / divisor / divisor;
    }
    d_exact[row * positions + top] -= weighted;
    if (min_max) d_exact[row * positions + bottom] += weighted - plain;
  }
  const Extent grid = {static_cast<unsigned>(rows)}, flat = {blocks(rows, 256)};
  Array<float> maps(values), out(values.size()), out_naive(values.size()), d_out(gradients),
      d_maps(values.size()), d_maps_naive(values.size());
  Array<int> peak(2 * rows), peak_naive(2 * rows);
  launch("wisp_normalize_maps", grid, kFlat, Pointer(maps), Pointer(out), Pointer(peak), rows,
         positions, min_max, kEps);
  launch("wisp_normalize_maps_naive", flat, kFlat, Pointer(maps), Pointer(out_naive),
         Pointer(peak_naive), rows, positions, min_max, kEps);
  expect_equal(text + " peak", peak.host(), peak_want);
  expect_equal(text + " peak, naive", peak_naive.host(), peak_want);
  expect_close(text, out.host(), out_naive.host(), exact);
  launch("wisp_normalize_maps_backward", grid, kFlat, Pointer(maps), Pointer(peak), Pointer(d_out),
         Pointer(d_maps), rows, positions, min_max, kEps);
  launch("wisp_normalize_maps_backward_naive", flat, kFlat, Pointer(maps), Pointer(peak),
         Pointer(d_out), Pointer(d_maps_naive), rows, positions, min_max, kEps);
  expect_close(text + " backward", d_maps.host(), d_maps_naive.host(), d_exact, steepest);
}

}  // namespace

void check_maps(const std::string& folder) {
  struct Classes {
    const char* name;
    int k;
    Rows rows;
  };
  Ints every(21);
  for (int id = 0; id <= 20; ++id) every[id] = id;
  const Classes lists[] = {
      {"no class", 1, Rows(std::vector<Ints>{{0}})},
      {"one class", 1, Rows(std::vector<Ints>{{0, 1}})},
      {"none, {20}, {3, 7, 19}", 20, Rows(std::vector<Ints>{{0}, {0, 20}, {0, 3, 7, 19}})},
      {"all 20", 20, Rows(std::vector<Ints>{every})},
      {"{1, 80}, {17}", 80, Rows(std::vector<Ints>{{0, 1, 80}, {0, 17}})},
  };
  load_module(folder + "/cam_to_maps.ptx");
  for (const Classes& list : lists)
    for (const long long positions : {1, 35, 272}) {
      const size_t count = list.rows.images() * positions * list.k;
      cam_to_maps(list.name, list.rows, positions, list.k, uniform(count), true);
      cam_to_maps(std::string(list.name) + " ties", list.rows, positions, list.k, coarse(count),
                  false);
      cam_to_maps(std::string(list.name) + " negative", list.rows, positions, list.k,
                  uniform(count, -2, 0), false);
    }
  load_module(folder + "/argmax_maps.ptx");
  for (const Classes& list : lists)
    for (const long long positions : {1, 35, 272}) {
      argmax(list.name, list.rows, positions, false);
      argmax(list.name, list.rows, positions, true);
    }
  load_module(folder + "/limit_seeds.ptx");
  for (const Classes& list : lists)
    for (const long long positions : {1, 35, 272})
      for (const float share : {0.0f, 0.5f}) limit(list.name, list.rows, positions, share);
  load_module(folder + "/normalize_maps.ptx");
  for (const int min_max : {0, 1}) {
    normalize(1, 1, min_max, uniform(1, 0.1f, 0.9f));
    normalize(3, 35, min_max, uniform(3 * 35, 0.1f, 0.9f));
    normalize(17, 272, min_max, uniform(17 * 272, 0.1f, 0.9f));
    normalize(5, 1023, min_max, coarse(5 * 1023));
    normalize(2, 300, min_max, Floats(600, 0));
    Floats hostile = coarse(2 * 300);
    hostile[0] = hostile[411] = NAN;
    hostile[17] = -INFINITY;
    Array<float> maps(hostile), out(600), out_naive(600);
    Array<int> peak(4), peak_naive(4);
    launch("wisp_normalize_maps", {2}, kFlat, Pointer(maps), Pointer(out), Pointer(peak), 2LL,
           300LL, min_max, kEps);
    launch("wisp_normalize_maps_naive", {1}, kFlat, Pointer(maps), Pointer(out_naive),
           Pointer(peak_naive), 2LL, 300LL, min_max, kEps);
    expect_equal("normalize_maps NaN peaks", peak.host(), peak_naive.host());
    expect_equal("normalize_maps NaN", out.host(), out_naive.host());
  }
}
