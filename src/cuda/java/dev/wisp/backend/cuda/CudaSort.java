package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

/** A stable sort of integers, {@code cuda/sort.cu}. */
final class CudaSort {
  private static final String FILE = "sort";
  private static final int THREADS = 256;

  /** Keys a block moves. */
  private static final int PIECE = 2048;

  /** Bits of a key that a pass sorts by. */
  private static final int BITS = 8;

  private final boolean naive;
  private final CudaScan scan;
  private final CudaKernel count;
  private final CudaKernel place;
  private final CudaKernel placePlainly;

  CudaSort(CudaContext context, CudaScan scan) {
    naive = context.naive();
    this.scan = scan;
    count =
        context.kernel(
            FILE, "wisp_sort_count", pointer("keys"), pointer("counts"), i64("n"), i32("shift"));
    place =
        context.kernel(
            FILE,
            "wisp_sort_place",
            pointer("keys"),
            pointer("values"),
            pointer("offsets"),
            pointer("out_keys"),
            pointer("out_values"),
            i64("n"),
            i32("shift"));
    placePlainly =
        context.kernel(
            FILE,
            "wisp_sort_place_naive",
            pointer("keys"),
            pointer("values"),
            pointer("out_keys"),
            pointer("out_values"),
            i64("n"),
            i32("shift"));
  }

  /**
   * Sorted keys and where each stood before, each the address of n integers of workspace. Equal
   * keys keep their order.
   */
  record Sorted(long keys, long places) {}

  /**
   * Sorts within the call's {@link CudaCall#run}; the keys stay as they are.
   *
   * @param keys address of n integers of 0 to largest
   * @param n 1 to 2^31 - 1
   */
  Sorted sort(CudaCall call, long keys, long n, int largest) {
    long bytes = n * Integer.BYTES;
    Sorted from = new Sorted(keys, 0);
    Sorted to = new Sorted(call.workspace(bytes), call.workspace(bytes));
    Sorted spare = null;
    int shift = 0;
    while (true) {
      pass(call, from, to, n, shift);
      shift += BITS;
      if (shift >= Integer.SIZE || largest >> shift == 0) {
        break;
      }
      if (spare == null) {
        spare = new Sorted(call.workspace(bytes), call.workspace(bytes));
      }
      from = to;
      to = spare;
      spare = from;
    }
    if (spare != null) {
      call.free(spare.keys);
      call.free(spare.places);
    }
    return to;
  }

  private void pass(CudaCall call, Sorted from, Sorted to, long n, int shift) {
    if (naive) {
      placePlainly
          .pointer(from.keys)
          .pointer(from.places)
          .pointer(to.keys)
          .pointer(to.places)
          .i64(n)
          .i32(shift)
          .launchOver(n, THREADS);
      return;
    }
    long blocks = Math.ceilDiv(n, PIECE);
    long digits = blocks << BITS;
    long counts = call.workspace(digits * Integer.BYTES);
    long total = call.workspace(Integer.BYTES);
    count.pointer(from.keys).pointer(counts).i64(n).i32(shift).launch(blocks, THREADS, 0);
    scan.exclusive(call, counts, total, digits);
    place
        .pointer(from.keys)
        .pointer(from.places)
        .pointer(counts)
        .pointer(to.keys)
        .pointer(to.places)
        .i64(n)
        .i32(shift)
        .launch(blocks, THREADS, 0);
    call.free(counts);
    call.free(total);
  }
}
