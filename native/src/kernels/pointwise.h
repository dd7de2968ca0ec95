#ifndef WISP_KERNELS_POINTWISE_H
#define WISP_KERNELS_POINTWISE_H

/* Elementwise passes and losses; documented at the functions of the same name in wisp.h. */
#define WISP_POINTWISE_KERNELS(X)                                                                \
  X(fill, (float* out, float value, int64_t n))                                                  \
  X(copy, (const void* source, void* target, int64_t bytes))                                     \
  X(add_scaled, (float factor, const float* source, float* target, int64_t n))                   \
  X(scale, (float* x, const float* factor, int64_t n))                                           \
  X(relu, (const float* x, float* out, int64_t n))                                               \
  X(relu_backward, (const float* y, const float* dy, const float* extra, float* dx, int64_t n))  \
  X(add_mirrored, (const float* mirrored, float* target, int64_t n, int64_t h, int64_t w,         \
                   int64_t c))                                                                   \
  X(denormalize, (const float* x, const float* mean, const float* std, float* out,               \
                  int64_t positions))                                                            \
  X(spatial_mean, (const float* x, float* out, int64_t n, int64_t positions, int64_t c))         \
  X(spatial_mean_backward, (const float* d_out, float* dx, int64_t n, int64_t positions,         \
                            int64_t c))                                                          \
  X(soft_margin_loss, (const float* score, const float* label, float* loss, float* d_score,      \
                       int64_t n, int64_t k))                                                    \
  X(mean_absolute_difference, (const float* a, const float* b, int64_t elements, double divisor, \
                               float* loss, float* da))

#endif
