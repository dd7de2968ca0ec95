#ifndef WISP_KERNELS_MAPS_H
#define WISP_KERNELS_MAPS_H

/* Class activation maps and their normalisations; documented in wisp.h. */
#define WISP_MAP_KERNELS(X)                                                                       \
  X(cam_to_maps, (const float* cam, const float* valid, const int32_t* offsets,                   \
                  const int32_t* ids, float eps, float* maps, int32_t* peak, int32_t* winner,     \
                  int64_t n, int64_t positions, int64_t k))                                       \
  X(cam_to_maps_backward, (const float* cam, const float* valid, const int32_t* offsets,          \
                           const int32_t* ids, float eps, const int32_t* peak,                    \
                           const int32_t* winner, const float* d_maps, float* d_cam, int64_t n,   \
                           int64_t positions, int64_t k))                                         \
  X(normalize_maps, (const float* maps, int32_t min_max, float eps, float* out, int32_t* peak,    \
                     int64_t rows, int64_t positions))                                            \
  X(normalize_maps_backward, (const float* maps, int32_t min_max, float eps, const int32_t* peak, \
                              const float* d_out, float* d_maps, int64_t rows,                    \
                              int64_t positions))                                                 \
  X(argmax_maps, (const float* maps, const int32_t* offsets, const int32_t* ids,                  \
                  float background_factor, int32_t* seeds, int64_t n, int64_t positions))         \
  X(limit_seeds, (const float* support, const int32_t* offsets, const int32_t* ids, float share,  \
                  int32_t* seeds, int64_t n, int64_t positions))

#endif
