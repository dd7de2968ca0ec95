#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {

void fill(float* out, float value, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = value;
  });
}

void add_scaled(float factor, const float* source, float* target, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) target[i] += factor * source[i];
  });
}

void relu(const float* x, float* out, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = x[i] <= 0 ? 0.0f : x[i];
  });
}

void relu_backward(const float* y, const float* dy, const float* extra, float* dx, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    const vf zero{};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      const vf gradient = extra ? load(dy + i) + load(extra + i) : load(dy + i);
      store(dx + i, load(y + i) > zero ? gradient : zero);
    }
    for (; i < end; ++i) dx[i] = y[i] > 0 ? (extra ? dy[i] + extra[i] : dy[i]) : 0.0f;
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
