package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

/** Exclusive prefix sums of integers, {@code cuda/scan.cu}. */
final class CudaScan {
  private static final String FILE = "scan";
  private static final int THREADS = 256;

  /** Values a block sums. */
  private static final int PIECE = 1024;

  private final boolean naive;
  private final CudaKernel parts;
  private final CudaKernel offsets;
  private final CudaKernel sums;
  private final CudaKernel serial;

  CudaScan(CudaContext context) {
    naive = context.naive();
    parts = context.kernel(FILE, "wisp_scan_parts", pointer("values"), pointer("parts"), i64("n"));
    offsets =
        context.kernel(FILE, "wisp_scan_offsets", pointer("parts"), pointer("total"), i64("count"));
    sums = context.kernel(FILE, "wisp_scan", pointer("parts"), pointer("values"), i64("n"));
    serial = context.kernel(FILE, "wisp_scan_naive", pointer("values"), pointer("total"), i64("n"));
  }

  /**
   * Replaces each of n integers by the sum of those before it, within the call's {@link
   * CudaCall#run}.
   *
   * @param values address, aligned to 16 bytes
   * @param total address of one integer: the sum of all, which must fit it
   * @param n at least 1
   */
  void exclusive(CudaCall call, long values, long total, long n) {
    if (naive) {
      serial.pointer(values).pointer(total).i64(n).launch(1, 1, 0);
      return;
    }
    long count = Math.ceilDiv(n, PIECE);
    long pieces = call.workspace(count * Integer.BYTES);
    parts.pointer(values).pointer(pieces).i64(n).launch(count, THREADS, 0);
    offsets.pointer(pieces).pointer(total).i64(count).launch(1, THREADS, 0);
    sums.pointer(pieces).pointer(values).i64(n).launch(count, THREADS, 0);
    call.free(pieces);
  }
}
