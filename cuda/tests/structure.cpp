#include <cmath>
#include <cstring>

#include "check.h"
#include "device.h"
#include "batch.h"

namespace {

using Halves = std::vector<unsigned short>;

constexpr float kEps = 1e-5f;
constexpr long long kPanel = 64, kSlab = 16;

/* The sizes that the headers derive. */
struct Sizes {
  long long panels, width, depth, lines, units;

  explicit Sizes(const Batch& s)
      : panels((s.positions + kPanel - 1) / kPanel),
        width(panels * kPanel),
        depth((s.d + kSlab - 1) / kSlab * kSlab),
        lines(s.rows() + s.n()),
        units(s.n() * width * depth) {}
};

double half_value(unsigned short bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size = exponent == 0 ? std::ldexp(fraction, -24)
                                    : std::ldexp(fraction + 1024, exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/* u of every position, [n * positions, d]. */
Doubles units_exactly(const Batch& s, const Floats& feature) {
  Doubles units(feature.size());
  for (long long i = 0; i < s.n() * s.positions; ++i) {
    double squares = 0;
    for (long long c = 0; c < s.d; ++c)
      squares += static_cast<double>(feature[i * s.d + c]) * feature[i * s.d + c];
    const double scale = 1 / (std::sqrt(squares) + static_cast<double>(kEps));
    for (long long c = 0; c < s.d; ++c) units[i * s.d + c] = feature[i * s.d + c] * scale;
  }
  return units;
}

/* Out of the padded layouts of the headers into that of units_exactly. */
Floats unpacked(const Batch& s, const Floats& packed) {
  const Sizes z(s);
  Floats units(s.n() * s.positions * s.d);
  size_t used = 0;
  double rest = 0;
  for (const float v : packed) rest += std::fabs(v);
  for (long long i = 0; i < s.n() * s.positions; ++i)
    for (long long c = 0; c < s.d; ++c, ++used) {
      const long long image = i / s.positions, p = i % s.positions;
      const long long panel = image * z.panels + p / kPanel;
      units[i * s.d + c] = packed[(panel * z.depth + c) * kPanel + p % kPanel];
      rest -= std::fabs(units[i * s.d + c]);
    }
  expect_equal(s.text("the padding of units is zero"), Ints{std::fabs(rest) < 1e-6 * used},
               Ints{1});
  return units;
}

Floats unpacked(const Batch& s, const Halves& packed) {
  const Sizes z(s);
  Floats units(s.n() * s.positions * s.d);
  for (long long i = 0; i < s.n() * s.positions; ++i)
    for (long long c = 0; c < s.d; ++c) {
      const long long image = i / s.positions, p = i % s.positions;
      const long long slab = (image * z.panels + p / kPanel) * (z.depth / kSlab) + c / kSlab;
      const long long high = (slab * 2 * kPanel + p % kPanel) * kSlab + c % kSlab;
      units[i * s.d + c] = static_cast<float>(half_value(packed[high]) +
                                              half_value(packed[high + kPanel * kSlab]) / 2048);
    }
  return units;
}

/* [lines, positions]. */
Doubles sums_exactly(const Batch& s, const Doubles& units, const Floats& maps) {
  const Sizes z(s);
  Doubles sums(z.lines * s.positions);
  for (long long image = 0; image < s.n(); ++image) {
    const long long first = s.offsets[image], rows = s.offsets[image + 1] - first;
    for (long long i = 0; i < s.positions; ++i)
      for (long long j = 0; j < s.positions; ++j) {
        double cosine = 0;
        for (long long c = 0; c < s.d; ++c)
          cosine += units[(image * s.positions + i) * s.d + c] *
                    units[(image * s.positions + j) * s.d + c];
        if (cosine <= 0) continue;
        for (long long k = 0; k <= rows; ++k) {
          const double weight = k == rows ? 1 : maps[(first + k) * s.positions + j];
          sums[(first + image + k) * s.positions + i] += cosine * weight;
        }
      }
  }
  return sums;
}

/* Sums over the runs, without the padding. */
Floats added(const Batch& s, long long runs, const Floats& sums) {
  const Sizes z(s);
  Floats whole(z.lines * s.positions);
  for (long long run = 0; run < runs; ++run)
    for (long long line = 0; line < z.lines; ++line)
      for (long long i = 0; i < s.positions; ++i)
        whole[line * s.positions + i] += sums[(run * z.lines + line) * z.width + i];
  return whole;
}

/* IoU of a batch's rows, and the seeds among `total` classes, from exact sums. */
void choose_exactly(const Batch& s, const Batch& present, const Doubles& sums, const Floats& maps,
                    const Floats& valid, int total, Doubles& iou, Ints& seeds) {
  iou.assign(s.rows() * s.positions, 0);
  seeds.assign(s.n() * s.positions, -1);
  for (long long image = 0; image < s.n(); ++image) {
    const long long first = s.offsets[image], rows = s.offsets[image + 1] - first;
    for (long long i = 0; i < s.positions; ++i) {
      const double whole = sums[(first + image + rows) * s.positions + i];
      int winner = -1;
      double best = 0;
      for (int id = 0; id < total; ++id) {
        const long long row = s.row(image, id);
        double value = 0 / whole;
        if (row >= 0) {
          double mass = 0;
          for (long long j = 0; j < s.positions; ++j) mass += maps[row * s.positions + j];
          const double inter = sums[(row + image) * s.positions + i];
          value = inter / (whole + mass - inter) * (id == 0 ? 0.5 : 1);
          iou[row * s.positions + i] = value;
        }
        if (winner < 0 || value > best || (std::isnan(value) && !std::isnan(best))) {
          winner = id;
          best = value;
        }
      }
      const long long at = image * s.positions + i;
      if (present.row(image, winner) >= 0 && valid[at] != 0) seeds[at] = winner;
    }
  }
}

struct Kernel {
  const char* fast;
  const char* naive;
  bool halves;
};

void structure(const Batch& s, const Batch& present, int total, const std::string& folder,
               const std::vector<long long>& runs_of_image) {
  const Sizes z(s);
  Floats feature = uniform(s.n() * s.positions * s.d);
  for (size_t i = 0; i < feature.size(); ++i)
    if (static_cast<long long>(i) / s.d % 7 == 3) feature[i] = 0;
  const Floats maps = uniform(s.rows() * s.positions, 0, 1);
  Floats valid(s.n() * s.positions);
  for (float& v : valid) v = generator()() % 5 == 0 ? 0.0f : 1.0f;
  const Doubles exact_units = units_exactly(s, feature);
  const Doubles exact_sums = sums_exactly(s, exact_units, maps);
  Doubles exact_iou, exact_mass(s.rows());
  Ints exact_seeds;
  choose_exactly(s, present, exact_sums, maps, valid, total, exact_iou, exact_seeds);
  for (size_t i = 0; i < maps.size(); ++i) exact_mass[i / s.positions] += maps[i];

  const unsigned n = static_cast<unsigned>(s.n()), panels = static_cast<unsigned>(z.panels);
  const Array<float> f(feature), m(maps), mask(valid);
  const Array<int> offsets(s.offsets), ids(s.ids), allowed_offsets(present.offsets),
      allowed(present.ids);
  Floats units[2], mass[2], from_halves[2];
  const Array<float> packed(z.units), whole(s.rows());
  const Array<unsigned short> halves(2 * z.units);
  load_module(folder + "/structure_seeds.ptx");
  for (const bool naive : {true, false}) {
    const std::string tail = naive ? "_naive" : "";
    const Extent grid =
        naive ? Extent{blocks(z.depth * kPanel, 256), n * panels} : Extent{panels, n};
    launch(("wisp_structure_units" + tail).c_str(), grid, {256}, Pointer(f), Pointer(packed), s.n(),
           s.positions, s.d, kEps);
    launch(("wisp_structure_units_half" + tail).c_str(), grid, {256}, Pointer(f), Pointer(halves),
           s.n(), s.positions, s.d, kEps);
    launch(("wisp_structure_mass" + tail).c_str(),
           {naive ? blocks(s.rows(), 256) : static_cast<unsigned>(s.rows())}, {256}, Pointer(m),
           Pointer(whole), s.rows(), s.positions);
    units[naive] = unpacked(s, packed.host());
    from_halves[naive] = unpacked(s, halves.host());
    mass[naive] = whole.host();
  }
  expect_close(s.text("structure_units"), units[0], units[1], exact_units);
  expect_zeros(s.text("structure_units"), units[0], exact_units);
  expect_close(s.text("structure_units_half"), from_halves[0], from_halves[1], exact_units);
  expect_zeros(s.text("structure_units_half"), from_halves[0], exact_units);
  expect_close(s.text("structure_mass"), mass[0], mass[1], exact_mass);

  const Kernel kernels[] = {
      {"wisp_structure_sums", "wisp_structure_sums_naive", false},
      {"wisp_structure_sums_m8n8k4", "wisp_structure_sums_half_naive", true},
      {"wisp_structure_sums_m16n8k8", "wisp_structure_sums_half_naive", true},
  };
  for (const Kernel& kernel : kernels)
    for (const long long runs : runs_of_image) {
      load_module(folder + (kernel.halves ? "/structure_sums_mma.ptx" : "/structure_sums.ptx"));
      /* Without the fast kernel the naive one is judged alone. */
      const char* judged = has_kernel(kernel.fast) ? kernel.fast : kernel.naive;
      const Extent one_run{blocks(z.width, 128), n};
      const size_t size = runs * z.lines * z.width;
      const Array<float> fast(size), plain(size);
      const Pointer from = kernel.halves ? Pointer(halves) : Pointer(packed);
      launch(kernel.naive, one_run, {128}, from, Pointer(m), Pointer(offsets),
             Pointer(plain), s.n(), s.positions, s.d, runs);
      launch(judged, judged == kernel.fast ? Extent{static_cast<unsigned>(runs), n} : one_run,
             {128}, from, Pointer(m), Pointer(offsets), Pointer(fast), s.n(), s.positions, s.d,
             runs);
      const std::string name = s.text(judged + 5) + ", " + std::to_string(runs) + " runs";
      expect_close(name, added(s, runs, fast.host()), added(s, runs, plain.host()), exact_sums);

      load_module(folder + "/structure_seeds.ptx");
      const Array<float> iou(maps.size()), plain_iou(maps.size());
      const Array<int> seeds(valid.size()), plain_seeds(valid.size()), all_valid(valid.size());
      const Array<float> again(fast.host());
      launch("wisp_structure_choose", {blocks(s.positions, 32), n}, {256}, Pointer(fast),
             Pointer(whole), Pointer(offsets), Pointer(ids), Pointer(allowed_offsets),
             Pointer(allowed), Pointer(mask), Pointer(seeds), Pointer(iou), s.n(), s.positions,
             runs, total);
      launch("wisp_structure_choose", {blocks(s.positions, 32), n}, {256}, Pointer(again),
             Pointer(whole), Pointer(offsets), Pointer(ids), Pointer(allowed_offsets),
             Pointer(allowed), kNull, Pointer(all_valid), kNull, s.n(), s.positions, runs, total);
      launch("wisp_structure_choose_naive", {blocks(s.positions, 256), n}, {256}, Pointer(plain),
             Pointer(whole), Pointer(offsets), Pointer(ids), Pointer(allowed_offsets),
             Pointer(allowed), Pointer(mask), Pointer(plain_seeds), Pointer(plain_iou), s.n(),
             s.positions, runs, total);
      expect_close(name + ", iou", iou.host(), plain_iou.host(), exact_iou);
      expect_equal(name + ", seeds", seeds.host(), exact_seeds);
      expect_equal(name + ", naive seeds", plain_seeds.host(), exact_seeds);
      Ints masked = all_valid.host();
      for (size_t i = 0; i < masked.size(); ++i)
        if (valid[i] == 0) masked[i] = -1;
      expect_equal(name + ", all valid", masked, exact_seeds);
    }
}

}  // namespace

void check_structure(const std::string& folder) {
  const Batch one(1, 1, {{0}}), pair(35, 17, {{0, 3}, {0}}), exact(64, 16, {{0, 1, 2, 3}});
  const Batch odd(70, 40, {{0, 20}, {0, 3, 7, 19}, {0}}), many(29, 77, {Batch::all(21)});
  const Batch coco(67, 5, {Batch::all(81), {0, 1, 80}}), large(331, 9, {{0, 1, 2}});
  const Batch absent(131, 24, {Batch::all(21), Batch::all(21)});
  structure(one, one, 2, folder, {1});
  structure(pair, pair, 21, folder, {1});
  structure(exact, exact, 4, folder, {1});
  structure(odd, odd, 21, folder, {1, 2, 3});
  structure(many, many, 21, folder, {1});
  structure(coco, coco, 81, folder, {2});
  structure(large, large, 21, folder, {1, 5, 21});
  structure(absent, Batch(131, 24, {{0, 4}, {0, 2, 9}}), 21, folder, {4});
}
