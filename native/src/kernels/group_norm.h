#ifndef WISP_KERNELS_GROUP_NORM_H
#define WISP_KERNELS_GROUP_NORM_H

/* Group normalisation; documented at the functions of the same name in wisp.h. */
#define WISP_GROUP_NORM_KERNELS(X)                                                              \
  X(group_norm_forward, (const float* x, const float* gamma, const float* beta, float eps,      \
                         int32_t relu, float* y, float* mean, float* inv_std, int64_t n,        \
                         int64_t positions, int64_t c, int64_t groups))                         \
  X(group_norm_backward,                                                                        \
    (const float* x, const float* dy, const float* gamma, const float* mean,                    \
     const float* inv_std, float* dx, float* dgamma, float* dbeta, int64_t n, int64_t positions, \
     int64_t c, int64_t groups))

#endif
