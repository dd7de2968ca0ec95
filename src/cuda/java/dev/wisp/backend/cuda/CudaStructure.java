package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.common.WispException;
import java.util.Locale;

/**
 * Structure seeds on device memory by cuda/structure_seeds.cu, structure_sums.cu and
 * structure_sums_mma.cu, whose headers explain the steps and the workspace. The products are made
 * by the tensor cores of a card that has them, or in float32 on any card.
 */
final class CudaStructure {
  /** System property: {@code float32} keeps the tensor cores out of it. */
  static final String PRODUCTS = "wisp.cuda.structure";

  private static final int THREADS = 256;
  private static final int SUM_THREADS = 128;
  private static final int PANEL = 64;
  private static final int SLAB = 16;
  private static final int CHOICES = 32;

  /** Blocks to aim at over all images: some for every multiprocessor, whatever the card. */
  private static final long BLOCKS = 512;

  /** Most memory for the runs' sums. */
  private static final long SUM_BYTES = 64L << 20;

  /** Where the products are made. */
  enum Products {
    FLOAT32,
    /** Tensor cores of Volta. */
    M8N8K4,
    /** Tensor cores of Turing and newer. */
    M16N8K8;

    private String kernel(boolean naive) {
      String name = "wisp_structure_sums";
      if (this == FLOAT32) {
        return naive ? name + "_naive" : name;
      }
      return name + "_" + (naive ? "half_naive" : name().toLowerCase(Locale.ROOT));
    }
  }

  /**
   * The batch.
   *
   * @param n images, with so many positions of d channels each
   * @param rows rows of maps
   * @param total number of classes with the background
   */
  record Sizes(long n, long positions, long d, long rows, int total) {
    private long panels() {
      return Math.ceilDiv(positions, PANEL);
    }

    private long depth() {
      return Math.ceilDiv(d, SLAB) * SLAB;
    }

    private long unitBytes() {
      return n * panels() * PANEL * depth() * Float.BYTES;
    }

    /** Bytes of the sums of one run. */
    private long runBytes() {
      return (rows + n) * panels() * PANEL * Float.BYTES;
    }

    /** See structure_sums.cu: depends on the sizes alone, so that the bits do. */
    private long runs() {
      long pairs = panels() * (panels() + 1) / 2;
      long wanted = Math.min(pairs, Math.ceilDiv(BLOCKS, n));
      return Math.max(1, Math.min(wanted, SUM_BYTES / runBytes()));
    }
  }

  private final boolean naive;
  private final Products products;
  private final CudaKernel units;
  private final CudaKernel mass;
  private final CudaKernel sums;
  private final CudaKernel choose;

  CudaStructure(CudaContext context) {
    naive = context.naive();
    products = products(context.architecture());
    units =
        context.judged(
            "structure_seeds",
            "wisp_structure_units" + (products == Products.FLOAT32 ? "" : "_half"),
            pointer("feature"),
            pointer("units"),
            i64("n"),
            i64("positions"),
            i64("d"),
            f32("eps"));
    mass =
        context.judged(
            "structure_seeds",
            "wisp_structure_mass",
            pointer("maps"),
            pointer("mass"),
            i64("rows"),
            i64("positions"));
    sums =
        context.kernel(
            products == Products.FLOAT32 ? "structure_sums" : "structure_sums_mma",
            products.kernel(naive),
            pointer("units"),
            pointer("maps"),
            pointer("offsets"),
            pointer("sums"),
            i64("n"),
            i64("positions"),
            i64("d"),
            i64("runs"));
    choose =
        context.judged(
            "structure_seeds",
            "wisp_structure_choose",
            pointer("sums"),
            pointer("mass"),
            pointer("offsets"),
            pointer("ids"),
            pointer("present_offsets"),
            pointer("present_ids"),
            pointer("valid"),
            pointer("seeds"),
            pointer("iou"),
            i64("n"),
            i64("positions"),
            i64("runs"),
            i32("total"));
  }

  /**
   * Where code for an architecture makes the products.
   *
   * @param architecture compute capability times ten
   * @throws WispException if the system property is neither absent nor float32
   */
  static Products products(int architecture) {
    String wanted = System.getProperty(PRODUCTS, "");
    if (!wanted.isEmpty() && !wanted.equals("float32")) {
      throw new WispException(
          "-D%s is '%s'; give float32, or leave it out".formatted(PRODUCTS, wanted));
    }
    if (!wanted.isEmpty() || architecture < 70) {
      return Products.FLOAT32;
    }
    return architecture < 75 ? Products.M8N8K4 : Products.M16N8K8;
  }

  /**
   * {@link dev.wisp.backend.SeedOps#structureSeeds} for at least one position, within the call's
   * {@link CudaCall#run}. All but sizes and eps are addresses; valid and iou may be 0.
   */
  void seeds(
      CudaCall call,
      Sizes s,
      long feature,
      long maps,
      CudaClassRows.Rows classes,
      CudaClassRows.Rows present,
      long valid,
      float eps,
      long seeds,
      long iou) {
    long runs = s.runs();
    long unitVectors = call.workspace(s.unitBytes());
    long masses = call.workspace(Math.max(1, s.rows) * Float.BYTES);
    long partSums = call.workspace(runs * s.runBytes());
    units(s, feature, unitVectors, eps);
    mass(s, maps, masses);
    sums(s, unitVectors, maps, classes, partSums, runs);
    choose(s, partSums, masses, classes, present, valid, seeds, iou, runs);
  }

  private void units(Sizes s, long feature, long units, float eps) {
    long columns = naive ? Math.ceilDiv(s.depth() * PANEL, THREADS) : s.panels();
    this.units
        .pointer(feature)
        .pointer(units)
        .i64(s.n)
        .i64(s.positions)
        .i64(s.d)
        .f32(eps)
        .launch(columns, naive ? s.n * s.panels() : s.n, 1, THREADS, 1, 0);
  }

  private void mass(Sizes s, long maps, long mass) {
    this.mass
        .pointer(maps)
        .pointer(mass)
        .i64(s.rows)
        .i64(s.positions)
        .launch(naive ? Math.ceilDiv(s.rows, THREADS) : s.rows, THREADS, 0);
  }

  private void sums(
      Sizes s, long units, long maps, CudaClassRows.Rows classes, long sums, long runs) {
    this.sums
        .pointer(units)
        .pointer(maps)
        .pointer(classes.offsets())
        .pointer(sums)
        .i64(s.n)
        .i64(s.positions)
        .i64(s.d)
        .i64(runs)
        .launch(
            naive ? Math.ceilDiv(s.panels() * PANEL, SUM_THREADS) : runs,
            s.n,
            1,
            SUM_THREADS,
            1,
            0);
  }

  private void choose(
      Sizes s,
      long sums,
      long mass,
      CudaClassRows.Rows classes,
      CudaClassRows.Rows present,
      long valid,
      long seeds,
      long iou,
      long runs) {
    this.choose
        .pointer(sums)
        .pointer(mass)
        .pointer(classes.offsets())
        .pointer(classes.ids())
        .pointer(present.offsets())
        .pointer(present.ids())
        .pointer(valid)
        .pointer(seeds)
        .pointer(iou)
        .i64(s.n)
        .i64(s.positions)
        .i64(runs)
        .i32(s.total)
        .launch(Math.ceilDiv(s.positions, naive ? THREADS : CHOICES), s.n, 1, THREADS, 1, 0);
  }
}
