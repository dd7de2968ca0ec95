#include "abi.h"

using namespace wisp;

extern "C" {

int32_t wisp_fill(float* out, float value, int64_t n) {
  return guarded("wisp_fill", [&] {
    require(out != nullptr && n >= 0, "needs out and n >= 0");
    kernels().fill(out, value, n);
  });
}

int32_t wisp_add_scaled(float factor, const float* source, float* target, int64_t n) {
  return guarded("wisp_add_scaled", [&] {
    require(source != nullptr && target != nullptr && n >= 0, "needs source, target and n >= 0");
    kernels().add_scaled(factor, source, target, n);
  });
}

int32_t wisp_relu(const float* x, float* out, int64_t n) {
  return guarded("wisp_relu", [&] {
    require(x != nullptr && out != nullptr && n >= 0, "needs x, out and n >= 0");
    kernels().relu(x, out, n);
  });
}

int32_t wisp_relu_backward(const float* y, const float* dy, const float* extra, float* dx,
                           int64_t n) {
  return guarded("wisp_relu_backward", [&] {
    require(y != nullptr && dy != nullptr && dx != nullptr && n >= 0, "needs y, dy, dx and n >= 0");
    kernels().relu_backward(y, dy, extra, dx, n);
  });
}
}
