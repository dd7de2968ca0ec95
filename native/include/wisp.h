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
#define WISP_ABI 3

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

/* ---- Elementwise passes and losses (PointwiseOps). n: number of elements where alone. ---- */

/* out[i] = value */
WISP_API int32_t wisp_fill(float* out, float value, int64_t n);

/* Copies bytes; the ranges must not overlap. */
WISP_API int32_t wisp_copy(const void* source, void* target, int64_t bytes);

/* target[i] += factor * source[i]; separate rounding of product and sum */
WISP_API int32_t wisp_add_scaled(float factor, const float* source, float* target, int64_t n);

/* x[i] *= factor[0]; x: inout, factor: in, not within x */
WISP_API int32_t wisp_scale(float* x, const float* factor, int64_t n);

/* out[i] = max(0, x[i]), NaN stays NaN; out may be x */
WISP_API int32_t wisp_relu(const float* x, float* out, int64_t n);

/* dx[i] = y[i] > 0 ? dy[i] + extra[i] : 0; extra may be null; dx may be dy or extra */
WISP_API int32_t wisp_relu_backward(const float* y, const float* dy, const float* extra, float* dx,
                                    int64_t n);

/* target[n, y, x, k] += mirrored[n, y, w - 1 - x, k]; both [n, h, w, c] */
WISP_API int32_t wisp_add_mirrored(const float* mirrored, float* target, int64_t n, int64_t h,
                                   int64_t w, int64_t c);

/* out[p, k] = x[p, k] * std[k] + mean[k], each operation rounded; x, out [positions, 3] */
WISP_API int32_t wisp_denormalize(const float* x, const float* mean, const float* std, float* out,
                                  int64_t positions);

/* Mean over positions, in double: x (in) [n, positions, c], out (out) [n, c]; positions > 0 */
WISP_API int32_t wisp_spatial_mean(const float* x, float* out, int64_t n, int64_t positions,
                                   int64_t c);

/* dx[n, p, k] += d_out[n, k] / positions */
WISP_API int32_t wisp_spatial_mean_backward(const float* d_out, float* dx, int64_t n,
                                            int64_t positions, int64_t c);

/*
 * Multi-label soft margin: mean of -(y log s(z) + (1 - y) log s(-z)), z = score, y = label, s the
 * logistic function. score, label (in) [n, k]; loss (out) [1]; d_score (out) [n, k] or null.
 * n k > 0.
 */
WISP_API int32_t wisp_soft_margin_loss(const float* score, const float* label, float* loss,
                                       float* d_score, int64_t n, int64_t k);

/*
 * loss = sum |a - b| / divisor; da = sign(a - b) / divisor with sign(0) = 0, or null. divisor > 0.
 */
WISP_API int32_t wisp_mean_absolute_difference(const float* a, const float* b, int64_t elements,
                                               double divisor, float* loss, float* da);

/* ---- Norms (NormOps). x, y, dx, dy: [positions, c]; per channel: [c]. ---- */

/*
 * y = act(gamma (x - mean) inv_std + beta + residual), act = max(0, .) if relu else the identity;
 * mean, inv_std (out) of this batch, inv_std = 1 / sqrt(var + eps), var with divisor `positions`.
 * residual may be null; positions > 0.
 */
WISP_API int32_t wisp_batch_norm_forward(const float* x, const float* gamma, const float* beta,
                                         float eps, const float* residual, int32_t relu, float* y,
                                         float* mean, float* inv_std, int64_t positions, int64_t c);

/*
 * dx = gamma inv_std (dy - mean(dy) - xhat mean(dy xhat)); dgamma = sum(dy xhat); dbeta = sum(dy)
 */
WISP_API int32_t wisp_batch_norm_backward(const float* x, const float* dy, const float* gamma,
                                          const float* mean, const float* inv_std, float* dx,
                                          float* dgamma, float* dbeta, int64_t positions,
                                          int64_t c);

/*
 * running_mean += momentum (mean - running_mean); running_var += momentum (var count / (count - 1)
 * - running_var), var = 1 / inv_std^2 - eps. count > 1.
 */
