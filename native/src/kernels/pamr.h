#ifndef WISP_KERNELS_PAMR_H
#define WISP_KERNELS_PAMR_H

/* Pixel-adaptive mask refinement; documented at the functions of the same name in wisp.h. */
#define WISP_PAMR_KERNELS(X)                                                                      \
  X(pamr_affinity, (const float* guide, int64_t n, int64_t h, int64_t w, int64_t c,               \
                    const int32_t* dilations, int64_t dilation_count, float sigma,                \
                    float* affinity, float* deviation, float* logit))                             \
  X(pamr_steps, (const float* affinity, int64_t h, int64_t w, const int32_t* dilations,           \
                 int64_t dilation_count, int64_t iterations, const float* maps, int64_t n,        \
                 const int32_t* offsets, float* out))

#endif
