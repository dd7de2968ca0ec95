#ifndef WISP_KERNELS_WEIGHTS_H
#define WISP_KERNELS_WEIGHTS_H

/* Rearrangement of convolution weights; documented in wisp.h. */
#define WISP_WEIGHT_KERNELS(X)                                                                 \
  X(pack_weights, (const float* weight, const float* scale, float* packed, int64_t o,          \
                   int64_t i, int64_t taps, int64_t block))                                    \
  X(turn_weights, (const float* packed, float* turned, int64_t o, int64_t i, int64_t taps,     \
                   int64_t from_block, int64_t to_block))                                      \
  X(unpack_tiles, (const float* tiles, float* weight, int64_t o, int64_t i, int64_t taps))

#endif
