#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

constexpr Extent kBlock = {256};

struct Case {
  long long n;
  int h, w, k, out_h, out_w;

  long long scores() const { return n * h * w * k; }
  long long pixels() const { return n * out_h * out_w; }
  long long pieces() const { return blocks(pixels(), 256); }

  std::string text(const std::string& what) const {
    std::string sizes = what;
    for (const long long size : {n, static_cast<long long>(h), static_cast<long long>(w),
                                 static_cast<long long>(k), static_cast<long long>(out_h),
                                 static_cast<long long>(out_w)})
      sizes += " " + std::to_string(size);
    return sizes;
  }
};

/* Where pixel o of an axis reads: low and the next with weight t. */
struct Tap {
  int low, high;
  double t;

  Tap(int o, int in, int out) {
    const double at = std::max(0.0, (o + 0.5) * in / out - 0.5);
    low = std::min(static_cast<int>(at), in - 1);
    high = std::min(low + 1, in - 1);
    t = std::min(1.0, at - low);
  }
};

/* Calls use(score of class 0, weight) for the four scores that a pixel reads. */
template <class Use>
void each_tap(const Case& s, long long pixel, const Use& use) {
  const long long row = pixel / s.out_w, image = row / s.out_h;
  const Tap y(static_cast<int>(row % s.out_h), s.h, s.out_h);
  const Tap x(static_cast<int>(pixel % s.out_w), s.w, s.out_w);
  for (const bool low : {false, true})
    for (const bool right : {false, true})
      use(((image * s.h + (low ? y.high : y.low)) * s.w + (right ? x.high : x.low)) * s.k,
          (low ? y.t : 1 - y.t) * (right ? x.t : 1 - x.t));
}

/* A pixel's resized scores in float64. */
Doubles resized(const Case& s, const Floats& logits, long long pixel) {
  Doubles z(s.k);
  each_tap(s, pixel, [&](long long at, double weight) {
    for (int c = 0; c < s.k; ++c) z[c] += weight * logits[at + c];
  });
  return z;
}

Doubles softmax(Doubles z) {
  const double largest = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (double& value : z) sum += value = std::exp(value - largest);
  for (double& value : z) value /= sum;
  return z;
}

void cross_entropy(const Case& s, float range, bool some) {
  const Floats logits = uniform(s.scores(), -range, range);
  std::vector<unsigned char> labels(s.pixels());
  for (unsigned char& label : labels)
    label = !some || generator()() % 5 == 0 ? 255 : generator()() % s.k;
  double labelled = 0, total = 0;
  Doubles exact(s.scores());
  for (long long p = 0; p < s.pixels(); ++p) {
    if (labels[p] >= s.k) continue;
    const Doubles probability = softmax(resized(s, logits, p));
    ++labelled;
    total -= std::log(probability[labels[p]]);
    each_tap(s, p, [&](long long at, double weight) {
      for (int c = 0; c < s.k; ++c)
        exact[at + c] += weight * (probability[c] - (c == labels[p] ? 1 : 0));
    });
  }
  const double share = labelled > 0 ? 1 / labelled : 0;
  for (double& value : exact) value *= share;

  Array<float> from(logits);
  Array<unsigned char> ids(labels);
  Floats loss[2], gradient[2];
  for (const bool naive : {false, true}) {
    const std::string tail = naive ? "_naive" : "";
    const long long pieces = s.pieces();
    const Extent grid = {naive ? blocks(pieces, 256) : static_cast<unsigned>(pieces)};
    Array<float> kept(2 * s.pixels()), mean(1), part(1), d_logits(s.scores());
    Array<double> sums(2 * pieces);
    for (const bool loss_alone : {true, false}) {
      launch(("wisp_pixel_softmax" + tail).c_str(), grid, kBlock, Pointer(from), Pointer(ids),
             loss_alone ? kNull : Pointer(kept), Pointer(sums), s.n, s.h, s.w, s.k, s.out_h,
             s.out_w);
      launch(("wisp_pixel_loss" + tail).c_str(), {1}, naive ? Extent{1} : kBlock, Pointer(sums),
             Pointer(mean), Pointer(part), pieces);
      const Floats before = loss[naive];
      loss[naive] = mean.host();
      if (!loss_alone) expect_equal(s.text("loss alone"), before, loss[naive]);
    }
    expect_equal(s.text("share"), part.host(), {static_cast<float>(share)});
    launch(("wisp_pixel_gradient" + tail).c_str(), {blocks(s.scores(), 256)}, kBlock,
           Pointer(from), Pointer(ids), Pointer(kept), Pointer(part), Pointer(d_logits), s.n, s.h,
           s.w, s.k, s.out_h, s.out_w);
    gradient[naive] = d_logits.host();
  }
  expect_close(s.text("cross entropy"), loss[0], loss[1], {total * share});
  expect_close(s.text("its gradient"), gradient[0], gradient[1], exact, share);
  if (labelled == 0) expect_zeros(s.text("its gradient"), gradient[0], exact);
}

