#include "abi.h"

using namespace wisp;

namespace {

void check_grid(int64_t h, int64_t w, float spatial, float colour) {
  require(product({h, w}) < INT32_MAX / 6, "the image has too many pixels");
  require(spatial > 0 && colour > 0, "a deviation is not positive");
}

}  // namespace

extern "C" {

int32_t wisp_lattice_filter(const float* image, int64_t h, int64_t w, float spatial, float colour,
                            const float* values, int64_t channels, float* out) {
  return guarded("wisp_lattice_filter", [&] {
    require_pointers(values, out);
    check_grid(h, w, spatial, image == nullptr ? 1 : colour);
    product({channels + 3, h, w});
    kernels().lattice_filter(image, h, w, spatial, colour, values, channels, out);
  });
}

int32_t wisp_dense_crf(const float* unary, const float* image, int64_t labels, int64_t h, int64_t w,
                       int64_t steps, float gaussian_spatial, float gaussian_compat,
                       float bilateral_spatial, float bilateral_colour, float bilateral_compat,
                       float* q) {
  return guarded("wisp_dense_crf", [&] {
    require_pointers(unary, image, q);
    require(steps >= 0, "the number of steps is negative");
    check_grid(h, w, gaussian_spatial, 1);
    check_grid(h, w, bilateral_spatial, bilateral_colour);
    product({labels + 3, h, w});
    kernels().dense_crf(unary, image, labels, h, w, steps, gaussian_spatial, gaussian_compat,
                        bilateral_spatial, bilateral_colour, bilateral_compat, q);
  });
}
}
