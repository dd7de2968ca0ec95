#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"
#include "lattice.h"

namespace {

constexpr Extent kBlock = {256}, kOne = {1};

int log2_above(int lanes) {
  int shift = 0;
  while (1 << shift < lanes) ++shift;
  return shift;
}

/* Channels in fours and the lanes that share a row. */
struct Width {
  int channels, width, shift;

  explicit Width(int count)
      : channels(count),
        width((count + 3) / 4 * 4),
        shift(log2_above(std::min(32, width / 4))) {}

  Extent grid(long long rows) const { return {blocks(rows, 256 >> shift)}; }

  /* [pixels, channels] with zeros behind the channels. */
  Floats padded(const Floats& values) const {
    Floats out(values.size() / channels * width);
    for (size_t i = 0; i < values.size(); ++i) out[i / channels * width + i % channels] = values[i];
    return out;
  }

  /* [channels, pixels] of [pixels, channels]. */
  template <class T>
  std::vector<T> planes(const std::vector<T>& values) const {
    std::vector<T> out(values.size());
    const size_t pixels = values.size() / channels;
    for (size_t i = 0; i < values.size(); ++i)
      out[i % channels * pixels + i / channels] = values[i];
    return out;
  }
};

void scan(long long n, const Array<int>& values, const Array<int>& total) {
  const long long count = (n + 1023) / 1024;
  const Array<int> parts(count);
  launch("wisp_scan_parts", {blocks(n, 1024)}, kBlock, Pointer(values), Pointer(parts), n);
  launch("wisp_scan_offsets", kOne, kBlock, Pointer(parts), Pointer(total), count);
  launch("wisp_scan", {blocks(n, 1024)}, kBlock, Pointer(parts), Pointer(values), n);
}

void check_scan(long long n) {
  Ints values(n), want;
  int sum = 0;
  for (int& value : values) {
    value = static_cast<int>(generator()() % 7) - 2;
    want.push_back(sum);
    sum += value;
  }
  want.push_back(sum);
  for (const bool naive : {true, false}) {
    const Array<int> sums(values), total(1);
    if (naive)
      launch("wisp_scan_naive", kOne, kOne, Pointer(sums), Pointer(total), n);
    else
      scan(n, sums, total);
    Ints got = sums.host();
    got.push_back(total.host()[0]);
    expect_equal(std::string(naive ? "scan_naive " : "scan ") + std::to_string(n), got, want);
  }
}

/* The scan's kernels are in another file: the host sums up in its place. */
void check_sort(long long n, int largest) {
  const std::string text = "sort " + std::to_string(n) + " to " + std::to_string(largest);
  Ints keys(n), places(n);
  for (long long i = 0; i < n; ++i) {
    keys[i] = static_cast<int>(generator()() % (static_cast<unsigned>(largest) + 1));
    places[i] = static_cast<int>(i);
  }
  const unsigned pieces = blocks(n, 2048);
  for (const bool naive : {true, false}) {
    Ints now = keys, at;
    for (int shift = 0; shift < 32 && (shift == 0 || largest >> shift > 0); shift += 8) {
      const Array<int> from(now), values(at), to(n), moved(n);
      const Pointer carried = shift == 0 ? kNull : Pointer(values);
      if (naive) {
        launch("wisp_sort_place_naive", {blocks(n, 256)}, kBlock, Pointer(from), carried,
               Pointer(to), Pointer(moved), n, shift);
      } else {
        Ints counts(256 * pieces);
        const Array<int> counted(counts.size());
        launch("wisp_sort_count", {pieces}, kBlock, Pointer(from), Pointer(counted), n, shift);
        for (long long i = 0; i < n; ++i) ++counts[(now[i] >> shift & 255) * pieces + i / 2048];
        expect_equal(text + ", counts", counted.host(), counts);
        int sum = 0;
        for (int& count : counts) {
          sum += count;
          count = sum - count;
        }
        const Array<int> offsets(counts);
        launch("wisp_sort_place", {pieces}, kBlock, Pointer(from), carried, Pointer(offsets),
               Pointer(to), Pointer(moved), n, shift);
      }
      now = to.host();
      at = moved.host();
    }
    Ints want = places, sorted = keys;
    std::stable_sort(want.begin(), want.end(), [&](int a, int b) { return keys[a] < keys[b]; });
    std::stable_sort(sorted.begin(), sorted.end());
    expect_equal(text + (naive ? ", naive" : ""), now, sorted);
    expect_equal(text + (naive ? ", naive, places" : ", places"), at, want);
  }
}

std::string text(const char* what, const Lattice& l) {
  return std::string(what) + " of " + std::to_string(l.pixels) + " pixels, " +
         std::to_string(l.corners) + " corners, " + std::to_string(l.rows) + " rows";
}

/* The tables to the bit. The scan and the sort between the kernels are the host's. */
void check_tables(const Floats& image, long long h, long long w, float spatial, float colour) {
  const Lattice l(image, h, w, spatial, colour);
  const long long all = l.points * l.corners, n = l.pixels * l.corners, rows = l.rows;
  const Array<float> colours(image), weight(n);
  const Array<int> base(l.points * (l.corners - 1)), order(l.points), table(2 * all);
  const Array<int> vertex(all), flags(all);
  launch("wisp_lattice_locate", {blocks(l.points, 256)}, kBlock,
         image.empty() ? kNull : Pointer(colours), Pointer(base), Pointer(order), Pointer(weight),
         Pointer(table), h, w, l.points, spatial, colour);
  expect_equal(text("weights", l), weight.host(), l.weight);
  launch("wisp_lattice_enter", {blocks(all, 256)}, kBlock, Pointer(base), Pointer(order),
         Pointer(table), Pointer(vertex), l.points, l.corners);
  launch("wisp_lattice_leaders", {blocks(all, 256)}, kBlock, Pointer(table), Pointer(vertex),
         Pointer(flags), all);
  Ints numbers = flags.host(), first(all), leaders(rows);
  int sum = 0;
  for (long long k = 0; k < all; ++k) {
    first[k] = l.vertex[k] == sum + 1;
    if (first[k]) leaders[++sum] = static_cast<int>(k);
  }
  expect_equal(text("leaders", l), numbers, first);
  sum = 0;
  for (int& number : numbers) {
    sum += number;
    number = sum - number;
  }
  const Array<int> number(numbers), leader(Ints(rows, 0)), beside(2 * l.corners * rows);
  launch("wisp_lattice_number", {blocks(all, 256)}, kBlock, Pointer(table), Pointer(number),
         Pointer(vertex), Pointer(leader), all);
  expect_equal(text("rows", l), vertex.host(), l.vertex);
  expect_equal(text("rows' corners", l), leader.host(), leaders);
  launch("wisp_lattice_beside", {blocks(rows, 256), static_cast<unsigned>(l.corners)}, kBlock,
         Pointer(base), Pointer(order), Pointer(table), Pointer(number), Pointer(leader),
         Pointer(beside), l.points, rows, l.corners);
  expect_equal(text("neighbours", l), beside.host(), l.beside);
  Ints sorted(n), keys(n);
  for (long long k = 0; k < n; ++k) sorted[k] = static_cast<int>(k);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](int a, int b) { return l.vertex[a] < l.vertex[b]; });
  for (long long k = 0; k < n; ++k) keys[k] = l.vertex[sorted[k]];
  const Array<int> own(keys), places(sorted), begin(rows + 1), pixel(n);
  const Array<float> share(n);
  launch("wisp_lattice_lists", {blocks(n, 256)}, kBlock, Pointer(own), Pointer(places),
         Pointer(weight), Pointer(begin), Pointer(pixel), Pointer(share), n, rows, l.corners);
  expect_equal(text("begin", l), begin.host(), l.begin);
  expect_equal(text("pixels of lists", l), pixel.host(), l.pixel);
  expect_equal(text("shares of lists", l), share.host(), l.share);
}

