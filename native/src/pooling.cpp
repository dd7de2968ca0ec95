#include "abi.h"

using namespace wisp;

extern "C" {

int32_t wisp_max_pool(const float* x, float* y, int32_t* index, int64_t n, int64_t h, int64_t w,
                      int64_t c) {
  return guarded("wisp_max_pool", [&] {
    require_pointers(x, y);
    product({n, h, w, c});
    require(h > 0 && w > 0 && h <= INT32_MAX / w, "sizes are out of range");
    kernels().max_pool(x, y, index, n, h, w, c);
  });
}

int32_t wisp_max_pool_backward(const float* dy, const int32_t* index, float* dx, int64_t n,
                               int64_t h, int64_t w, int64_t c) {
  return guarded("wisp_max_pool_backward", [&] {
    require_pointers(dy, index, dx);
    product({n, h, w, c});
    require(h > 0 && w > 0 && h <= INT32_MAX / w, "sizes are out of range");
    kernels().max_pool_backward(dy, index, dx, n, h, w, c);
  });
}
}
