package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PointwiseOps;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Elementwise operations on the device, {@code cuda/pointwise.cu}; sums by CudaReductions, float16
 * by CudaHalfActivations.
 */
final class CudaPointwise implements PointwiseOps {
  private static final String FILE = "pointwise";
  private static final int THREADS = 256;

  /** Elements a block of the fast kernels covers. */
  private static final int SPAN = 4 * THREADS;

  private static final int COLOURS = 3;

  private final CudaContext context;
  private final CudaReductions reductions;
  private final CudaHalf half;
  private final CudaHalfActivations halves;
  private final CudaKernel fill;
  private final CudaCopy copy;
  private final CudaKernel addScaled;
  private final CudaKernel scale;
  private final CudaKernel relu;
  private final CudaKernel reluBackward;
  private final CudaKernel addMirrored;
  private final CudaKernel denormalize;

  CudaPointwise(CudaContext context) {
    this.context = context;
    reductions = new CudaReductions(context);
    half = new CudaHalf(context);
    halves = new CudaHalfActivations(context);
    fill = context.judged(FILE, "wisp_fill", pointer("target"), i64("n"), f32("value"));
    copy = new CudaCopy(context);
    addScaled =
        context.judged(
            FILE, "wisp_add_scaled", pointer("source"), pointer("target"), i64("n"), f32("factor"));
    scale = context.judged(FILE, "wisp_scale", pointer("x"), pointer("factor"), i64("n"));
    relu = context.judged(FILE, "wisp_relu", pointer("x"), pointer("out"), i64("n"));
    reluBackward =
        context.judged(
            FILE,
            "wisp_relu_backward",
            pointer("y"),
            pointer("dy"),
            pointer("extra"),
            pointer("dx"),
            i64("n"));
    addMirrored =
        context.kernel(
            FILE,
            "wisp_add_mirrored",
            pointer("mirrored"),
            pointer("target"),
            i64("rows"),
            i64("w"),
            i64("c"));
    denormalize =
        context.kernel(
            FILE,
            "wisp_denormalize",
            pointer("x"),
            pointer("out"),
            i64("positions"),
            f32("mean0"),
            f32("mean1"),
            f32("mean2"),
            f32("std0"),
            f32("std1"),
            f32("std2"));
  }

  /** Launches with the grid of a fast kernel, or of a naive one. */
  private void launch(CudaKernel kernel, long n) {
    kernel.launch(Math.ceilDiv(n, context.naive() ? THREADS : SPAN), THREADS, 0);
  }

  private void fill(long target, long n, float value) {
    launch(fill.pointer(target).i64(n).f32(value), n);
  }

  private void addScaled(long source, long target, long n, float factor) {
    launch(addScaled.pointer(source).pointer(target).i64(n).f32(factor), n);
  }

  private void scale(long x, long factor, long n) {
    launch(scale.pointer(x).pointer(factor).i64(n), n);
  }

  private void relu(long x, long out, long n) {
    launch(relu.pointer(x).pointer(out).i64(n), n);
  }

  private void reluBackward(long y, long dy, long extra, long dx, long n) {
    launch(reluBackward.pointer(y).pointer(dy).pointer(extra).pointer(dx).i64(n), n);
  }

  private void addMirrored(long mirrored, long target, long rows, long w, long c) {
    addMirrored
        .pointer(mirrored)
        .pointer(target)
        .i64(rows)
        .i64(w)
        .i64(c)
        .launchOver(rows * w * c, THREADS);
  }

  private void denormalize(long x, long out, long positions, float[] mean, float[] std) {
    denormalize
        .pointer(x)
        .pointer(out)
        .i64(positions)
        .f32(mean[0])
        .f32(mean[1])
        .f32(mean[2])
        .f32(std[0])
        .f32(std[1])
        .f32(std[2])
        .launchOver(COLOURS * positions, THREADS);
  }

