package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

/** Filters with the lattices of {@link CudaLattice}, {@code cuda/crf_filter.cu}. */
final class CudaLatticeFilter {
  private static final String FILE = "crf_filter";
  private static final int THREADS = 256;

  /** Most lanes that take turns at a vertex's list. */
  private static final int TURNS = 8;

  private final boolean naive;
  private final CudaKernel interleave;
  private final CudaKernel splat;
  private final CudaKernel blur;
  private final CudaKernel slice;
  private final CudaKernel norms;
  private final CudaKernel shares;

  CudaLatticeFilter(CudaContext context) {
    naive = context.naive();
    interleave =
        context.kernel(
            FILE,
            "wisp_lattice_interleave",
            pointer("planes"),
            pointer("rows_of"),
            i64("channels"),
            i64("pixels"),
            i32("width"),
            i32("shift"));
    splat =
        context.judged(
            FILE,
            "wisp_lattice_splat",
            pointer("values"),
            pointer("begin"),
            pointer("pixel"),
            pointer("share"),
            pointer("work"),
            i64("rows"),
            i32("width"),
            i32("shift"));
    blur =
        context.kernel(
            FILE,
            "wisp_lattice_blur",
            pointer("from"),
            pointer("beside"),
            pointer("to"),
            i64("rows"),
            i32("width"),
            i32("shift"));
    slice =
        context.kernel(
            FILE,
            "wisp_lattice_slice",
            pointer("work"),
            pointer("vertex"),
            pointer("weight"),
            pointer("planes"),
            i64("channels"),
            i64("pixels"),
            i32("corners"),
            i32("width"),
            i32("shift"));
    norms =
        context.kernel(
            FILE,
            "wisp_crf_norms",
            pointer("work"),
            pointer("vertex"),
            pointer("weight"),
            pointer("norms"),
            i64("pixels"),
            i32("corners"),
            i32("width"));
    shares =
        context.kernel(
            FILE,
            "wisp_crf_shares",
            pointer("norms"),
            pointer("pixel"),
            pointer("share"),
            i64("n"));
  }

  /**
   * Channels as the kernels hold them: side by side, in fours, of which each lane handles some.
   *
   * @param channels at least 1
   */
  record Channels(long channels) {
    /** A multiple of 4. */
    long width() {
      return Math.ceilDiv(channels, 4) * 4;
    }

    /** Logarithm of the lanes that share a row. */
    int shift() {
      long fours = Math.min(32, width() / 4);
      return Long.SIZE - Long.numberOfLeadingZeros(fours - 1);
    }

    /** Bytes of so many rows or pixels. */
    long bytes(long rows) {
      return Math.multiplyExact(rows, width() * Float.BYTES);
    }
  }

  /** Blocks for rows or pixels that lanes share. */
  static long blocks(long rows, int shift) {
    return Math.ceilDiv(rows, THREADS >> shift);
  }

  /** Values {@code [channels, pixels]} with the channels of a pixel side by side, in workspace. */
  long interleaved(CudaCall call, long planes, Channels c, long pixels) {
    long rows = call.workspace(c.bytes(pixels));
    interleave
        .pointer(planes)
        .pointer(rows)
        .i64(c.channels)
        .i64(pixels)
        .i32(c.width())
        .i32(c.shift())
        .launch(blocks(pixels, c.shift()), THREADS, 0);
    return rows;
  }

  /**
   * Splats values and blurs them.
   *
   * @param values {@code [pixels, width]}; 0 for ones
   * @param work {@code [rows, width]}, output
   * @param spare {@code [rows, width]}, overwritten
   */
  void blurred(CudaLattice.Tables t, long values, Channels c, long work, long spare) {
    // One step for each corner; the last one ends in work.
    long from = t.corners() % 2 == 0 ? work : spare;
    int shift = c.shift();
    int turns = naive ? 1 : Math.min(TURNS, 32 >> shift);
    splat
        .pointer(values)
        .pointer(t.begin())
        .pointer(t.pixel())
        .pointer(t.share())
        .pointer(from)
        .i64(t.rows())
        .i32(c.width())
        .i32(shift)
        .launch(Math.ceilDiv(t.rows(), (THREADS >> shift) / turns), THREADS, 0);
    for (int axis = 0; axis < t.corners(); axis++) {
      long to = from == work ? spare : work;
      blur.pointer(from)
          .pointer(t.beside() + 2L * axis * t.rows() * Integer.BYTES)
          .pointer(to)
          .i64(t.rows())
          .i32(c.width())
          .i32(shift)
          .launch(blocks(t.rows(), shift), THREADS, 0);
      from = to;
    }
  }

  /** Writes what the pixels find in a blurred lattice to {@code [channels, pixels]}. */
  void sliced(CudaLattice.Tables t, long work, Channels c, long planes) {
    slice
        .pointer(work)
        .pointer(t.vertex())
        .pointer(t.weight())
        .pointer(planes)
        .i64(c.channels)
        .i64(t.pixels())
        .i32(t.corners())
        .i32(c.width())
        .i32(c.shift())
        .launch(blocks(t.pixels(), c.shift()), THREADS, 0);
  }

  /**
   * Norms of the pixels, {@code [pixels]} in workspace. From then on the lattice weighs what is
   * splatted by them too.
   */
  long normalized(CudaCall call, CudaLattice.Tables t) {
    Channels one = new Channels(1);
    long norm = call.workspace(t.pixels() * Float.BYTES);
    long work = call.workspace(one.bytes(t.rows()));
    long spare = call.workspace(one.bytes(t.rows()));
    blurred(t, 0, one, work, spare);
    norms
        .pointer(work)
        .pointer(t.vertex())
        .pointer(t.weight())
        .pointer(norm)
        .i64(t.pixels())
        .i32(t.corners())
        .i32(one.width())
        .launchOver(t.pixels(), THREADS);
    long n = t.pixels() * t.corners();
    shares.pointer(norm).pointer(t.pixel()).pointer(t.share()).i64(n).launchOver(n, THREADS);
    call.free(work);
    call.free(spare);
    return norm;
  }
}
