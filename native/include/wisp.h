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
};

/* The WISP_ABI the library was built with. */
WISP_API int32_t wisp_abi(void);

/* Text of the calling thread's last failure; never null; valid until its next failure. */
WISP_API const char* wisp_error_message(void);

#ifdef __cplusplus
}
#endif

#endif
