package dev.wisp.backend.cpu;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PointwiseOps;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Elementwise operations and losses on the CPU. */
final class CpuPointwise implements PointwiseOps {
  private static final int COLOURS = 3;

  private final CpuContext context;

  CpuPointwise(CpuContext context) {
    this.context = context;
  }

  @Override
  public void fill(Tensor target, float value) {
    Call call = context.call("fill");
    MemorySegment out = call.outAny("target", target);
    long n = target.shape().elements();
    call.run(() -> (int) NativeKernels.FILL.invokeExact(out, value, n));
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    Call call = context.call("copy");
    DType type = source.type();
    MemorySegment from = call.typed("source", source, type, false);
    MemorySegment to = call.typed("target", target, type, true);
    call.require(type == DType.F32 || type == DType.I32, "only F32 and I32 are copied");
    call.require(source.shape().elements() == target.shape().elements(), "element counts differ");
    long bytes = source.bytes();
    call.run(() -> (int) NativeKernels.COPY.invokeExact(from, to, bytes));
  }

  @Override
  public void convert(Tensor source, Tensor target) {
    Call call = context.call("convert");
    call.typed("source", source, source.type(), false);
    call.typed("target", target, target.type(), true);
    call.require(false, "the cpu has no F16 tensors");
  }

  @Override
  public void addScaled(float factor, Tensor source, Tensor target) {
    Call call = context.call("addScaled");
    MemorySegment from = call.inAny("source", source);
    MemorySegment to = call.outAny("target", target);
    long n = target.shape().elements();
    call.require(source.shape().elements() == n, "element counts differ");
    call.run(() -> (int) NativeKernels.ADD_SCALED.invokeExact(factor, from, to, n));
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    Call call = context.call("scale");
    MemorySegment by = call.inAny("factor", factor);
    MemorySegment values = call.outAny("x", x);
    call.require(factor.shape().elements() > 0, "needs a factor");
    long n = x.shape().elements();
    call.run(() -> (int) NativeKernels.SCALE.invokeExact(values, by, n));
  }

  @Override
  public void relu(Tensor x, Tensor out) {
    Call call = context.call("relu");
    MemorySegment from = call.inAny("x", x);
    MemorySegment to = call.outOver("out", out, List.of("x"), x.shape().toArray());
    long n = x.shape().elements();
    call.run(() -> (int) NativeKernels.RELU.invokeExact(from, to, n));
  }

  @Override
  public void reluBackward(Tensor y, Tensor dy, @Nullable Tensor extra, Tensor dx) {
    Call call = context.call("reluBackward");
    long[] shape = y.shape().toArray();
    MemorySegment activation = call.inAny("y", y);
    MemorySegment gradient = call.in("dy", dy, shape);
    MemorySegment second = call.inOrNull("extra", extra, shape);
    MemorySegment out = call.outOver("dx", dx, List.of("dy", "extra"), shape);
    long n = y.shape().elements();
    call.run(
        () -> (int) NativeKernels.RELU_BACKWARD.invokeExact(activation, gradient, second, out, n));
  }

  @Override
  public void addMirrored(Tensor mirrored, Tensor target) {
    Call call = context.call("addMirrored");
    MemorySegment from = call.in("mirrored", mirrored, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = mirrored.shape().toArray();
    MemorySegment to = call.out("target", target, shape);
    call.run(
        () ->
            (int)
                NativeKernels.ADD_MIRRORED.invokeExact(
                    from, to, shape[0], shape[1], shape[2], shape[3]));
  }

  @Override
  public void denormalize(Tensor x, float[] mean, float[] std, Tensor out) {
    Call call = context.call("denormalize");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, COLOURS);
    MemorySegment to = call.out("out", out, x.shape().toArray());
    call.require(mean.length == COLOURS && std.length == COLOURS, "needs 3 means and 3 deviations");
    long positions = x.shape().elements() / COLOURS;
    MemorySegment means = call.floats(mean);
    MemorySegment deviations = call.floats(std);
    call.run(
        () -> (int) NativeKernels.DENORMALIZE.invokeExact(from, means, deviations, to, positions));
  }

  @Override
  public void spatialMean(Tensor x, Tensor out) {
    Call call = context.call("spatialMean");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long n = x.shape().size(0);
    long positions = x.shape().size(1) * x.shape().size(2);
    long c = x.shape().size(3);
    MemorySegment to = call.out("out", out, n, c);
    call.require(positions > 0, "needs a position");
    call.run(() -> (int) NativeKernels.SPATIAL_MEAN.invokeExact(from, to, n, positions, c));
  }

  @Override
  public void spatialMeanBackward(Tensor dOut, Tensor dx) {
    Call call = context.call("spatialMeanBackward");
    MemorySegment to = call.out("dx", dx, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long n = dx.shape().size(0);
    long positions = dx.shape().size(1) * dx.shape().size(2);
    long c = dx.shape().size(3);
    MemorySegment from = call.in("dOut", dOut, n, c);
    if (dx.shape().elements() == 0) {
      return;
    }
    call.run(
        () -> (int) NativeKernels.SPATIAL_MEAN_BACKWARD.invokeExact(from, to, n, positions, c));
  }

  @Override
  public void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    Call call = context.call("softMarginLoss");
    MemorySegment scores = call.in("score", score, Call.ANY, Call.ANY);
    long[] shape = score.shape().toArray();
    MemorySegment labels = call.in("label", label, shape);
    MemorySegment result = call.out("loss", loss, 1);
    MemorySegment gradient = call.outOrNull("dScore", dScore, shape);
    call.require(score.shape().elements() > 0, "needs a score");
    long n = shape[0];
    long k = shape[1];
    call.run(
        () ->
            (int)
                NativeKernels.SOFT_MARGIN_LOSS.invokeExact(scores, labels, result, gradient, n, k));
  }

  @Override
  public void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA) {
    Call call = context.call("meanAbsoluteDifference");
    MemorySegment first = call.in("a", a, classes.rows(), Call.ANY, Call.ANY);
    long[] shape = a.shape().toArray();
    MemorySegment second = call.in("b", b, shape);
    MemorySegment result = call.out("loss", loss, 1);
    MemorySegment gradient = call.outOrNull("dA", dA, shape);
    long n = a.shape().elements();
    double divisor = (double) classes.images() * classes.total() * shape[1] * shape[2];
    call.require(divisor > 0, "needs an image and a position");
    call.run(
        () ->
            (int)
                NativeKernels.MEAN_ABSOLUTE_DIFFERENCE.invokeExact(
                    first, second, n, divisor, result, gradient));
  }
}
