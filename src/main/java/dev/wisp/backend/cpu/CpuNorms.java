package dev.wisp.backend.cpu;

import dev.wisp.backend.NormOps;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Batch norm with live statistics and L2 normalisation on the CPU. */
final class CpuNorms implements NormOps {
  private final CpuContext context;

  CpuNorms(CpuContext context) {
    this.context = context;
  }

  @Override
  public void batchNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd) {
    Call call = context.call("batchNormForward");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = x.shape().toArray();
    long c = shape[3];
    MemorySegment scale = call.in("gamma", gamma, c);
    MemorySegment shift = call.in("beta", beta, c);
    MemorySegment added = call.inOrNull("residual", residual, shape);
    MemorySegment to = call.out("y", y, shape);
    MemorySegment means = call.out("mean", mean, c);
    MemorySegment deviations = call.out("invStd", invStd, c);
    long positions = shape[0] * shape[1] * shape[2];
    call.require(positions > 0, "needs a position");
    int activate = relu ? 1 : 0;
    call.run(
        () ->
            (int)
                NativeKernels.BATCH_NORM_FORWARD.invokeExact(
                    from, scale, shift, eps, added, activate, to, means, deviations, positions, c));
  }

  @Override
  public void batchNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    Call call = context.call("batchNormBackward");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = x.shape().toArray();
    long c = shape[3];
    MemorySegment gradient = call.in("dy", dy, shape);
    MemorySegment scale = call.in("gamma", gamma, c);
    MemorySegment means = call.in("mean", mean, c);
    MemorySegment deviations = call.in("invStd", invStd, c);
    MemorySegment to = call.out("dx", dx, shape);
    MemorySegment toGamma = call.out("dgamma", dgamma, c);
    MemorySegment toBeta = call.out("dbeta", dbeta, c);
    long positions = shape[0] * shape[1] * shape[2];
    call.require(positions > 0, "needs a position");
    call.run(
        () ->
            (int)
                NativeKernels.BATCH_NORM_BACKWARD.invokeExact(
                    from, gradient, scale, means, deviations, to, toGamma, toBeta, positions, c));
  }

  @Override
  public void batchNormUpdate(
      Tensor mean,
      Tensor invStd,
      float eps,
      long count,
      float momentum,
      Tensor runningMean,
      Tensor runningVar) {
    Call call = context.call("batchNormUpdate");
    MemorySegment means = call.in("mean", mean, Call.ANY);
    long c = mean.shape().size(0);
    MemorySegment deviations = call.in("invStd", invStd, c);
    MemorySegment toMean = call.out("runningMean", runningMean, c);
    MemorySegment toVar = call.out("runningVar", runningVar, c);
    call.require(count > 1, "needs more than " + count + " positions for a variance");
    call.run(
        () ->
            (int)
                NativeKernels.BATCH_NORM_UPDATE.invokeExact(
                    means, deviations, eps, count, momentum, toMean, toVar, c));
  }

  @Override
  public void l2Normalize(Tensor x, float eps, Tensor y, Tensor norms) {
    Call call = context.call("l2Normalize");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = x.shape().toArray();
    MemorySegment to = call.outOver("y", y, List.of("x"), shape);
    MemorySegment lengths = call.out("norms", norms, shape[0], shape[1], shape[2]);
    long positions = shape[0] * shape[1] * shape[2];
    long c = shape[3];
    call.run(
        () -> (int) NativeKernels.L2_NORMALIZE.invokeExact(from, eps, to, lengths, positions, c));
  }

  @Override
  public void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx) {
    Call call = context.call("l2NormalizeBackward");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = x.shape().toArray();
    MemorySegment lengths = call.in("norms", norms, shape[0], shape[1], shape[2]);
    MemorySegment gradient = call.in("dy", dy, shape);
    MemorySegment to = call.out("dx", dx, shape);
    long positions = shape[0] * shape[1] * shape[2];
    long c = shape[3];
    call.run(
        () ->
            (int)
                NativeKernels.L2_NORMALIZE_BACKWARD.invokeExact(
                    from, lengths, gradient, eps, to, positions, c));
  }
}
