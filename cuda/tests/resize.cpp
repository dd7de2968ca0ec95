#include <algorithm>
#include <cmath>

#include "check.h"
#include "device.h"

namespace {

struct Case {
  long long n;
  int c, in_h, in_w, out_h, out_w, offset, out_c;
};

struct Tap {
  int low, high;
  double t;
};

Tap tap(int o, int in, int out, bool corners) {
  if (in == out) return {o, o, 0};
  double at = corners ? (out == 1 ? 0 : o * ((in - 1.0) / (out - 1.0)))
                      : std::max(0.0, (o + 0.5) * (static_cast<double>(in) / out) - 0.5);
  const int low = std::min(static_cast<int>(at), in - 1);
  return {low, std::min(low + 1, in - 1), std::min(1.0, at - low)};
}

/* Calls use(source pixel, target pixel, weight) for every tap of an image. */
template <class Use>
void each_tap(const Case& s, bool corners, const Use& use) {
  for (int i = 0; i < s.out_h; ++i)
    for (int j = 0; j < s.out_w; ++j) {
      const Tap y = tap(i, s.in_h, s.out_h, corners), x = tap(j, s.in_w, s.out_w, corners);
      for (const int row : {0, 1})
        for (const int column : {0, 1})
          use((row ? y.high : y.low) * s.in_w + (column ? x.high : x.low), i * s.out_w + j,
              (row ? y.t : 1 - y.t) * (column ? x.t : 1 - x.t));
    }
}

void check(const Case& s, bool corners, size_t shift) {
  const long long in = s.n * s.in_h * s.in_w, out = s.n * s.out_h * s.out_w;
  const std::string text = "resize " + std::to_string(s.in_h) + "x" + std::to_string(s.in_w) +
                           " to " + std::to_string(s.out_h) + "x" + std::to_string(s.out_w) +
                           " c " + std::to_string(s.c) + (corners ? " corners" : "") +
                           (shift ? " misaligned" : "");
  const Floats source = uniform(in * s.c), target = uniform(out * s.out_c);
  Doubles exact(target.begin(), target.end()), d_exact(source.size());
  for (long long p = 0; p < out; ++p)
    for (int k = 0; k < s.c; ++k) exact[p * s.out_c + s.offset + k] = 0;
  for (long long b = 0; b < s.n; ++b)
    each_tap(s, corners, [&](int from, int to, double weight) {
      for (int k = 0; k < s.c; ++k) {
        const long long at = (b * s.in_h * s.in_w + from) * s.c + k;
        const long long through = (b * s.out_h * s.out_w + to) * s.out_c + s.offset + k;
        exact[through] += weight * source[at];
        d_exact[at] += weight * target[through];
      }
    });

  const int align = corners;
  const Extent block = {32, 8}, flat = {256};
  /* Fewer rows of blocks than needed: they share the rows of the images. */
  for (const unsigned cap : {65535u, 1u}) {
    Array<float> from(source, shift), fast(target, shift), naive(target, shift);
    launch("wisp_resize_bilinear",
           {blocks(static_cast<long long>(s.out_w) * s.c, 128),
            std::min(blocks(s.n * s.out_h, 8), cap)},
           block, Pointer(from), Pointer(fast), s.n, s.in_h, s.in_w, s.c, s.out_h, s.out_w, s.out_c,
           s.offset, align);
    launch("wisp_resize_bilinear_naive", {blocks(out * s.c, 256)}, flat, Pointer(from),
           Pointer(naive), s.n, s.in_h, s.in_w, s.c, s.out_h, s.out_w, s.out_c, s.offset, align);
    expect_close(text, fast.host(), naive.host(), exact);
    expect_equal(text + " beside its sibling", fast.host(), naive.host());

    Array<float> gradient(target, shift), d_fast(source.size(), shift),
        d_naive(source.size(), shift);
    launch("wisp_resize_bilinear_backward",
           {blocks(static_cast<long long>(s.in_w) * s.c, 128),
            std::min(blocks(s.n * s.in_h, 8), cap)},
           block, Pointer(gradient), Pointer(d_fast), s.n, s.in_h, s.in_w, s.c, s.out_h, s.out_w,
           s.out_c, s.offset, align);
    launch("wisp_resize_bilinear_backward_naive", {blocks(in * s.c, 256)}, flat, Pointer(gradient),
           Pointer(d_naive), s.n, s.in_h, s.in_w, s.c, s.out_h, s.out_w, s.out_c, s.offset, align);
    expect_close(text + " backward", d_fast.host(), d_naive.host(), d_exact);
  }

  Array<float> constant(Floats(source.size(), 0.485f), shift), same(target.size(), shift);
  launch("wisp_resize_bilinear",
         {blocks(static_cast<long long>(s.out_w) * s.c, 128), blocks(s.n * s.out_h, 8)}, block,
         Pointer(constant), Pointer(same), s.n, s.in_h, s.in_w, s.c, s.out_h, s.out_w, s.c, 0,
         align);
  Floats values = same.host();
  values.resize(out * s.c);
  expect_equal(text + " constant", values, Floats(values.size(), 0.485f));
}

}  // namespace

void check_resize(const std::string& folder) {
  load_module(folder + "/resize.ptx");
  const Case cases[] = {
      {1, 1, 1, 1, 1, 1, 0, 1},    {1, 3, 1, 1, 5, 7, 0, 3},    {2, 1, 5, 7, 1, 1, 0, 1},
      {2, 17, 7, 5, 7, 5, 3, 23},  {1, 16, 7, 5, 13, 17, 0, 16}, {3, 4, 7, 5, 7, 9, 4, 12},
      {1, 15, 8, 9, 17, 15, 1, 17}, {1, 1, 33, 47, 16, 20, 0, 1}, {2, 1, 3, 3, 31, 40, 0, 1},
      {1, 64, 14, 9, 7, 5, 64, 192}, {2, 20, 1, 9, 5, 4, 0, 20},
  };
  for (const Case& s : cases)
    for (const bool corners : {true, false})
      for (const size_t shift : {0, 1}) check(s, corners, shift);
}
