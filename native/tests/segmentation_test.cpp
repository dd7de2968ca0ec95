/* Scores resized on the fly, and dropout. */
#include "harness.h"

namespace wisp_tests {
namespace {

struct Sizes {
  int64_t n, h, w, out_h, out_w;
};

constexpr Sizes kSizes[] = {{1, 1, 1, 1, 1}, {2, 3, 2, 3, 2}, {1, 5, 4, 2, 3}, {3, 4, 7, 33, 50}};

Case cross_entropy("pixel_cross_entropy", {1, 2, 7, 8, 16, 17, 21, 81}, [](Run& run, int64_t k) {
  for (const Sizes& s : kSizes) {
    const float* logits = run.input(s.n * s.h * s.w * k, -5, 5);
    uint8_t* labels = run.bytes(s.n * s.out_h * s.out_w);
    for (int64_t i = 0; i < s.n * s.out_h * s.out_w; ++i)
      labels[i] = static_cast<uint8_t>(i % 5 == 4 ? 255 : labels[i] % k);
    run.kernels.pixel_cross_entropy(logits, labels, s.n, s.h, s.w, k, s.out_h, s.out_w,
                                    run.output(1), run.output(s.n * s.h * s.w * k));
    run.kernels.pixel_cross_entropy(logits, labels, s.n, s.h, s.w, k, s.out_h, s.out_w,
                                    run.output(1), nullptr);
  }
});

Case probabilities("add_probabilities", {1, 2, 7, 8, 16, 17, 21, 81}, [](Run& run, int64_t k) {
  for (const Sizes& s : kSizes)
    run.kernels.add_probabilities(run.input(s.n * s.h * s.w * k, -5, 5), s.n, s.h, s.w, k, s.out_h,
                                  s.out_w, run.updated(s.n * s.out_h * s.out_w * k));
});

Case argmax("argmax_logits", {1, 2, 7, 8, 16, 17, 21, 81}, [](Run& run, int64_t k) {
  for (const Sizes& s : kSizes)
    run.kernels.argmax_logits(run.input(s.n * s.h * s.w * k, -5, 5), s.n, s.h, s.w, k, s.out_h,
                              s.out_w, run.output_ints(s.n * s.out_h * s.out_w));
});

Case dropout("dropout", kLengths, [](Run& run, int64_t n) {
  run.kernels.dropout(run.input(n), n, -77, int64_t{1} << 40, 1 << 23, 2, run.output(n, 0));
  float* in_place = run.updated(n);
  run.kernels.dropout(in_place, n, 5, 0, 1 << 20, 1.5f, in_place);
});

}  // namespace
}  // namespace wisp_tests
