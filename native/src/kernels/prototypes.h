#ifndef WISP_KERNELS_PROTOTYPES_H
#define WISP_KERNELS_PROTOTYPES_H

/* Prototypes and cosine reactivation; documented at the functions of the same name in wisp.h. */
#define WISP_PROTOTYPE_KERNELS(X)                                                                 \
  X(prototypes, (const float* feature, int64_t n, int64_t positions, int64_t d,                   \
                 const int32_t* seeds, const int32_t* offsets, const int32_t* ids, int32_t total, \
                 float* prototypes))                                                              \
  X(prototypes_backward, (const float* d_prototypes, int64_t n, int64_t positions, int64_t d,     \
                          const int32_t* seeds, const int32_t* offsets, const int32_t* ids,       \
                          int32_t total, float* d_feature))                                       \
  X(reactivate, (const float* feature, int64_t n, int64_t positions, int64_t d,                   \
                 const float* prototypes, const int32_t* offsets, float* feature_norms,           \
                 float* prototype_norms, float* maps))                                            \
  X(reactivate_backward, (const float* feature, int64_t n, int64_t positions, int64_t d,          \
                          const float* prototypes, const int32_t* offsets,                        \
                          const float* feature_norms, const float* prototype_norms,               \
                          const float* maps, const float* d_maps, float* d_feature,               \
                          float* d_prototypes))

#endif
