#ifndef WISP_KERNELS_CRF_H
#define WISP_KERNELS_CRF_H

/* Dense conditional random field; documented at the functions of the same name in wisp.h. */
#define WISP_CRF_KERNELS(X)                                                                      \
  X(lattice_filter, (const float* image, int64_t h, int64_t w, float spatial, float colour,      \
                     const float* values, int64_t channels, float* out))                         \
  X(dense_crf, (const float* unary, const float* image, int64_t labels, int64_t h, int64_t w,    \
                int64_t steps, float gaussian_spatial, float gaussian_compat,                    \
                float bilateral_spatial, float bilateral_colour, float bilateral_compat, float* q))

#endif
