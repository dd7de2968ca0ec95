#ifndef WISP_KERNELS_POINTWISE_H
#define WISP_KERNELS_POINTWISE_H

/* Elementwise passes; documented at the functions of the same name in wisp.h. */
#define WISP_POINTWISE_KERNELS(X)                                              \
  X(fill, (float* out, float value, int64_t n))                                \
  X(add_scaled, (float factor, const float* source, float* target, int64_t n)) \
  X(relu, (const float* x, float* out, int64_t n))                             \
  X(relu_backward, (const float* y, const float* dy, const float* extra, float* dx, int64_t n))

#endif
