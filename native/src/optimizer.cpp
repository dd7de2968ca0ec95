#include "abi.h"

using namespace wisp;

namespace {

template <class Array>
void require_arrays(Array* const* arrays, const int64_t* sizes, int64_t count, bool null_allowed) {
  for (int64_t i = 0; i < count; ++i) {
    require(sizes[i] >= 0 && (null_allowed || arrays[i] != nullptr),
            "an array is null or its size is negative");
  }
}

}  // namespace

extern "C" {

int32_t wisp_gradient_norm(const float* const* gradients, const int64_t* sizes, int64_t count,
                           float* norm) {
  return guarded("wisp_gradient_norm", [&] {
    require_pointers(gradients, sizes, norm);
    require(count >= 0, "count is negative");
    require_arrays(gradients, sizes, count, false);
    kernels().gradient_norm(gradients, sizes, count, norm);
  });
}

int32_t wisp_sgd_step(float* const* weights, const float* const* gradients,
                      float* const* velocities, const float* rates, const int64_t* sizes,
                      int64_t count, const float* norm, const float* loss_scale, float max_norm,
                      float weight_decay, float momentum, int32_t first) {
  return guarded("wisp_sgd_step", [&] {
    require_pointers(weights, gradients, velocities, rates, sizes, norm);
    require(count >= 0, "count is negative");
    require_arrays(weights, sizes, count, false);
    require_arrays(gradients, sizes, count, false);
    require_arrays(velocities, sizes, count, true);
    kernels().sgd_step(weights, gradients, velocities, rates, sizes, count, norm, loss_scale,
                       max_norm, weight_decay, momentum, first);
  });
}

int32_t wisp_update_loss_scale(const float* norm, float* loss_scale, int32_t interval) {
  return guarded("wisp_update_loss_scale", [&] {
    require_pointers(norm, loss_scale);
    require(interval >= 1 && interval <= 1 << 24, "interval is not 1 to 2^24");
    kernels().update_loss_scale(norm, loss_scale, interval);
  });
}

int32_t wisp_fold_norm(const float* gamma, const float* beta, const float* mean, const float* var,
                       float eps, float* scale, float* bias, int64_t channels) {
  return guarded("wisp_fold_norm", [&] {
    require_pointers(gamma, beta, mean, var, scale, bias);
    product({channels});
    kernels().fold_norm(gamma, beta, mean, var, eps, scale, bias, channels);
  });
}

int32_t wisp_fold_norm_backward(const float* dw_folded, const float* weight, const float* db,
                                const float* gamma, const float* mean, const float* var, float eps,
                                float* dw, float* dgamma, int64_t channels, int64_t fan_in) {
  return guarded("wisp_fold_norm_backward", [&] {
    require_pointers(dw_folded, weight, db, gamma, mean, var, dw, dgamma);
    product({channels, fan_in});
    kernels().fold_norm_backward(dw_folded, weight, db, gamma, mean, var, eps, dw, dgamma, channels,
                                 fan_in);
  });
}
}