/* Each kernel of the filter alone, from the same values as the float64 computation. */
void check_filter(const Lattice& l, int channels) {
  const Width s(channels);
  const long long rows = l.rows, pixels = l.pixels, n = pixels * l.corners;
  const std::string size = ", " + std::to_string(channels) + " channels";
  const Floats values = uniform(pixels * channels);
  const Array<float> planes(s.planes(values)), interleaved(pixels * s.width);
  launch("wisp_lattice_interleave", s.grid(pixels), kBlock, Pointer(planes), Pointer(interleaved),
         static_cast<long long>(channels), pixels, s.width, s.shift);
  const Floats padded = s.padded(values);
  expect_equal(text("interleave", l) + size, interleaved.host(), padded);

  const Array<int> begin(l.begin), pixel(l.pixel), beside(l.beside);
  const Array<int> vertex(Ints(l.vertex.begin(), l.vertex.begin() + n));
  const Array<float> share(l.share), weight(l.weight);
  for (const bool ones : {false, true}) {
    const Doubles splatted = l.splat(
        ones ? Doubles(padded.size(), 1) : Doubles(padded.begin(), padded.end()), s.width);
    Floats results[2];
    for (const bool naive : {true, false}) {
      const Array<float> work(rows * s.width);
      const int turns = naive ? 1 : std::min(8, 32 >> s.shift);
      launch(naive ? "wisp_lattice_splat_naive" : "wisp_lattice_splat",
             {blocks(rows, (256 >> s.shift) / turns)}, kBlock,
             ones ? kNull : Pointer(interleaved), Pointer(begin), Pointer(pixel), Pointer(share),
             Pointer(work), rows, s.width, s.shift);
      results[naive] = work.host();
    }
    expect_close(text(ones ? "splat of ones" : "splat", l) + size, results[0], results[1],
                 splatted);
  }
  Floats work = uniform(rows * s.width);
  std::fill(work.begin(), work.begin() + s.width, 0.0f);
  const Array<float> from(work);
  for (int axis = 0; axis < l.corners; ++axis) {
    const Array<float> to(work.size());
    launch("wisp_lattice_blur", s.grid(rows), kBlock, Pointer(from),
           Pointer(beside) + 8 * axis * rows, Pointer(to), rows, s.width, s.shift);
    const Floats blurred = to.host();
    expect_close(text("blur", l) + size, blurred, blurred,
                 l.blur(Doubles(work.begin(), work.end()), axis, s.width));
  }
  Doubles sliced(pixels * channels), first(pixels), scaled(n);
  const double alpha = 1 / (1 + std::ldexp(1.0, 1 - l.corners));
  for (long long k = 0; k < n; ++k)
    for (int c = 0; c < channels; ++c)
      sliced[k / l.corners * channels + c] +=
          alpha * static_cast<double>(l.weight[k]) *
          work[static_cast<long long>(l.vertex[k]) * s.width + c];
  const Array<float> out(pixels * channels), norms(pixels);
  launch("wisp_lattice_slice", s.grid(pixels), kBlock, Pointer(from), Pointer(vertex),
         Pointer(weight), Pointer(out), static_cast<long long>(channels), pixels, l.corners,
         s.width, s.shift);
  const Floats got = out.host();
  expect_close(text("slice", l) + size, got, got, s.planes(sliced));

  Floats positive = work;
  for (float& value : positive) value = 0.5f + std::fabs(value);
  const Array<float> positives(positive), shares(l.share);
  for (long long k = 0; k < n; ++k)
    first[k / l.corners] += alpha * static_cast<double>(l.weight[k]) *
                            positive[static_cast<long long>(l.vertex[k]) * s.width];
  for (double& norm : first) norm = 1 / std::sqrt(norm + 1e-20);
  launch("wisp_crf_norms", {blocks(pixels, 256)}, kBlock, Pointer(positives), Pointer(vertex),
         Pointer(weight), Pointer(norms), pixels, l.corners, s.width);
  const Floats got_norms = norms.host();
  expect_close(text("norms", l) + size, got_norms, got_norms, first);
  launch("wisp_crf_shares", {blocks(n, 256)}, kBlock, Pointer(norms), Pointer(pixel),
         Pointer(shares), n);
  Floats want(n);
  for (long long at = 0; at < n; ++at) want[at] = l.share[at] * got_norms[l.pixel[at]];
  expect_equal(text("shares", l) + size, shares.host(), want);
}

