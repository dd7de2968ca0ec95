#ifndef WISP_KERNELS_RESIZE_H
#define WISP_KERNELS_RESIZE_H

/* Bilinear resizing; documented in wisp.h. */
#define WISP_RESIZE_KERNELS(X)                                                                    \
  X(resize_bilinear, (const float* source, float* target, int64_t n, int64_t in_h, int64_t in_w,  \
                      int64_t c, int64_t out_h, int64_t out_w, int64_t out_c, int64_t offset,     \
                      int32_t align_corners))                                                     \
  X(resize_bilinear_backward, (const float* d_target, float* d_source, int64_t n, int64_t in_h,   \
                               int64_t in_w, int64_t c, int64_t out_h, int64_t out_w,             \
                               int64_t out_c, int64_t offset, int32_t align_corners))

#endif
