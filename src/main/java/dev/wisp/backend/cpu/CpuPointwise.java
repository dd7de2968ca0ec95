package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.lang.foreign.MemorySegment;
import java.util.*;
import org.jspecify.annotations.Nullable;

/** PointwiseOps on the CPU. */
final class CpuPointwise implements PointwiseOps {
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
    context.require("copy");
    throw new UnsupportedOperationException("copy");
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
    context.require("addMirrored");
    throw new UnsupportedOperationException("addMirrored");
  }

  @Override
  public void denormalize(Tensor x, float[] mean, float[] std, Tensor out) {
    context.require("denormalize");
    throw new UnsupportedOperationException("denormalize");
  }

  @Override
  public void spatialMean(Tensor x, Tensor out) {
    context.require("spatialMean");
    throw new UnsupportedOperationException("spatialMean");
  }

  @Override
  public void spatialMeanBackward(Tensor dOut, Tensor dx) {
    context.require("spatialMeanBackward");
    throw new UnsupportedOperationException("spatialMeanBackward");
  }

  @Override
  public void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    context.require("softMarginLoss");
    throw new UnsupportedOperationException("softMarginLoss");
  }

  @Override
  public void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA) {
    context.require("meanAbsoluteDifference");
    throw new UnsupportedOperationException("meanAbsoluteDifference");
  }
}
