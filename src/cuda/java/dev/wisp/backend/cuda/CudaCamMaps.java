package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Class activation maps on the device, {@code cuda/cam_to_maps.cu}. */
final class CudaCamMaps {
  private static final String FILE = "cam_to_maps";
  private static final int THREADS = 256;

  /** Classes and positions of a block that looks for peaks. */
  private static final int LANES = 32;

  private static final int ROWS = 16;

  private final CudaContext context;
  private final CudaKernel peaks;
  private final CudaKernel camToMaps;
  private final CudaKernel backwardPeaks;
  private final CudaKernel camToMapsBackward;

  CudaCamMaps(CudaContext context) {
    this.context = context;
    peaks =
        context.judged(
            FILE,
            "wisp_cam_to_maps_peaks",
            pointer("cam"),
            pointer("peak"),
            pointer("divisor"),
            i64("n"),
            i64("positions"),
            i32("k"),
            f32("eps"));
    camToMaps =
        context.judged(
            FILE,
            "wisp_cam_to_maps",
            pointer("cam"),
            pointer("valid"),
            pointer("offsets"),
            pointer("ids"),
            pointer("divisor"),
            pointer("maps"),
            pointer("winner"),
            i64("n"),
            i64("positions"),
            i32("k"));
    backwardPeaks =
        context.judged(
            FILE,
            "wisp_cam_to_maps_backward_peaks",
            pointer("cam"),
            pointer("valid"),
            pointer("offsets"),
            pointer("ids"),
            pointer("peak"),
            pointer("winner"),
            pointer("d_maps"),
            pointer("rows_of"),
            pointer("divisor"),
            pointer("through_peak"),
            i64("n"),
            i64("positions"),
            i32("k"),
            f32("eps"));
    camToMapsBackward =
        context.kernel(
            FILE,
            "wisp_cam_to_maps_backward",
            pointer("cam"),
            pointer("valid"),
            pointer("offsets"),
            pointer("ids"),
            pointer("peak"),
            pointer("winner"),
            pointer("d_maps"),
            pointer("rows_of"),
            pointer("divisor"),
            pointer("through_peak"),
            pointer("d_cam"),
            i64("n"),
            i64("positions"),
            i32("k"));
  }

  /** Images, positions of each, foreground classes. */
  private record Sizes(long n, long positions, long k) {}

  private void peaks(long cam, long peak, long divisor, Sizes s, float eps) {
    peaks.pointer(cam).pointer(peak).pointer(divisor).i64(s.n).i64(s.positions).i32(s.k).f32(eps);
    if (context.naive()) {
      peaks.launchOver(s.n * s.k, THREADS);
    } else {
      peaks.launch(s.n * Math.ceilDiv(s.k, LANES), 1, 1, LANES, ROWS, 0);
    }
  }

  private void camToMaps(
      long cam,
      long valid,
      CudaClassRows.Rows rows,
      long divisor,
      long maps,
      long winner,
      Sizes s) {
    camToMaps
        .pointer(cam)
        .pointer(valid)
        .pointer(rows.offsets())
        .pointer(rows.ids())
        .pointer(divisor)
        .pointer(maps)
        .pointer(winner)
        .i64(s.n)
        .i64(s.positions)
        .i32(s.k);
    if (context.naive()) {
      camToMaps.launchOver(s.n * s.positions, THREADS);
    } else {
      camToMaps.launch(s.n * Math.ceilDiv(s.positions, LANES), THREADS, 0);
    }
  }

  /** What both backward kernels read. */
  private record Inputs(
      long cam, long valid, CudaClassRows.Rows rows, long peak, long winner, long dMaps) {
    CudaKernel set(CudaKernel kernel) {
      return kernel
          .pointer(cam)
          .pointer(valid)
          .pointer(rows.offsets())
          .pointer(rows.ids())
          .pointer(peak)
          .pointer(winner)
          .pointer(dMaps);
    }
  }

  private void backwardPeaks(
      Inputs inputs, long rowsOf, long divisor, long throughPeak, Sizes s, float eps) {
    inputs
        .set(backwardPeaks)
        .pointer(rowsOf)
        .pointer(divisor)
        .pointer(throughPeak)
        .i64(s.n)
        .i64(s.positions)
        .i32(s.k)
        .f32(eps)
        .launch(context.naive() ? Math.ceilDiv(s.n * s.k, THREADS) : s.n * s.k, THREADS, 0);
  }

  private void camToMapsBackward(
      Inputs inputs, long rowsOf, long divisor, long throughPeak, long dCam, Sizes s) {
    inputs
        .set(camToMapsBackward)
        .pointer(rowsOf)
        .pointer(divisor)
        .pointer(throughPeak)
        .pointer(dCam)
        .i64(s.n)
        .i64(s.positions)
        .i32(s.k)
        .launchOver(s.n * s.positions * s.k, THREADS);
  }

  /** {@link MapOps#camToMaps}. */
  void forward(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor maps,
      Tensor peak,
      Tensor winner) {
    CudaCall call = context.call("camToMaps");
    long n = classes.images();
    long k = classes.total() - 1L;
    long from = call.in("cam", cam, n, CudaCall.ANY, CudaCall.ANY, k);
    long h = cam.shape().size(1);
    long w = cam.shape().size(2);
    long mask = call.inOrNull("valid", valid, n, h, w);
    long to = call.out("maps", maps, classes.rows(), h, w);
    long places = call.outInts("peak", peak, n, k);
    long winners = call.outInts("winner", winner, n, h, w);
    if (n == 0) {
      return;
    }
    CudaMaps.requirePositions(call, h, w);
    call.require(k > 0, "needs a foreground class");
    Sizes s = new Sizes(n, h * w, k);
    call.run(
        () -> {
          long divisor = call.workspace(n * k * Float.BYTES);
          peaks(from, places, divisor, s, eps);
          camToMaps(from, mask, context.rows(classes), divisor, to, winners, s);
        });
  }

  /** {@link MapOps#camToMapsBackward}. */
  void backward(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor peak,
      Tensor winner,
      Tensor dMaps,
      Tensor dCam) {
    CudaCall call = context.call("camToMapsBackward");
    long n = classes.images();
    long k = classes.total() - 1L;
    long from = call.in("cam", cam, n, CudaCall.ANY, CudaCall.ANY, k);
    long h = cam.shape().size(1);
    long w = cam.shape().size(2);
    long mask = call.inOrNull("valid", valid, n, h, w);
    long places = call.inInts("peak", peak, n, k);
    long winners = call.inInts("winner", winner, n, h, w);
    long gradient = call.in("dMaps", dMaps, classes.rows(), h, w);
    long to = call.out("dCam", dCam, n, h, w, k);
    if (n == 0) {
      return;
    }
    CudaMaps.requirePositions(call, h, w);
    call.require(k > 0, "needs a foreground class");
    Sizes s = new Sizes(n, h * w, k);
    call.run(
        () -> {
          long rowsOf = call.workspace(n * k * Integer.BYTES);
          long divisor = call.workspace(n * k * Float.BYTES);
          long throughPeak = call.workspace(n * k * Float.BYTES);
          Inputs inputs = new Inputs(from, mask, context.rows(classes), places, winners, gradient);
          backwardPeaks(inputs, rowsOf, divisor, throughPeak, s, eps);
          camToMapsBackward(inputs, rowsOf, divisor, throughPeak, to, s);
        });
  }
}
