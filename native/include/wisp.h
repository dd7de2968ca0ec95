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

#ifdef __cplusplus
}
#endif

#endif
