#ifndef WISP_KERNELS_NORMS_H
#define WISP_KERNELS_NORMS_H

/* Batch norm with live statistics and L2 normalisation; documented in wisp.h. */
#define WISP_NORM_KERNELS(X)                                                                      \
  X(batch_norm_forward, (const float* x, const float* gamma, const float* beta, float eps,        \
                         const float* residual, int32_t relu, float* y, float* mean,              \
                         float* inv_std, int64_t positions, int64_t c))                           \
  X(batch_norm_backward, (const float* x, const float* dy, const float* gamma, const float* mean, \
                          const float* inv_std, float* dx, float* dgamma, float* dbeta,           \
                          int64_t positions, int64_t c))                                          \
  X(batch_norm_update, (const float* mean, const float* inv_std, float eps, int64_t count,        \
                        float momentum, float* running_mean, float* running_var, int64_t c))      \
  X(l2_normalize, (const float* x, float eps, float* y, float* norms, int64_t positions,          \
                   int64_t c))                                                                    \
  X(l2_normalize_backward, (const float* x, const float* norms, const float* dy, float eps,       \
                            float* dx, int64_t positions, int64_t c))

#endif
