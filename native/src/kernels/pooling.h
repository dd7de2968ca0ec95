#ifndef WISP_KERNELS_POOLING_H
#define WISP_KERNELS_POOLING_H

/* Max pooling 3x3, stride 2, padding 1; documented in wisp.h. */
#define WISP_POOLING_KERNELS(X)                                                                   \
  X(max_pool, (const float* x, float* y, int32_t* index, int64_t n, int64_t h, int64_t w,         \
               int64_t c))                                                                        \
  X(max_pool_backward, (const float* dy, const int32_t* index, float* dx, int64_t n, int64_t h,   \
                        int64_t w, int64_t c))

#endif
