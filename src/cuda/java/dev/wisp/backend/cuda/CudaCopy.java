package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

/** Copies from device memory to device memory, {@code wisp_copy} of {@code cuda/pointwise.cu}. */
final class CudaCopy {
  private static final int THREADS = 256;

  /** Words a block of the fast kernel covers. */
  private static final int SPAN = 4 * THREADS;

  private final CudaContext context;
  private final CudaKernel copy;

  CudaCopy(CudaContext context) {
    this.context = context;
    copy = context.judged("pointwise", "wisp_copy", pointer("source"), pointer("target"), i64("n"));
  }

  /** Copies n 32-bit words from one address to another; the two do not overlap. */
  void launch(long source, long target, long n) {
    copy.pointer(source)
        .pointer(target)
        .i64(n)
        .launch(Math.ceilDiv(n, context.naive() ? THREADS : SPAN), THREADS, 0);
  }
}