void probabilities(const Case& s) {
  const Floats logits = uniform(s.scores(), -8, 8);
  const Floats sums = uniform(s.pixels() * s.k, 0, 2);
  Doubles exact(sums.begin(), sums.end());
  for (long long p = 0; p < s.pixels(); ++p) {
    const Doubles probability = softmax(resized(s, logits, p));
    for (int c = 0; c < s.k; ++c) exact[p * s.k + c] += probability[c];
  }
  Array<float> from(logits);
  Floats got[2];
  for (const bool naive : {false, true}) {
    const unsigned pieces = static_cast<unsigned>(s.pieces());
    Array<float> kept(2 * s.pixels()), target(sums);
    launch(naive ? "wisp_pixel_softmax_naive" : "wisp_pixel_softmax",
           {naive ? blocks(pieces, 256) : pieces}, kBlock, Pointer(from), kNull, Pointer(kept),
           kNull, s.n, s.h, s.w, s.k, s.out_h, s.out_w);
    launch("wisp_add_probabilities", {blocks(s.pixels() * s.k, 256)}, kBlock, Pointer(from),
           Pointer(kept), Pointer(target), s.n, s.h, s.w, s.k, s.out_h, s.out_w);
    got[naive] = target.host();
  }
  expect_close(s.text("probabilities"), got[0], got[1], exact);
}

/* Scores of few binary digits, so that what is mixed from them is exact at a power of two. */
void argmax(const Case& s) {
  const Floats logits = coarse(s.scores());
  Ints want(s.pixels());
  for (long long p = 0; p < s.pixels(); ++p) {
    const Doubles z = resized(s, logits, p);
    want[p] = static_cast<int>(std::max_element(z.begin(), z.end()) - z.begin());
  }
  Array<float> from(logits);
  Array<int> labels(s.pixels());
  launch("wisp_argmax_logits", {blocks(s.pixels(), 256)}, kBlock, Pointer(from), Pointer(labels),
         s.n, s.h, s.w, s.k, s.out_h, s.out_w);
  expect_equal(s.text("argmax"), labels.host(), want);
}

void argmax_of_hostile_scores() {
  const Floats logits = {NAN, 1, 1, NAN, NAN, NAN, -INFINITY, -INFINITY, NAN, 2, INFINITY, 3};
  Array<float> from(logits);
  Array<int> labels(4);
  const long long n = 1;
  const int side = 2, k = 3;
  launch("wisp_argmax_logits", {1}, kBlock, Pointer(from), Pointer(labels), n, side, side, k, side,
         side);
  expect_equal("argmax of hostile scores", labels.host(), {1, 0, 0, 1});
}

/* The number of an index under a key, as dev.wisp.common.CounterRandom has it. */
unsigned long long number(unsigned long long key, unsigned long long index) {
  unsigned long long s = key + (index + 1) * 0x9E3779B97F4A7C15ull;
  s = (s ^ (s >> 30)) * 0xBF58476D1CE4E5B9ull;
  s = (s ^ (s >> 27)) * 0x94D049BB133111EBull;
  return s ^ (s >> 31);
}

void dropout(long long n, float probability, long long first) {
  const Floats values = uniform(n);
  const long long key = -7046029254386353131, dropped = std::llround(probability * 0x1p24);
  const float scale = 1 / (1 - probability);
  Floats want(n);
  for (long long i = 0; i < n; ++i)
    if (static_cast<long long>(number(key, first + i) >> 40) >= dropped)
      want[i] = values[i] * scale;
  Array<float> x(values), out(n);
  launch("wisp_dropout", {blocks(n, 256)}, kBlock, Pointer(x), Pointer(out), n, key, first, dropped,
         scale);
  expect_equal("dropout " + std::to_string(n), out.host(), want);
  launch("wisp_dropout", {blocks(n, 256)}, kBlock, Pointer(x), Pointer(x), n, key, first, dropped,
         scale);
  expect_equal("dropout in place " + std::to_string(n), x.host(), want);
}

}  // namespace

void check_segmentation(const std::string& folder) {
  load_module(folder + "/segmentation.ptx");
  const Case cases[] = {{1, 1, 1, 1, 1, 1},   {1, 1, 1, 2, 5, 7},    {2, 3, 2, 3, 3, 2},
                        {1, 5, 4, 17, 2, 3},  {3, 2, 5, 21, 13, 37}, {2, 5, 3, 16, 33, 17},
                        {1, 4, 3, 81, 31, 24}};
  for (const Case& s : cases) {
    cross_entropy(s, 3, true);
    cross_entropy(s, 100, true);
    cross_entropy(s, 3, false);
    probabilities(s);
  }
  for (const Case& s : {Case{2, 3, 5, 21, 3, 5}, Case{1, 3, 2, 4, 12, 16}}) argmax(s);
  argmax_of_hostile_scores();
  load_module(folder + "/dropout.ptx");
  for (const long long n : {1, 255, 257, 1000})
    for (const float probability : {0.0f, 0.1f, 0.999f}) dropout(n, probability, 1LL << 33);
}
