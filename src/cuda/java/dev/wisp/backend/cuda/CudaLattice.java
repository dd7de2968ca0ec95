package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

/** Builds permutohedral lattices on the device, {@code cuda/crf_lattice.cu}. */
final class CudaLattice {
  private static final String FILE = "crf_lattice";
  private static final int THREADS = 256;

  /** pydensecrf works on so many pixels at a time and fills the last ones up at the origin. */
  private static final int TOGETHER = 4;

  private static final int CORNERS_OF_POSITIONS = 3;
  private static final int CORNERS_OF_COLOURS = 6;

  private final CudaScan scan;
  private final CudaSort sort;
  private final CudaKernel locate;
  private final CudaKernel enter;
  private final CudaKernel leaders;
  private final CudaKernel numbers;
  private final CudaKernel beside;
  private final CudaKernel lists;

  CudaLattice(CudaContext context) {
    scan = new CudaScan(context);
    sort = new CudaSort(context, scan);
    locate =
        context.kernel(
            FILE,
            "wisp_lattice_locate",
            pointer("image"),
            pointer("base"),
            pointer("order"),
            pointer("weight"),
            pointer("table"),
            i64("h"),
            i64("w"),
            i64("points"),
            f32("spatial"),
            f32("colour"));
    enter =
        context.kernel(
            FILE,
            "wisp_lattice_enter",
            pointer("base"),
            pointer("order"),
            pointer("table"),
            pointer("vertex"),
            i64("points"),
            i32("corners"));
    leaders =
        context.kernel(
            FILE,
            "wisp_lattice_leaders",
            pointer("table"),
            pointer("vertex"),
            pointer("number"),
            i64("n"));
    numbers =
        context.kernel(
            FILE,
            "wisp_lattice_number",
            pointer("table"),
            pointer("number"),
            pointer("vertex"),
            pointer("leader"),
            i64("n"));
    beside =
        context.kernel(
            FILE,
            "wisp_lattice_beside",
            pointer("base"),
            pointer("order"),
            pointer("table"),
            pointer("number"),
            pointer("leader"),
            pointer("beside"),
            i64("points"),
            i64("rows"),
            i32("corners"));
    lists =
        context.kernel(
            FILE,
            "wisp_lattice_lists",
            pointer("keys"),
            pointer("sorted"),
            pointer("weight"),
            pointer("begin"),
            pointer("pixel"),
            pointer("share"),
            i64("n"),
            i64("rows"),
            i32("corners"));
  }

  /**
   * A lattice's tables, as the source file describes them: addresses of workspace of the call that
   * built it.
   *
   * @param corners of a simplex, 3 or 6
   * @param rows vertices and the row before them that stands for none
   */
  record Tables(
      long pixels,
      int corners,
      int rows,
      long vertex,
      long weight,
      long beside,
      long begin,
      long pixel,
      long share) {}

  /** An image's features: what {@link #build} makes a lattice of. */
  record Features(long image, long h, long w, float spatial, float colour) {
    long pixels() {
      return h * w;
    }

    int corners() {
      return image == 0 ? CORNERS_OF_POSITIONS : CORNERS_OF_COLOURS;
    }

    /** Pixels, and the point that fills them up if there is one. */
    long points() {
      return pixels() % TOGETHER == 0 ? pixels() : pixels() + 1;
    }
  }

  /** Refuses channels, and an image's corners, that the kernels' 32-bit numbers cannot count. */
  static void requireFits(CudaCall call, long channels, long h, long w) {
    call.require(channels <= Integer.MAX_VALUE - 3, "a size of 2^31 or more");
    call.require(h * w < Integer.MAX_VALUE / CORNERS_OF_COLOURS, "the image has too many pixels");
  }

  /**
   * Builds a lattice within the call's {@link CudaCall#run}, for at least one pixel. Waits for the
   * device once, to learn how many vertices there are.
   */
  Tables build(CudaCall call, Features f) {
    int corners = f.corners();
    long points = f.points();
    long all = points * corners;
    long weight = call.workspace(f.pixels() * corners * Float.BYTES);
    long vertex = call.workspace(all * Integer.BYTES);
    long base = call.workspace(points * (corners - 1) * Integer.BYTES);
    long order = call.workspace(points * Integer.BYTES);
    long table = call.workspace(2 * all * Integer.BYTES);
    long number = call.workspace(all * Integer.BYTES);
    long total = call.workspace(Integer.BYTES);
    locate
        .pointer(f.image)
        .pointer(base)
        .pointer(order)
        .pointer(weight)
        .pointer(table)
        .i64(f.h)
        .i64(f.w)
        .i64(points)
        .f32(f.spatial)
        .f32(f.colour)
        .launchOver(points, THREADS);
    enter
        .pointer(base)
        .pointer(order)
        .pointer(table)
        .pointer(vertex)
        .i64(points)
        .i32(corners)
        .launchOver(all, THREADS);
    leaders.pointer(table).pointer(vertex).pointer(number).i64(all).launchOver(all, THREADS);
    scan.exclusive(call, number, total, all);
    int rows = 1 + call.readInt(total);
    call.free(total);
    long leader = call.workspace((long) rows * Integer.BYTES);
    long neighbours = call.workspace(2L * corners * rows * Integer.BYTES);
    numbers
        .pointer(table)
        .pointer(number)
        .pointer(vertex)
        .pointer(leader)
        .i64(all)
        .launchOver(all, THREADS);
    beside
        .pointer(base)
        .pointer(order)
        .pointer(table)
        .pointer(number)
        .pointer(leader)
        .pointer(neighbours)
        .i64(points)
        .i64(rows)
        .i32(corners)
        .launch(Math.ceilDiv(rows, THREADS), corners, 1, THREADS, 1, 0);
    for (long done : new long[] {base, order, table, number, leader}) {
      call.free(done);
    }
    return lists(call, f, rows, vertex, weight, neighbours);
  }

  /** Adds for each row the list of its pixels. */
  private Tables lists(
      CudaCall call, Features f, int rows, long vertex, long weight, long neighbours) {
    int corners = f.corners();
    long n = f.pixels() * corners;
    CudaSort.Sorted sorted = sort.sort(call, vertex, n, rows - 1);
    long begin = call.workspace((rows + 1L) * Integer.BYTES);
    long pixel = call.workspace(n * Integer.BYTES);
    long share = call.workspace(n * Float.BYTES);
    lists
        .pointer(sorted.keys())
        .pointer(sorted.places())
        .pointer(weight)
        .pointer(begin)
        .pointer(pixel)
        .pointer(share)
        .i64(n)
        .i64(rows)
        .i32(corners)
        .launchOver(n, THREADS);
    call.free(sorted.keys());
    call.free(sorted.places());
    return new Tables(f.pixels(), corners, rows, vertex, weight, neighbours, begin, pixel, share);
  }
}
