#include "abi.h"
#include "rows.h"

using namespace wisp;

namespace {

void check_dilations(const int32_t* dilations, int64_t count) {
  require(dilations != nullptr && count >= 1 && count <= 1 << 20, "needs at least one dilation");
  for (int64_t i = 0; i < count; ++i) require(dilations[i] >= 1, "a dilation is less than 1");
}

}  // namespace

extern "C" {

int32_t wisp_pamr_affinity(const float* guide, int64_t n, int64_t h, int64_t w, int64_t c,
                           const int32_t* dilations, int64_t dilation_count, float sigma,
                           float* affinity, float* deviation, float* logit) {
  return guarded("wisp_pamr_affinity", [&] {
    require(guide != nullptr && affinity != nullptr, "needs guide and affinity");
    check_dilations(dilations, dilation_count);
    require(c >= 1, "needs at least one channel");
    product({n, h, w, c});
    product({n, h, w, 8, dilation_count});
    kernels().pamr_affinity(guide, n, h, w, c, dilations, dilation_count, sigma, affinity,
                            deviation, logit);
  });
}

int32_t wisp_pamr_steps(const float* affinity, int64_t h, int64_t w, const int32_t* dilations,
                        int64_t dilation_count, int64_t iterations, const float* maps, int64_t n,
                        const int32_t* offsets, float* out) {
  return guarded("wisp_pamr_steps", [&] {
    require(affinity != nullptr && maps != nullptr && out != nullptr,
            "needs affinity, maps and out");
    check_dilations(dilations, dilation_count);
    require(iterations >= 0, "the number of iterations is negative");
    product({n, h, w, 8, dilation_count});
    check_offsets(n, offsets);
    product({offsets[n], h, w});
    kernels().pamr_steps(affinity, h, w, dilations, dilation_count, iterations, maps, n, offsets,
                         out);
  });
}
}
