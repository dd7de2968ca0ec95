#include "abi.h"

using namespace wisp;

extern "C" {

int32_t wisp_batch_norm_forward(const float* x, const float* gamma, const float* beta, float eps,
                                const float* residual, int32_t relu, float* y, float* mean,
                                float* inv_std, int64_t positions, int64_t c) {
  return guarded("wisp_batch_norm_forward", [&] {
    require_pointers(x, gamma, beta, y, mean, inv_std);
    product({positions, c});
    require(positions > 0, "sizes are out of range");
    kernels().batch_norm_forward(x, gamma, beta, eps, residual, relu, y, mean, inv_std, positions,
                                 c);
  });
}

int32_t wisp_batch_norm_backward(const float* x, const float* dy, const float* gamma,
                                 const float* mean, const float* inv_std, float* dx, float* dgamma,
                                 float* dbeta, int64_t positions, int64_t c) {
  return guarded("wisp_batch_norm_backward", [&] {
    require_pointers(x, dy, gamma, mean, inv_std, dx, dgamma, dbeta);
    product({positions, c});
    require(positions > 0, "sizes are out of range");
    kernels().batch_norm_backward(x, dy, gamma, mean, inv_std, dx, dgamma, dbeta, positions, c);
  });
}

int32_t wisp_batch_norm_update(const float* mean, const float* inv_std, float eps, int64_t count,
                               float momentum, float* running_mean, float* running_var,
                               int64_t c) {
  return guarded("wisp_batch_norm_update", [&] {
    require_pointers(mean, inv_std, running_mean, running_var);
    product({c});
    require(count > 1, "sizes are out of range");
    kernels().batch_norm_update(mean, inv_std, eps, count, momentum, running_mean, running_var, c);
  });
}

int32_t wisp_l2_normalize(const float* x, float eps, float* y, float* norms, int64_t positions,
                          int64_t c) {
  return guarded("wisp_l2_normalize", [&] {
    require_pointers(x, y, norms);
    product({positions, c});
    kernels().l2_normalize(x, eps, y, norms, positions, c);
  });
}

int32_t wisp_l2_normalize_backward(const float* x, const float* norms, const float* dy, float eps,
                                   float* dx, int64_t positions, int64_t c) {
  return guarded("wisp_l2_normalize_backward", [&] {
    require_pointers(x, norms, dy, dx);
    product({positions, c});
    kernels().l2_normalize_backward(x, norms, dy, eps, dx, positions, c);
  });
}
}