WISP_API int32_t wisp_batch_norm_update(const float* mean, const float* inv_std, float eps,
                                        int64_t count, float momentum, float* running_mean,
                                        float* running_var, int64_t c);

/* norms[p] = |x_p|; y_p = x_p / (norms[p] + eps) */
WISP_API int32_t wisp_l2_normalize(const float* x, float eps, float* y, float* norms,
                                   int64_t positions, int64_t c);

/* dx = dy / (n + eps) - x (x . dy) / (n (n + eps)^2); dy / eps where n is 0 */
WISP_API int32_t wisp_l2_normalize_backward(const float* x, const float* norms, const float* dy,
                                            float eps, float* dx, int64_t positions, int64_t c);

/* ---- Bilinear resizing (ResizeOps). ---- */

/*
 * source (in) [n, in_h, in_w, c] into channels offset .. offset + c of target (out) [n, out_h,
 * out_w, out_c]. Equal sizes copy. No size but n may be 0.
 */
WISP_API int32_t wisp_resize_bilinear(const float* source, float* target, int64_t n, int64_t in_h,
                                      int64_t in_w, int64_t c, int64_t out_h, int64_t out_w,
                                      int64_t out_c, int64_t offset, int32_t align_corners);

/* Its adjoint: d_source (out) from the same channels of d_target (in). */
WISP_API int32_t wisp_resize_bilinear_backward(const float* d_target, float* d_source, int64_t n,
                                               int64_t in_h, int64_t in_w, int64_t c, int64_t out_h,
                                               int64_t out_w, int64_t out_c, int64_t offset,
                                               int32_t align_corners);

/* ---- Segmentation (SegmentationOps). Scores [n, h, w, k] count as resized to [n, out_h, out_w, k],
 * half-pixel. No size but n may be 0. ---- */

/*
 * loss (out) [1] = mean over the pixels with a label below k of log sum_k exp(z_k) - z_label, z the
 * resized scores; 0 without such a pixel. labels (in) [n, out_h, out_w]; d_logits (out), the
 * gradient, or null.
 */
WISP_API int32_t wisp_pixel_cross_entropy(const float* logits, const uint8_t* labels, int64_t n,
                                          int64_t h, int64_t w, int64_t k, int64_t out_h,
                                          int64_t out_w, float* loss, float* d_logits);

/* probabilities (inout) [n, out_h, out_w, k] += softmax over k of the resized scores */
WISP_API int32_t wisp_add_probabilities(const float* logits, int64_t n, int64_t h, int64_t w,
                                        int64_t k, int64_t out_h, int64_t out_w,
                                        float* probabilities);

/* labels (out) [n, out_h, out_w] = first class of the largest resized score; NaN is passed over */
WISP_API int32_t wisp_argmax_logits(const float* logits, int64_t n, int64_t h, int64_t w,
                                    int64_t k, int64_t out_h, int64_t out_w, int32_t* labels);

/*
 * out[i] = x[i] * scale, or 0 where the upper 24 bits of splitmix64's number first + i of `key` are
 * below `dropped`; out may be x
 */
WISP_API int32_t wisp_dropout(const float* x, int64_t n, int64_t key, int64_t first,
                              int64_t dropped, float scale, float* out);

/* ---- Maps (MapOps). Rows of maps are grouped by image: rows offsets[i] .. offsets[i + 1] belong
 * to image i and hold classes ids[row], 0 being the background, 1..k the channels of cam. ---- */

/*
 * M_k = relu(cam_k) / (max + eps), M_0 = 1 - max_k M_k, times valid. cam (in) [n, positions, k];
 * valid (in) [n, positions] or null; maps (out) [rows, positions]; peak (out) [n, k]: first
 * position of the maximum; winner (out) [n, positions]: first class of largest M_k. positions <
 * 2^31, k > 0.
 */
WISP_API int32_t wisp_cam_to_maps(const float* cam, const float* valid, const int32_t* offsets,
                                  const int32_t* ids, float eps, float* maps, int32_t* peak,
                                  int32_t* winner, int64_t n, int64_t positions, int64_t k,
                                  int64_t rows);

