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

/* Replaces the plan of failures, as WISP_SOFTGPU_FAIL: "alloc:5,launch@1:3,lost:7,cudnn:2"; numbers
   count calls from now on. 0, or 1 if malformed: then nothing changes. */
int softgpu_fail(const char* plan);

/* Brings lost devices back. */
void softgpu_restore(void);

/* Order of blocks, warps and atomics of later launches: plain, or random by seed. */
void softgpu_order(int random, uint64_t seed);

/* What each kernel has done so far, as JSON (README.md). Writing: 0, or 1 where the file cannot be
   written. Copying: as softgpu_last_report. */
int softgpu_write_counts(const char* path);
size_t softgpu_counts(char* text, size_t bytes);
/* How often each function of the driver API was called, as JSON; softgpu_submit counts the calls of
   libraries that compute. As softgpu_last_report. */
size_t softgpu_calls(char* text, size_t bytes);
void softgpu_reset_counts(void);

/*
 * For libraries that compute on the device's memory, such as the stand-ins for cuDNN and NCCL. What
 * returns int gives a code of the driver API. All but softgpu_threads want a current context.
 */

/* Does work(data) on a stream: at once, and its code is the result; or, where the stream is being
   captured, at each launch of the graph. Nothing else happens on any device while it runs.
   discard(data) is called when it will not run again, also after an error. */
int softgpu_submit(void* stream, int (*work)(void* data), void (*discard)(void* data), void* data);

/* Checks that a range lies in one live allocation of the current context's device and gives its
   place in the memory of the host (may be null). `what` names it in reports. A range that lies
   elsewhere, or that is read and holds bytes that nothing wrote, is reported, and the context fails. */
enum softgpu_access {
  SOFTGPU_EXISTS = 0,  /* is neither read nor written */
  SOFTGPU_READ = 1,    /* every byte must have been written */
  SOFTGPU_WRITE = 2,   /* every byte counts as written from now on */
  SOFTGPU_SCRATCH = 4, /* is overwritten with 0xff; nothing may be read before it is written again */
};
int softgpu_memory(uint64_t address, size_t bytes, int access, const char* what, void** host);

/* A report of the caller's. */
void softgpu_report(const char* text);

/* 1 if the plan of failures wants this call of the library ("cudnn", "nccl") to fail. */
int softgpu_fails(const char* library);

/* Host threads that a computation may use (WISP_SOFTGPU_THREADS). */
unsigned softgpu_threads(void);

#ifdef __cplusplus
}
#endif

#endif
