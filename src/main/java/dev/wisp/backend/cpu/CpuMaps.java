package dev.wisp.backend.cpu;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Class activation maps and their normalisations on the CPU. */
final class CpuMaps implements MapOps {
  private final CpuContext context;

  CpuMaps(CpuContext context) {
    this.context = context;
  }

  /** A cam and its sizes, as they go with the batch's classes. */
  private record Cam(MemorySegment memory, long n, long h, long w, long k) {
    static Cam of(Call call, Tensor cam, ClassRows classes) {
      long n = classes.images();
      long k = classes.total() - 1L;
      MemorySegment memory = call.in("cam", cam, n, Call.ANY, Call.ANY, k);
      long h = cam.shape().size(1);
      long w = cam.shape().size(2);
      if (n > 0) {
        requirePositions(call, h, w);
        call.require(k > 0, "needs a foreground class");
      }
      return new Cam(memory, n, h, w, k);
    }
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
    Call call = context.call("camToMaps");
    Cam c = Cam.of(call, cam, classes);
    MemorySegment mask = call.inOrNull("valid", valid, c.n, c.h, c.w);
    MemorySegment to = call.out("maps", maps, classes.rows(), c.h, c.w);
    MemorySegment peaks = call.outInts("peak", peak, c.n, c.k);
    MemorySegment winners = call.outInts("winner", winner, c.n, c.h, c.w);
    if (c.n == 0) {
      return;
    }
    MemorySegment offsets = call.ints(classes.offsets());
    MemorySegment ids = call.ints(classes.ids());
    long rows = classes.rows();
    call.run(
        () ->
            (int)
                NativeKernels.CAM_TO_MAPS.invokeExact(
                    c.memory, mask, offsets, ids, eps, to, peaks, winners, c.n, c.h * c.w, c.k,
                    rows));
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
    Call call = context.call("camToMapsBackward");
    Cam c = Cam.of(call, cam, classes);
    MemorySegment mask = call.inOrNull("valid", valid, c.n, c.h, c.w);
    MemorySegment peaks = call.inInts("peak", peak, c.n, c.k);
    MemorySegment winners = call.inInts("winner", winner, c.n, c.h, c.w);
    MemorySegment gradient = call.in("dMaps", dMaps, classes.rows(), c.h, c.w);
    MemorySegment to = call.out("dCam", dCam, c.n, c.h, c.w, c.k);
    if (c.n == 0) {
      return;
    }
    MemorySegment offsets = call.ints(classes.offsets());
    MemorySegment ids = call.ints(classes.ids());
    long rows = classes.rows();
    call.run(
        () ->
            (int)
                NativeKernels.CAM_TO_MAPS_BACKWARD.invokeExact(
                    c.memory, mask, offsets, ids, eps, peaks, winners, gradient, to, c.n, c.h * c.w,
                    c.k, rows));
  }

  @Override
  public void normalizeMaps(Tensor maps, Normalization mode, float eps, Tensor out, Tensor peak) {
    Call call = context.call("normalizeMaps");
    MemorySegment from = call.in("maps", maps, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = maps.shape().toArray();
    MemorySegment to = call.out("out", out, shape);
    MemorySegment peaks = call.outInts("peak", peak, shape[0], 2);
    if (shape[0] == 0) {
      return;
    }
    requirePositions(call, shape[1], shape[2]);
    int minMax = mode == Normalization.MIN_MAX ? 1 : 0;
    long positions = shape[1] * shape[2];
    call.run(
        () ->
            (int)
                NativeKernels.NORMALIZE_MAPS.invokeExact(
                    from, minMax, eps, to, peaks, shape[0], positions));
  }

  @Override
  public void normalizeMapsBackward(
      Tensor maps, Normalization mode, float eps, Tensor peak, Tensor dOut, Tensor dMaps) {
    Call call = context.call("normalizeMapsBackward");
    MemorySegment from = call.in("maps", maps, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = maps.shape().toArray();
    MemorySegment peaks = call.inInts("peak", peak, shape[0], 2);
    MemorySegment gradient = call.in("dOut", dOut, shape);
    MemorySegment to = call.out("dMaps", dMaps, shape);
    if (shape[0] == 0) {
      return;
    }
    requirePositions(call, shape[1], shape[2]);
    int minMax = mode == Normalization.MIN_MAX ? 1 : 0;
    long positions = shape[1] * shape[2];
    call.run(
        () ->
            (int)
                NativeKernels.NORMALIZE_MAPS_BACKWARD.invokeExact(
                    from, minMax, eps, peaks, gradient, to, shape[0], positions));
  }

  @Override
  public void argmaxMaps(Tensor maps, ClassRows classes, float backgroundFactor, Tensor seeds) {
    Call call = context.call("argmaxMaps");
    long rows = classes.rows();
    long n = classes.images();
    MemorySegment from = call.in("maps", maps, rows, Call.ANY, Call.ANY);
    long h = maps.shape().size(1);
    long w = maps.shape().size(2);
    MemorySegment to = call.outInts("seeds", seeds, n, h, w);
    MemorySegment offsets = call.ints(classes.offsets());
    MemorySegment ids = call.ints(classes.ids());
    call.run(
        () ->
            (int)
                NativeKernels.ARGMAX_MAPS.invokeExact(
                    from, offsets, ids, backgroundFactor, to, n, h * w, rows));
  }

  @Override
  public void limitSeeds(Tensor support, ClassRows classes, float share, Tensor seeds) {
    Call call = context.call("limitSeeds");
    long rows = classes.rows();
    long n = classes.images();
    MemorySegment from = call.in("support", support, rows, Call.ANY, Call.ANY);
    long h = support.shape().size(1);
    long w = support.shape().size(2);
    MemorySegment to = call.outInts("seeds", seeds, n, h, w);
    MemorySegment offsets = call.ints(classes.offsets());
    MemorySegment ids = call.ints(classes.ids());
    call.run(
        () ->
            (int)
                NativeKernels.LIMIT_SEEDS.invokeExact(
                    from, offsets, ids, share, to, n, h * w, rows));
  }

  /** Positions are stored as ints. */
  private static void requirePositions(Call call, long h, long w) {
    call.require(h > 0 && w > 0 && h <= Integer.MAX_VALUE / w, "needs 1..2^31-1 positions");
  }
}