/* Its gradient for cam, overwritten; a peak or winner out of range carries no gradient. */
WISP_API int32_t wisp_cam_to_maps_backward(const float* cam, const float* valid,
                                           const int32_t* offsets, const int32_t* ids, float eps,
                                           const int32_t* peak, const int32_t* winner,
                                           const float* d_maps, float* d_cam, int64_t n,
                                           int64_t positions, int64_t k, int64_t rows);

/*
 * Per row x / (max + eps), or (x - min) / (max - min + eps) if min_max. peak (out) [rows, 2]: first
 * position of the maximum and of the minimum. positions < 2^31.
 */
WISP_API int32_t wisp_normalize_maps(const float* maps, int32_t min_max, float eps, float* out,
                                     int32_t* peak, int64_t rows, int64_t positions);

/* Its gradient, overwritten; 0 for a row whose peaks are out of range. */
WISP_API int32_t wisp_normalize_maps_backward(const float* maps, int32_t min_max, float eps,
                                              const int32_t* peak, const float* d_out,
                                              float* d_maps, int64_t rows, int64_t positions);

/*
 * seeds (out) [n, positions]: the class of the first largest row, background rows times
 * background_factor. Every image needs a row.
 */
WISP_API int32_t wisp_argmax_maps(const float* maps, const int32_t* offsets, const int32_t* ids,
                                  float background_factor, int32_t* seeds, int64_t n,
                                  int64_t positions, int64_t rows);

/*
 * seeds (inout) [n, positions]: a foreground class with support [rows, positions] below share, or
 * NaN, becomes -1. Seeds of classes that the image lacks stay.
 */
WISP_API int32_t wisp_limit_seeds(const float* support, const int32_t* offsets, const int32_t* ids,
                                  float share, int32_t* seeds, int64_t n, int64_t positions,
                                  int64_t rows);

/* ---- Optimiser (OptimizerOps). count arrays of sizes[i] elements. ---- */

/* norm (out) [1]: L2 norm of all gradients together, summed in double */
WISP_API int32_t wisp_gradient_norm(const float* const* gradients, const int64_t* sizes,
                                    int64_t count, float* norm);

/*
 * g = clip gradient + weight_decay w; v = first ? g : momentum v + g; w -= rate v; clip = min(1,
 * max_norm / (norm + 1e-6)), 1 if max_norm is infinite. A null velocity means v = g, not stored.
 * loss_scale (in, null for none) [2]: gradients and norm are s = loss_scale[0] times too large, so
 * clip = min(1, max_norm / (norm / s + 1e-6)) / s; with a norm that is not finite no weight and no
 * velocity changes, but that v = 0 in the first step.
 */
WISP_API int32_t wisp_sgd_step(float* const* weights, const float* const* gradients,
                               float* const* velocities, const float* rates, const int64_t* sizes,
                               int64_t count, const float* norm, const float* loss_scale,
                               float max_norm, float weight_decay, float momentum, int32_t first);

/*
 * loss_scale (inout) [2]: the scale and the steps with a finite norm since its last change. norm
 * (in) [1] finite: one step more, and with `interval` of them the scale doubles, to at most 2^24,
 * and the count is 0. Else the scale halves, to at least 1, and the count is 0. interval: 1 to
 * 2^24.
 */
WISP_API int32_t wisp_update_loss_scale(const float* norm, float* loss_scale, int32_t interval);

/* ---- Orders of convolution weights: [o, i, taps] and the blocked ones of oneDNN. ---- */

/* Channels are rearranged in tiles of so many: o and i must be multiples of it, blocks too. */
#define WISP_WEIGHT_TILE 16

/*
 * Packs weight (in) [o, i, taps], times scale (in) [o] unless null, into blocks of output channels:
 * packed (out) [ceil(o / block), taps, i, block], the last block filled up with zeros.
 */
WISP_API int32_t wisp_pack_weights(const float* weight, const float* scale, float* packed,
                                   int64_t o, int64_t i, int64_t taps, int64_t block);

/*
 * From blocks of output channels to blocks of input channels: packed (in) [ceil(o / from_block),
 * taps, i, from_block], turned (out) [ceil(i / to_block), taps, o, to_block], filled up with zeros.
 */
