#include "abi.h"

using namespace wisp;

extern "C" {

int32_t wisp_fill(float* out, float value, int64_t n) {
  return guarded("wisp_fill", [&] {
    require_pointers(out);
    product({n});
    kernels().fill(out, value, n);
  });
}

int32_t wisp_copy(const void* source, void* target, int64_t bytes) {
  return guarded("wisp_copy", [&] {
    require_pointers(source, target);
    product({bytes});
    kernels().copy(source, target, bytes);
  });
}

int32_t wisp_add_scaled(float factor, const float* source, float* target, int64_t n) {
  return guarded("wisp_add_scaled", [&] {
    require_pointers(source, target);
    product({n});
    kernels().add_scaled(factor, source, target, n);
  });
}

int32_t wisp_scale(float* x, const float* factor, int64_t n) {
  return guarded("wisp_scale", [&] {
    require_pointers(x, factor);
    product({n});
    kernels().scale(x, factor, n);
  });
}

int32_t wisp_relu(const float* x, float* out, int64_t n) {
  return guarded("wisp_relu", [&] {
    require_pointers(x, out);
    product({n});
    kernels().relu(x, out, n);
  });
}

int32_t wisp_relu_backward(const float* y, const float* dy, const float* extra, float* dx,
                           int64_t n) {
  return guarded("wisp_relu_backward", [&] {
    require_pointers(y, dy, dx);
    product({n});
    kernels().relu_backward(y, dy, extra, dx, n);
  });
}

int32_t wisp_add_mirrored(const float* mirrored, float* target, int64_t n, int64_t h, int64_t w,
                          int64_t c) {
  return guarded("wisp_add_mirrored", [&] {
    require_pointers(mirrored, target);
    product({n, h, w, c});
    kernels().add_mirrored(mirrored, target, n, h, w, c);
  });
}

int32_t wisp_denormalize(const float* x, const float* mean, const float* std, float* out,
                         int64_t positions) {
  return guarded("wisp_denormalize", [&] {
    require_pointers(x, mean, std, out);
    product({positions, 3});
    kernels().denormalize(x, mean, std, out, positions);
  });
}

int32_t wisp_spatial_mean(const float* x, float* out, int64_t n, int64_t positions, int64_t c) {
  return guarded("wisp_spatial_mean", [&] {
    require_pointers(x, out);
    product({n, positions, c});
    require(positions > 0, "sizes are out of range");
    kernels().spatial_mean(x, out, n, positions, c);
  });
}

int32_t wisp_spatial_mean_backward(const float* d_out, float* dx, int64_t n, int64_t positions,
                                   int64_t c) {
  return guarded("wisp_spatial_mean_backward", [&] {
    require_pointers(d_out, dx);
    product({n, positions, c});
    require(positions > 0 && c > 0, "sizes are out of range");
    kernels().spatial_mean_backward(d_out, dx, n, positions, c);
  });
}

int32_t wisp_soft_margin_loss(const float* score, const float* label, float* loss, float* d_score,
                              int64_t n, int64_t k) {
  return guarded("wisp_soft_margin_loss", [&] {
    require_pointers(score, label, loss);
    product({n, k});
    require(n > 0 && k > 0, "sizes are out of range");
    kernels().soft_margin_loss(score, label, loss, d_score, n, k);
  });
}

int32_t wisp_mean_absolute_difference(const float* a, const float* b, int64_t elements,
                                      double divisor, float* loss, float* da) {
  return guarded("wisp_mean_absolute_difference", [&] {
    require_pointers(a, b, loss);
    product({elements});
    require(divisor > 0, "sizes are out of range");
    kernels().mean_absolute_difference(a, b, elements, divisor, loss, da);
  });
}
}
