#include "abi.h"

using namespace wisp;

namespace {

void require_scores(int64_t n, int64_t h, int64_t w, int64_t k, int64_t out_h, int64_t out_w) {
  product({n, h, w, k});
  product({n, out_h, out_w, k});
  require(h > 0 && w > 0 && k > 0 && out_h > 0 && out_w > 0, "a size is 0");
}

}  // namespace

extern "C" {

int32_t wisp_pixel_cross_entropy(const float* logits, const uint8_t* labels, int64_t n, int64_t h,
                                 int64_t w, int64_t k, int64_t out_h, int64_t out_w, float* loss,
                                 float* d_logits) {
  return guarded("wisp_pixel_cross_entropy", [&] {
    require_pointers(logits, labels, loss);
    require_scores(n, h, w, k, out_h, out_w);
    kernels().pixel_cross_entropy(logits, labels, n, h, w, k, out_h, out_w, loss, d_logits);
  });
}

int32_t wisp_add_probabilities(const float* logits, int64_t n, int64_t h, int64_t w, int64_t k,
                               int64_t out_h, int64_t out_w, float* probabilities) {
  return guarded("wisp_add_probabilities", [&] {
    require_pointers(logits, probabilities);
    require_scores(n, h, w, k, out_h, out_w);
    kernels().add_probabilities(logits, n, h, w, k, out_h, out_w, probabilities);
  });
}

int32_t wisp_argmax_logits(const float* logits, int64_t n, int64_t h, int64_t w, int64_t k,
                           int64_t out_h, int64_t out_w, int32_t* labels) {
  return guarded("wisp_argmax_logits", [&] {
    require_pointers(logits, labels);
    require_scores(n, h, w, k, out_h, out_w);
    kernels().argmax_logits(logits, n, h, w, k, out_h, out_w, labels);
  });
}

int32_t wisp_dropout(const float* x, int64_t n, int64_t key, int64_t first, int64_t dropped,
                     float scale, float* out) {
  return guarded("wisp_dropout", [&] {
    require_pointers(x, out);
    product({n});
    kernels().dropout(x, n, key, first, dropped, scale, out);
  });
}
}
