#ifndef WISP_KERNELS_STRUCTURE_H
#define WISP_KERNELS_STRUCTURE_H

/* Structure analysis; documented at the function of the same name in wisp.h. */
#define WISP_STRUCTURE_KERNELS(X)                                                                 \
  X(structure_seeds, (const float* feature, int64_t n, int64_t positions, int64_t d,              \
                      const float* maps, const int32_t* offsets, const int32_t* ids,              \
                      const int32_t* present_offsets, const int32_t* present_ids, int32_t total,  \
                      const float* valid, float eps, int32_t* seeds, float* iou))

#endif
