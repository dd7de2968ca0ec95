#ifndef WISP_KERNELS_PILLOW_H
#define WISP_KERNELS_PILLOW_H

/*
 * The two passes of Pillow's 8-bit resampling; single-threaded. Output position o is the sum of
 * `counts[o]` input values from `starts[o]` on with weights[o * taps ..] of 22 fraction bits,
 * rounded and clamped.
 */
#define WISP_PILLOW_KERNELS(X)                                                                    \
  X(pillow_rows, (const uint8_t* source, int64_t h, int64_t w, int64_t c, int64_t out_w,          \
                  const int32_t* starts, const int32_t* counts, const int32_t* weights,           \
                  int64_t taps, uint8_t* out))                                                    \
  X(pillow_columns, (const uint8_t* source, int64_t row_bytes, int64_t out_h,                     \
                     const int32_t* starts, const int32_t* counts, const int32_t* weights,        \
                     int64_t taps, uint8_t* out))

#endif
