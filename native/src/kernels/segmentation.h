#ifndef WISP_KERNELS_SEGMENTATION_H
#define WISP_KERNELS_SEGMENTATION_H

/* Loss, probabilities and labels of resized scores; dropout. Documented in wisp.h. */
#define WISP_SEGMENTATION_KERNELS(X)                                                            \
  X(pixel_cross_entropy, (const float* logits, const uint8_t* labels, int64_t n, int64_t h,     \
                          int64_t w, int64_t k, int64_t out_h, int64_t out_w, float* loss,      \
                          float* d_logits))                                                     \
  X(add_probabilities, (const float* logits, int64_t n, int64_t h, int64_t w, int64_t k,        \
                        int64_t out_h, int64_t out_w, float* probabilities))                    \
  X(argmax_logits, (const float* logits, int64_t n, int64_t h, int64_t w, int64_t k,            \
                    int64_t out_h, int64_t out_w, int32_t* labels))                             \
  X(dropout, (const float* x, int64_t n, int64_t key, int64_t first, int64_t dropped,           \
              float scale, float* out))

#endif
