#ifndef WISP_KERNELS_OPTIMIZER_H
#define WISP_KERNELS_OPTIMIZER_H

/* Gradient norm, SGD and the folding of fixed batch norm; documented in wisp.h. */
#define WISP_OPTIMIZER_KERNELS(X)                                                                 \
  X(gradient_norm, (const float* const* gradients, const int64_t* sizes, int64_t count,           \
                    float* norm))                                                                 \
  X(sgd_step, (float* const* weights, const float* const* gradients, float* const* velocities,    \
               const float* rates, const int64_t* sizes, int64_t count, const float* norm,        \
               const float* loss_scale, float max_norm, float weight_decay, float momentum,       \
               int32_t first))                                                                    \
  X(update_loss_scale, (const float* norm, float* loss_scale, int32_t interval))                  \
  X(fold_norm, (const float* gamma, const float* beta, const float* mean, const float* var,       \
                float eps, float* scale, float* bias, int64_t channels))                          \
  X(fold_norm_backward, (const float* dw_folded, const float* weight, const float* db,            \
                         const float* gamma, const float* mean, const float* var, float eps,      \
                         float* dw, float* dgamma, int64_t channels, int64_t fan_in))

#endif
