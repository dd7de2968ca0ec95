#ifndef WISP_KERNELS_IRN_H
#define WISP_KERNELS_IRN_H

/* Class boundaries, displacements, random walk; documented at the functions of the same name in
   wisp.h. path_offsets [paths + 1] and path_coordinates [.., 2] as there. */
#define WISP_IRN_KERNELS(X)                                                                      \
  X(crop, (const float* source, float* target, int64_t n, int64_t in_h, int64_t in_w, int64_t c, \
           int64_t out_h, int64_t out_w, int64_t out_c, int64_t offset))                         \
  X(crop_backward, (const float* d_target, float* d_source, int64_t n, int64_t in_h,             \
                    int64_t in_w, int64_t c, int64_t out_h, int64_t out_w, int64_t out_c,        \
                    int64_t offset))                                                             \
  X(sigmoid, (const float* x, float scale, float* out, int64_t n))                               \
  X(sigmoid_backward, (const float* y, const float* dy, float scale, float* dx, int64_t n))      \
  X(pair_counts, (const int32_t* label, int64_t n, int64_t h, int64_t w, int64_t radius,         \
                  const int32_t* path_offsets, const int32_t* path_coordinates, int64_t paths,   \
                  int32_t classes, float* counts))                                               \
  X(path_affinity_loss,                                                                          \
    (const float* boundary, const int32_t* label, int64_t n, int64_t h, int64_t w,               \
     int64_t radius, const int32_t* path_offsets, const int32_t* path_coordinates,               \
     int64_t paths, int32_t classes, const float* weights, float* losses, float* d_boundary))    \
  X(displacement_loss,                                                                           \
    (const float* displacement, const int32_t* label, int64_t n, int64_t h, int64_t w,           \
     int64_t radius, const int32_t* path_offsets, const int32_t* path_coordinates,               \
     int64_t paths, int32_t classes, const float* weights, float* losses,                        \
     float* d_displacement))                                                                     \
  X(random_walk, (const float* boundary, const float* maps, int64_t c, int64_t h, int64_t w,     \
                  int64_t radius, const int32_t* path_offsets, const int32_t* path_coordinates,  \
                  int64_t paths, float beta, int64_t steps, float* out))

#endif