void check_update(const Lattice& near, const Lattice& alike, int labels, bool messages) {
  const Width s(labels);
  const long long pixels = near.pixels;
  const float compat[2] = {3, 10};
  const Floats unary = uniform(pixels * labels, 0, 3);
  const Lattice* lattices[2] = {&near, &alike};
  Floats work[2], norms[2];
  Doubles exact(unary.size());
  for (size_t i = 0; i < unary.size(); ++i) exact[i] = -unary[i];
  for (int m = 0; m < 2; ++m) {
    const Lattice& l = *lattices[m];
    work[m] = uniform(static_cast<long long>(l.rows) * s.width, 0, 1);
    norms[m] = uniform(pixels, 0.1f, 0.3f);
    const double alpha = 1 / (1 + std::ldexp(1.0, 1 - l.corners));
    for (long long k = 0; k < pixels * l.corners && messages; ++k)
      for (int c = 0; c < labels; ++c)
        exact[k / l.corners * labels + c] +=
            compat[m] * alpha * static_cast<double>(norms[m][k / l.corners]) * l.weight[k] *
            work[m][static_cast<long long>(l.vertex[k]) * s.width + c];
  }
  for (long long p = 0; p < pixels; ++p) {
    double* own = exact.data() + p * labels;
    const double largest = *std::max_element(own, own + labels);
    double sum = 0;
    for (int c = 0; c < labels; ++c) sum += own[c] = std::exp(own[c] - largest);
    for (int c = 0; c < labels; ++c) own[c] /= sum;
  }
  const Array<float> energies(s.planes(unary));
  const Array<float> works[2] = {Array<float>(work[0]), Array<float>(work[1])};
  const Array<float> norm[2] = {Array<float>(norms[0]), Array<float>(norms[1])};
  const Array<int> near_vertex(near.vertex), alike_vertex(alike.vertex);
  const Array<float> near_weight(near.weight), alike_weight(alike.weight);
  const auto given = [&](Pointer pointer) { return messages ? pointer : kNull; };
  Floats rows[2], planes[2];
  for (const bool naive : {true, false}) {
    const bool plain = naive || labels > 128;
    const Array<float> q(pixels * s.width), out(pixels * labels), alone(pixels * labels);
    for (const int outputs : {3, 1, 2})
      launch(plain ? "wisp_crf_update_naive" : "wisp_crf_update",
             plain ? Extent{blocks(pixels, 256)} : s.grid(pixels), kBlock, Pointer(energies),
             given(works[0]), given(near_vertex), given(near_weight), given(norm[0]),
             given(works[1]), given(alike_vertex), given(alike_weight), given(norm[1]),
             outputs & 1 ? Pointer(q) : kNull,
             outputs == 3 ? Pointer(out) : outputs == 2 ? Pointer(alone) : kNull,
             static_cast<long long>(labels), pixels, s.width, s.shift, compat[0], compat[1]);
    rows[naive] = q.host();
    planes[naive] = out.host();
    expect_equal(text("update to planes alone", near), alone.host(), planes[naive]);
    Floats own(pixels * labels);
    for (size_t i = 0; i < own.size(); ++i) own[i] = rows[naive][i / labels * s.width + i % labels];
    expect_equal(text("update to rows", near), s.padded(own), rows[naive]);
    expect_equal(text("update to both", near), s.planes(own), planes[naive]);
  }
  expect_close(text("update", near) + ", " + std::to_string(labels) + " labels", planes[0],
               planes[1], s.planes(exact));
}