WISP_API int32_t wisp_turn_weights(const float* packed, float* turned, int64_t o, int64_t i,
                                   int64_t taps, int64_t from_block, int64_t to_block);

/* tiles (in) [o / 16, i / 16, taps, 16 of i, 16 of o] to weight (out) [o, i, taps] */
WISP_API int32_t wisp_unpack_tiles(const float* tiles, float* weight, int64_t o, int64_t i,
                                   int64_t taps);

/* ---- Folding of fixed batch norm and max pooling (ConvolutionOps). ---- */

/*
 * scale = gamma / sqrt(var + eps); bias = beta - mean scale; all [channels] but scale, [2, channels]:
 * its nearest float32, and the rest
 */
WISP_API int32_t wisp_fold_norm(const float* gamma, const float* beta, const float* mean,
                                const float* var, float eps, float* scale, float* bias,
                                int64_t channels);

/*
 * dw = dw_folded scale; dgamma = (sum(dw_folded weight) - db mean) / sqrt(var + eps). dw_folded,
 * weight, dw: [channels, fan_in]; dw may be dw_folded.
 */
WISP_API int32_t wisp_fold_norm_backward(const float* dw_folded, const float* weight,
                                         const float* db, const float* gamma, const float* mean,
                                         const float* var, float eps, float* dw, float* dgamma,
                                         int64_t channels, int64_t fan_in);

/*
 * 3x3, stride 2, padding 1: x (in) [n, h, w, c], y (out) [n, (h - 1) / 2 + 1, (w - 1) / 2 + 1, c],
 * index (out) of y's shape: y * w + x of the first maximum (a NaN is the largest), or null.
 * h w < 2^31.
 */
WISP_API int32_t wisp_max_pool(const float* x, float* y, int32_t* index, int64_t n, int64_t h,
                               int64_t w, int64_t c);

/* Its gradient, overwritten; an index outside its window's rows carries no gradient. */
WISP_API int32_t wisp_max_pool_backward(const float* dy, const int32_t* index, float* dx, int64_t n,
                                        int64_t h, int64_t w, int64_t c);

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

/* ---- Dense conditional random field (Kraehenbuehl and Koltun, NeurIPS 2011) as pydensecrf computes
   it: CrfOps has the formulas. Deviations are positive. Features, that is coordinates and colours
   over their deviations, beyond +-2^24 count as that, NaN as the least. ---- */

/*
 * out (out) and values (in) [channels, h, w]: the permutohedral filter, unnormalised, over positions
 * with deviation `spatial` and, unless image (in, [h, w, 3]) is null, colours with `colour`.
 */
WISP_API int32_t wisp_lattice_filter(const float* image, int64_t h, int64_t w, float spatial,
                                     float colour, const float* values, int64_t channels,
                                     float* out);

/* q (out) and unary (in) [labels, h, w], image (in) [h, w, 3]. */
WISP_API int32_t wisp_dense_crf(const float* unary, const float* image, int64_t labels, int64_t h,
                                int64_t w, int64_t steps, float gaussian_spatial,
                                float gaussian_compat, float bilateral_spatial,
                                float bilateral_colour, float bilateral_compat, float* q);

/* ---- Group normalisation (GroupNormOps). x, y, dy, dx: [n, positions, c]; mean, inv_std:
   [n, groups]; group g has the channels from g c / groups on. ---- */

/* y = act(gamma (x - mean) inv_std + beta), the statistics (out) of an image's group its own */
WISP_API int32_t wisp_group_norm_forward(const float* x, const float* gamma, const float* beta,
                                         float eps, int32_t relu, float* y, float* mean,
                                         float* inv_std, int64_t n, int64_t positions, int64_t c,
                                         int64_t groups);

/* dx = inv_std (d - mean(d) - xhat mean(d xhat)) with d = gamma dy; dgamma, dbeta (out) [c] */
WISP_API int32_t wisp_group_norm_backward(const float* x, const float* dy, const float* gamma,
                                          const float* mean, const float* inv_std, float* dx,
                                          float* dgamma, float* dbeta, int64_t n,
                                          int64_t positions, int64_t c, int64_t groups);

