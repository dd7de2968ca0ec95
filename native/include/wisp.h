/*
 * Wisp's native CPU kernels: the C ABI.
 *
 * Conventions. Every function that can fail returns a status, 0 for success; the reason of the last
 * failure on the calling thread is in wisp_error_message(). Sizes are 64-bit. Pointers are marked
 * in, out or inout; they are never kept after the call. No exception leaves the library.
 */
#ifndef WISP_H
#define WISP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WISP_API __attribute__((visibility("default")))

/* Number compared by the loader; raise it whenever a signature below changes. */
#define WISP_ABI 1

enum {
  WISP_OK = 0,
  WISP_BAD_ARGUMENT = 1,
  WISP_OUT_OF_MEMORY = 2,
  WISP_FAILED = 3,
};

/* The WISP_ABI the library was built with. */
WISP_API int32_t wisp_abi(void);

/* Text of the calling thread's last failure; never null; valid until its next failure. */
WISP_API const char* wisp_error_message(void);

/*
 * Name of the instruction set in use: "portable", "avx2" or "avx512"; the widest the machine has,
 * capped by the environment variable WISP_ISA. An unknown WISP_ISA is WISP_BAD_ARGUMENT here and in
 * every kernel. *name (out) is static.
 */
WISP_API int32_t wisp_isa(const char** name);

/*
 * Threads for calls made from the calling thread, 1..4096; also sets OpenMP's count for it, so that
 * another OpenMP library called from this thread agrees. Results do not depend on it.
 */
WISP_API int32_t wisp_set_threads(int32_t count);
WISP_API int32_t wisp_threads(void);

/*
 * Memory of at least `bytes` (0 allowed), aligned to 64 bytes, contents undefined; *memory (out) is
 * owned by the caller until wisp_free. wisp_free(NULL) does nothing.
 */
WISP_API int32_t wisp_alloc(int64_t bytes, void** memory);
WISP_API void wisp_free(void* memory);

/* ---- Elementwise (PointwiseOps). n: number of elements. ---- */

/* out[i] = value */
WISP_API int32_t wisp_fill(float* out, float value, int64_t n);

/* target[i] += factor * source[i]; separate rounding of product and sum */
WISP_API int32_t wisp_add_scaled(float factor, const float* source, float* target, int64_t n);

/* out[i] = max(0, x[i]), NaN stays NaN; out may be x */
WISP_API int32_t wisp_relu(const float* x, float* out, int64_t n);

/* dx[i] = y[i] > 0 ? dy[i] + extra[i] : 0; extra may be null; dx may be dy or extra */
WISP_API int32_t wisp_relu_backward(const float* y, const float* dy, const float* extra, float* dx,
                                    int64_t n);

/*
 * ---- Rows of class maps. ----
 * Only the classes an image carries have maps: maps are [rows, positions], offsets (in, n + 1
 * ascending numbers that begin with 0) says which rows an image has, ids (in, one per row,
 * ascending within an image, below `total`) which classes they are. Class 0 is the background.
 */

/* ---- Structure analysis, prototypes, reactivation (SeedOps; SIPE, Chen et al., 2022). ----
 * feature: [n, positions, d]; seeds: [n, positions] class ids or -1; positions < 2^31. */

/*
 * With u_i = f_i / (|f_i| + eps), S_ij = max(0, u_i . u_j) and m = sum_j S_ij M_kj:
 * IoU_ik = m / (sum_j S_ij + sum_j M_kj - m), halved for k = 0; a class without a row has M = 0.
 * The first class of largest IoU (NaN largest) becomes seeds[i] (out) if it is among the image's
 * present_ids and valid[i] is not 0, else -1. valid: in, [n, positions] or null. iou: out,
 * [rows, positions] or null. Working space: one image's features and at most 32 MB beside them
 * (or one set of sums, [rows + 1, positions], if that is larger).
 */
