/*
 * What the software CUDA device exports besides the CUDA driver API. Every function may be called
 * from any thread, before cuInit too unless it says otherwise.
 */
#ifndef SOFTGPU_H
#define SOFTGPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Copies the last report (a fault of a kernel, a refused module, a bad copy) with a final zero, cut
   to `bytes`; the length of the whole report. text may be null. */
size_t softgpu_last_report(char* text, size_t bytes);
void softgpu_clear_report(void);

/* Replaces the plan of failures, as WISP_SOFTGPU_FAIL: "alloc:5,launch@1:3,lost:7"; numbers count
   calls from now on. 0, or 1 if malformed: then nothing changes. */
int softgpu_fail(const char* plan);

/* Brings lost devices back. */
void softgpu_restore(void);

/* Order of blocks, warps and atomics of later launches: plain, or random by seed. */
void softgpu_order(int random, uint64_t seed);

/* What each kernel has done so far, as JSON (README.md). Writing: 0, or 1 where the file cannot be
   written. Copying: as softgpu_last_report. */
int softgpu_write_counts(const char* path);
size_t softgpu_counts(char* text, size_t bytes);
void softgpu_reset_counts(void);

#ifdef __cplusplus
}
#endif

#endif
