#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {

void crop(const float* source, float* target, int64_t n, int64_t in_h, int64_t in_w, int64_t c,
          int64_t out_h, int64_t out_w, int64_t out_c, int64_t offset) {
  parallel_for(n * out_h, [=](int64_t row) {
    const float* from = source + (row / out_h * in_h + row % out_h) * in_w * c;
    float* to = target + row * out_w * out_c + offset;
    for (int64_t x = 0; x < out_w; ++x)
      for (int64_t k = 0; k < c; ++k) to[x * out_c + k] = from[x * c + k];
  });
}

void crop_backward(const float* d_target, float* d_source, int64_t n, int64_t in_h, int64_t in_w,
                   int64_t c, int64_t out_h, int64_t out_w, int64_t out_c, int64_t offset) {
  parallel_for(n * in_h, [=](int64_t row) {
    const int64_t y = row % in_h;
    const float* from = d_target + (row / in_h * out_h + y) * out_w * out_c + offset;
    float* to = d_source + row * in_w * c;
    const int64_t copied = y < out_h ? out_w : 0;
    for (int64_t x = 0; x < copied; ++x)
      for (int64_t k = 0; k < c; ++k) to[x * c + k] = from[x * out_c + k];
    for (int64_t i = copied * c; i < in_w * c; ++i) to[i] = 0;
  });
}

void sigmoid(const float* x, float scale, float* out, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      out[i] = static_cast<float>(1 / (1 + __builtin_exp(-static_cast<double>(scale) * x[i])));
  });
}

void sigmoid_backward(const float* y, const float* dy, float scale, float* dx, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) dx[i] = scale * dy[i] * (y[i] * (1 - y[i]));
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