WISP_API int32_t wisp_structure_seeds(const float* feature, int64_t n, int64_t positions, int64_t d,
                                      const float* maps, const int32_t* offsets, const int32_t* ids,
                                      const int32_t* present_offsets, const int32_t* present_ids,
                                      int32_t total, const float* valid, float eps, int32_t* seeds,
                                      float* iou);

/* prototypes[k] (out, [rows, d]) = sum of the features of the seeds of class k / positions */
WISP_API int32_t wisp_prototypes(const float* feature, int64_t n, int64_t positions, int64_t d,
                                 const int32_t* seeds, const int32_t* offsets, const int32_t* ids,
                                 int32_t total, float* prototypes);

/* d_feature[i] (inout) += d_prototypes[row of seed i] / positions */
WISP_API int32_t wisp_prototypes_backward(const float* d_prototypes, int64_t n, int64_t positions,
                                          int64_t d, const int32_t* seeds, const int32_t* offsets,
                                          const int32_t* ids, int32_t total, float* d_feature);

/*
 * maps[k][i] (out) = max(0, cos(f_i, prototypes[k])), each norm at least 1e-8; feature_norms (out,
 * [n, positions]) and prototype_norms (out, [rows]) are the norms before that floor.
 */
WISP_API int32_t wisp_reactivate(const float* feature, int64_t n, int64_t positions, int64_t d,
                                 const float* prototypes, const int32_t* offsets,
                                 float* feature_norms, float* prototype_norms, float* maps);

/*
 * Gradient of wisp_reactivate, where maps > 0: adds to d_feature (inout), sets d_prototypes (out).
 * A norm below 1e-8 counts as the constant 1e-8.
 */
WISP_API int32_t wisp_reactivate_backward(const float* feature, int64_t n, int64_t positions,
                                          int64_t d, const float* prototypes,
                                          const int32_t* offsets, const float* feature_norms,
                                          const float* prototype_norms, const float* maps,
                                          const float* d_maps, float* d_feature,
                                          float* d_prototypes);

/* ---- Pixel-adaptive mask refinement (PamrOps; Araslanov and Roth, 2020). ----
 * Neighbours: dilation by dilation, within one NW N NE W E SW S SE, clamped at the border;
 * dilations: in, each at least 1. */

/*
 * affinity (out, [n, 8 * dilation_count, h, w]) = softmax over the neighbours q of a pixel p of the
 * mean over channels of -|I(p) - I(q)| / (1e-8 + 0.1 deviation), or, with sigma > 0, of
 * -(I(p) - I(q))^2 / (2 sigma^2). guide: in, [n, h, w, c]. deviation (out, [n, c, h, w], or null):
 * sample deviation over the neighbours and one centre per dilation. logit: out, as affinity, or
 * null. A constant window has logits of exactly 0.
 */
WISP_API int32_t wisp_pamr_affinity(const float* guide, int64_t n, int64_t h, int64_t w, int64_t c,
                                    const int32_t* dilations, int64_t dilation_count, float sigma,
                                    float* affinity, float* deviation, float* logit);

/* out (out, [rows, h, w]) = maps (in) after so many steps m(p) = sum_q affinity(p, q) m(q) */
WISP_API int32_t wisp_pamr_steps(const float* affinity, int64_t h, int64_t w,
                                 const int32_t* dilations, int64_t dilation_count,
                                 int64_t iterations, const float* maps, int64_t n,
                                 const int32_t* offsets, float* out);

/* ---- Pillow's 8-bit resizing, bit for bit; on the calling thread alone. Sizes 1..2^24. ---- */

/* Bicubic (a = -0.5, antialiased): source [h, w, c] to out [out_h, out_w, c]. */
WISP_API int32_t wisp_pillow_bicubic(const uint8_t* source, int64_t h, int64_t w, int64_t c,
                                     uint8_t* out, int64_t out_h, int64_t out_w);

/* Nearest: source [h, w] to out [out_h, out_w]. */
WISP_API int32_t wisp_pillow_nearest(const uint8_t* source, int64_t h, int64_t w, uint8_t* out,
                                     int64_t out_h, int64_t out_w);

#ifdef __cplusplus
}
#endif

#endif