  @Override
  public void fill(Tensor target, float value) {
    CudaCall call = context.call("fill");
    long out = call.outAny("target", target);
    call.run(() -> fill(out, target.shape().elements(), value));
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    CudaCall call = context.call("copy");
    DType type = source.type();
    long from = call.typed("source", source, type, false);
    long to = call.typed("target", target, type, true);
    call.require(type == DType.F32 || type == DType.I32, "only F32 and I32 are copied");
    call.require(source.shape().elements() == target.shape().elements(), "element counts differ");
    call.run(() -> copy.launch(from, to, source.shape().elements()));
  }

  @Override
  public void convert(Tensor source, Tensor target) {
    CudaCall call = context.call("convert");
    boolean widens = source.type() == DType.F16;
    long[] shape = source.shape().toArray();
    long from = call.in("source", CudaCall.real(source), source, shape);
    long to = call.out("target", widens ? DType.F32 : DType.F16, target, shape);
    long n = source.shape().elements();
    call.run(
        () -> {
          if (widens) {
            half.widen(from, to, n);
          } else {
            half.narrow(from, to, n);
          }
        });
  }

  @Override
  public void addScaled(float factor, Tensor source, Tensor target) {
    CudaCall call = context.call("addScaled");
    DType type = CudaCall.real(target);
    long from = call.typed("source", source, type, false);
    long to = call.typed("target", target, type, true);
    long n = target.shape().elements();
    call.require(source.shape().elements() == n, "element counts differ");
    call.run(
        () -> {
          if (type == DType.F16) {
            halves.addScaled(from, to, n, factor);
          } else {
            addScaled(from, to, n, factor);
          }
        });
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    CudaCall call = context.call("scale");
    long by = call.inAny("factor", factor);
    long values = call.outAny("x", x);
    call.require(factor.shape().elements() > 0, "needs a factor");
    call.run(() -> scale(values, by, x.shape().elements()));
  }

  @Override
  public void relu(Tensor x, Tensor out) {
    CudaCall call = context.call("relu");
    long from = call.inAny("x", x);
    long to = call.outOver("out", out, List.of("x"), x.shape().toArray());
    call.run(() -> relu(from, to, x.shape().elements()));
  }

  @Override
  public void reluBackward(Tensor y, Tensor dy, @Nullable Tensor extra, Tensor dx) {
    CudaCall call = context.call("reluBackward");
    long[] shape = y.shape().toArray();
    DType type = CudaCall.real(y);
    long activation = call.in("y", type, y, shape);
    long gradient = call.in("dy", type, dy, shape);
    long second = call.inOrNull("extra", type, extra, shape);
    long out = call.outOver("dx", type, dx, List.of("dy", "extra"), shape);
    long n = y.shape().elements();
    call.run(
        () -> {
          if (type == DType.F16) {
            halves.reluBackward(activation, gradient, second, out, n);
          } else {
            reluBackward(activation, gradient, second, out, n);
          }
        });
  }

  @Override
  public void addMirrored(Tensor mirrored, Tensor target) {
    CudaCall call = context.call("addMirrored");
    long from =
        call.in("mirrored", mirrored, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = mirrored.shape().toArray();
    long to = call.out("target", target, shape);
    call.run(() -> addMirrored(from, to, shape[0] * shape[1], shape[2], shape[3]));
  }

  @Override
  public void denormalize(Tensor x, float[] mean, float[] std, Tensor out) {
    CudaCall call = context.call("denormalize");
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, COLOURS);
    long to = call.out("out", out, x.shape().toArray());
    call.require(mean.length == COLOURS && std.length == COLOURS, "needs 3 means and 3 deviations");
    call.run(() -> denormalize(from, to, x.shape().elements() / COLOURS, mean, std));
  }

  @Override
  public void spatialMean(Tensor x, Tensor out) {
    reductions.spatialMean(x, out);
  }

  @Override
  public void spatialMeanBackward(Tensor dOut, Tensor dx) {
    reductions.spatialMeanBackward(dOut, dx);
  }

  @Override
  public void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    reductions.softMarginLoss(score, label, loss, dScore);
  }

  @Override
  public void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA) {
    reductions.meanAbsoluteDifference(a, b, classes, loss, dA);
  }
}