/*
 * ---- Class boundaries and displacements (IrnOps; Ahn, Cho and Kwak, 2019). ----
 * Paths shorter than `radius` (2..64): path k has the coordinates path_offsets[k] ..
 * path_offsets[k + 1] - 1 of path_coordinates (in, pairs dy, dx relative to the source), the
 * destination first, all in the box between source and destination, dy >= 0. A pair is a source
 * and a path's destination; sources are y < h - radius + 1, radius - 1 <= x < w - radius + 1. A
 * pair of labels in 0..classes is background (both 0), foreground (equal) or negative.
 */

/* target[n, y, x, offset + k] = source[n, y, x, k] for y < out_h <= in_h, x < out_w <= in_w, k < c */
WISP_API int32_t wisp_crop(const float* source, float* target, int64_t n, int64_t in_h,
                           int64_t in_w, int64_t c, int64_t out_h, int64_t out_w, int64_t out_c,
                           int64_t offset);

/* Its gradient, overwritten: 0 outside the corner. */
WISP_API int32_t wisp_crop_backward(const float* d_target, float* d_source, int64_t n,
                                    int64_t in_h, int64_t in_w, int64_t c, int64_t out_h,
                                    int64_t out_w, int64_t out_c, int64_t offset);

/* out[i] = 1 / (1 + exp(-scale x[i])) */
WISP_API int32_t wisp_sigmoid(const float* x, float scale, float* out, int64_t n);

/* dx[i] = scale dy[i] y[i] (1 - y[i]) */
WISP_API int32_t wisp_sigmoid_backward(const float* y, const float* dy, float scale, float* dx,
                                       int64_t n);

/* counts (out) [n, 3]: background, foreground, negative pairs of label (in) [n, h, w] */
WISP_API int32_t wisp_pair_counts(const int32_t* label, int64_t n, int64_t h, int64_t w,
                                  int64_t radius, const int32_t* path_offsets,
                                  const int32_t* path_coordinates, int64_t paths, int32_t classes,
                                  float* counts);

/*
 * losses (out) [n, 3]: sums over background, foreground and negative pairs of -log(a + 1e-5),
 * negative: -log(1 + 1e-5 - a), with a = 1 - max of boundary (in, [n, h, w]) on the path.
 * d_boundary (out, or null): gradient of the sums times weights (in, [3]), at the first maximum.
 */
WISP_API int32_t wisp_path_affinity_loss(const float* boundary, const int32_t* label, int64_t n,
                                         int64_t h, int64_t w, int64_t radius,
                                         const int32_t* path_offsets,
                                         const int32_t* path_coordinates, int64_t paths,
                                         int32_t classes, const float* weights, float* losses,
                                         float* d_boundary);

/*
 * losses (out) [n, 2]: sums over background pairs of |p_y| + |p_x|, over foreground ones of
 * |p_y - dy| + |p_x - dx|, p the difference source - destination of displacement (in, [n, h, w, 2]).
 * d_displacement (out, or null): gradient of the sums times weights (in, [2]).
 */
WISP_API int32_t wisp_displacement_loss(const float* displacement, const int32_t* label, int64_t n,
                                        int64_t h, int64_t w, int64_t radius,
                                        const int32_t* path_offsets,
                                        const int32_t* path_coordinates, int64_t paths,
                                        int32_t classes, const float* weights, float* losses,
                                        float* d_displacement);

/*
 * out (out) and maps (in) [c, h, w]: (maps (1 - boundary)) T^steps, T_ij = A_ij / sum_i A_ij, A the
 * symmetric affinities to the power beta with ones on the diagonal; every position is a source, a
 * path that leaves the map is absent. In double: paths + 9 doubles a position of working space.
 */
WISP_API int32_t wisp_random_walk(const float* boundary, const float* maps, int64_t c, int64_t h,
                                  int64_t w, int64_t radius, const int32_t* path_offsets,
                                  const int32_t* path_coordinates, int64_t paths, float beta,
                                  int64_t steps, float* out);

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
