package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Normalisation and argmax of maps and the limit of seeds on the device, {@code
 * cuda/normalize_maps.cu}, {@code argmax_maps.cu} and {@code limit_seeds.cu}; class activation maps
 * by CudaCamMaps.
 */
final class CudaMaps implements MapOps {
  private static final int THREADS = 256;

  private final CudaContext context;
  private final CudaCamMaps camMaps;
  private final CudaKernel normalizeMaps;
  private final CudaKernel normalizeMapsBackward;
  private final CudaKernel argmaxMaps;
  private final CudaKernel limitSeeds;

  CudaMaps(CudaContext context) {
    this.context = context;
    camMaps = new CudaCamMaps(context);
    normalizeMaps =
        context.judged(
            "normalize_maps",
            "wisp_normalize_maps",
            pointer("maps"),
            pointer("out"),
            pointer("peak"),
            i64("rows"),
            i64("positions"),
            i32("min_max"),
            f32("eps"));
    normalizeMapsBackward =
        context.judged(
            "normalize_maps",
            "wisp_normalize_maps_backward",
            pointer("maps"),
            pointer("peak"),
            pointer("d_out"),
            pointer("d_maps"),
            i64("rows"),
            i64("positions"),
            i32("min_max"),
            f32("eps"));
    argmaxMaps =
        context.kernel(
            "argmax_maps",
            "wisp_argmax_maps",
            pointer("maps"),
            pointer("offsets"),
            pointer("ids"),
            pointer("seeds"),
            i64("n"),
            i64("positions"),
            f32("background_factor"));
    limitSeeds =
        context.kernel(
            "limit_seeds",
            "wisp_limit_seeds",
            pointer("support"),
            pointer("offsets"),
            pointer("ids"),
            pointer("seeds"),
            i64("n"),
            i64("positions"),
            f32("share"));
  }

  private void normalizeMaps(
      long maps, long out, long peak, long rows, long positions, boolean minMax, float eps) {
    normalizeMaps
        .pointer(maps)
        .pointer(out)
        .pointer(peak)
        .i64(rows)
        .i64(positions)
        .i32(minMax ? 1 : 0)
        .f32(eps)
        .launch(rowBlocks(rows), THREADS, 0);
  }

  private void normalizeMapsBackward(
      long maps,
      long peak,
      long dOut,
      long dMaps,
      long rows,
      long positions,
      boolean minMax,
      float eps) {
    normalizeMapsBackward
        .pointer(maps)
        .pointer(peak)
        .pointer(dOut)
        .pointer(dMaps)
        .i64(rows)
        .i64(positions)
        .i32(minMax ? 1 : 0)
        .f32(eps)
        .launch(rowBlocks(rows), THREADS, 0);
  }

  private long rowBlocks(long rows) {
    return context.naive() ? Math.ceilDiv(rows, THREADS) : rows;
  }

  private void argmaxMaps(
      long maps, CudaClassRows.Rows rows, long seeds, long n, long positions, float factor) {
    argmaxMaps
        .pointer(maps)
        .pointer(rows.offsets())
        .pointer(rows.ids())
        .pointer(seeds)
        .i64(n)
        .i64(positions)
        .f32(factor)
        .launchOver(n * positions, THREADS);
  }

  private void limitSeeds(
      long support, CudaClassRows.Rows rows, long seeds, long n, long positions, float share) {
    limitSeeds
        .pointer(support)
        .pointer(rows.offsets())
        .pointer(rows.ids())
        .pointer(seeds)
        .i64(n)
        .i64(positions)
        .f32(share)
        .launchOver(n * positions, THREADS);
  }

  @Override
  public void camToMaps(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor maps,
      Tensor peak,
      Tensor winner) {
    camMaps.forward(cam, valid, classes, eps, maps, peak, winner);
  }

  @Override
  public void camToMapsBackward(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor peak,
      Tensor winner,
      Tensor dMaps,
      Tensor dCam) {
    camMaps.backward(cam, valid, classes, eps, peak, winner, dMaps, dCam);
  }

  @Override
  public void normalizeMaps(Tensor maps, Normalization mode, float eps, Tensor out, Tensor peak) {
    CudaCall call = context.call("normalizeMaps");
    long from = call.in("maps", maps, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = maps.shape().toArray();
    long to = call.out("out", out, shape);
    long peaks = call.outInts("peak", peak, shape[0], 2);
    long positions = positions(call, shape);
    boolean minMax = mode == Normalization.MIN_MAX;
    call.run(() -> normalizeMaps(from, to, peaks, shape[0], positions, minMax, eps));
  }

  @Override
  public void normalizeMapsBackward(
      Tensor maps, Normalization mode, float eps, Tensor peak, Tensor dOut, Tensor dMaps) {
    CudaCall call = context.call("normalizeMapsBackward");
    long from = call.in("maps", maps, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = maps.shape().toArray();
    long peaks = call.inInts("peak", peak, shape[0], 2);
    long gradient = call.in("dOut", dOut, shape);
    long to = call.out("dMaps", dMaps, shape);
    long positions = positions(call, shape);
    boolean minMax = mode == Normalization.MIN_MAX;
    call.run(
        () -> normalizeMapsBackward(from, peaks, gradient, to, shape[0], positions, minMax, eps));
  }

  /** Positions of a row of {@code [rows, h, w]}. */
  private static long positions(CudaCall call, long[] shape) {
    if (shape[0] > 0) {
      requirePositions(call, shape[1], shape[2]);
    }
    return shape[1] * shape[2];
  }

  /** Positions are stored as ints. */
  static void requirePositions(CudaCall call, long h, long w) {
    call.require(h > 0 && w > 0 && h <= Integer.MAX_VALUE / w, "needs 1..2^31-1 positions");
  }

  @Override
  public void argmaxMaps(Tensor maps, ClassRows classes, float backgroundFactor, Tensor seeds) {
    CudaCall call = context.call("argmaxMaps");
    long n = classes.images();
    long from = call.in("maps", maps, classes.rows(), CudaCall.ANY, CudaCall.ANY);
    long h = maps.shape().size(1);
    long w = maps.shape().size(2);
    long to = call.outInts("seeds", seeds, n, h, w);
    call.run(() -> argmaxMaps(from, context.rows(classes), to, n, h * w, backgroundFactor));
  }

  @Override
  public void limitSeeds(Tensor support, ClassRows classes, float share, Tensor seeds) {
    CudaCall call = context.call("limitSeeds");
    long n = classes.images();
    long from = call.in("support", support, classes.rows(), CudaCall.ANY, CudaCall.ANY);
    long h = support.shape().size(1);
    long w = support.shape().size(2);
    long to = call.outInts("seeds", seeds, n, h, w);
    call.run(() -> limitSeeds(from, context.rows(classes), to, n, h * w, share));
  }
}