Floats colours(long long pixels, unsigned different) {
  Floats image(pixels * 3);
  for (float& value : image) value = static_cast<float>(generator()() % different);
  return image;
}

}  // namespace

void check_crf(const std::string& folder) {
  load_module(folder + "/scan.ptx");
  for (const long long n : {1, 3, 255, 1024, 1025, 4099, 300007}) check_scan(n);
  load_module(folder + "/sort.ptx");
  check_sort(1, 0);
  check_sort(257, 3);
  check_sort(2048, 255);
  check_sort(5003, 70000);
  check_sort(2309, 0x7fffffff);
  load_module(folder + "/crf_lattice.ptx");
  check_tables({}, 1, 1, 3, 1);
  check_tables({}, 13, 10, 3, 1);
  check_tables({}, 7, 11, 0.3f, 1);
  check_tables(colours(1, 256), 1, 1, 50, 5);
  check_tables(colours(17 * 19, 256), 17, 19, 50, 5);
  check_tables(colours(40 * 31, 4), 40, 31, 20, 13);
  check_tables(colours(64 * 64, 1), 64, 64, 50, 5);
  load_module(folder + "/crf_filter.ptx");
  for (const int channels : {1, 2, 4, 5, 13, 21, 81, 150}) {
    check_filter(Lattice({}, 5, 7, 3, 1), channels);
    check_filter(Lattice(colours(11 * 13, 8), 11, 13, 20, 13), channels);
  }
  check_filter(Lattice(colours(40 * 32, 1), 40, 32, 50, 5), 3);
  load_module(folder + "/crf_update.ptx");
  for (const int labels : {1, 2, 4, 5, 21, 81, 128, 150})
    for (const bool messages : {false, true})
      check_update(Lattice({}, 11, 13, 3, 1), Lattice(colours(11 * 13, 8), 11, 13, 20, 13), labels,
                   messages);
}
