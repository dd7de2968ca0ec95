package dev.wisp.backend.cpu;

import dev.wisp.backend.GroupNormOps;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** {@link GroupNormOps} by native/src/kernels/group_norm.cpp. */
final class CpuGroupNorms implements GroupNormOps {
  private final CpuContext context;

  CpuGroupNorms(CpuContext context) {
    this.context = context;
  }

  @Override
  public void groupNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd) {
    Call call = context.call("groupNormForward");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = x.shape().toArray();
    long n = shape[0];
    long c = shape[3];
    MemorySegment scale = call.in("gamma", gamma, c);
    MemorySegment shift = call.in("beta", beta, c);
    MemorySegment to = call.out("y", y, shape);
    MemorySegment means = call.out("mean", mean, n, Call.ANY);
    long groups = groups(call, x, mean);
    MemorySegment deviations = call.out("invStd", invStd, n, groups);
    long positions = shape[1] * shape[2];
    int activate = relu ? 1 : 0;
    call.run(
        () ->
            (int)
                NativeIrnKernels.GROUP_NORM_FORWARD.invokeExact(
                    from,
                    scale,
                    shift,
                    eps,
                    activate,
                    to,
                    means,
                    deviations,
                    n,
                    positions,
                    c,
                    groups));
  }

  private static long groups(Call call, Tensor x, Tensor mean) {
    long groups = mean.shape().size(1);
    call.require(x.shape().elements() > 0, "needs a position and a channel");
    call.require(
        groups > 0 && x.shape().size(3) % groups == 0, "the groups do not divide the channels");
    return groups;
  }

  @Override
  public void groupNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    Call call = context.call("groupNormBackward");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = x.shape().toArray();
    long n = shape[0];
    long c = shape[3];
    MemorySegment gradient = call.in("dy", dy, shape);
    MemorySegment scale = call.in("gamma", gamma, c);
    MemorySegment means = call.in("mean", mean, n, Call.ANY);
    long groups = groups(call, x, mean);
    MemorySegment deviations = call.in("invStd", invStd, n, groups);
    MemorySegment to = call.out("dx", dx, shape);
    MemorySegment toGamma = call.out("dgamma", dgamma, c);
    MemorySegment toBeta = call.out("dbeta", dbeta, c);
    long positions = shape[1] * shape[2];
    call.run(
        () ->
            (int)
                NativeIrnKernels.GROUP_NORM_BACKWARD.invokeExact(
                    from,
                    gradient,
                    scale,
                    means,
                    deviations,
                    to,
                    toGamma,
                    toBeta,
                    n,
                    positions,
                    c,
                    groups));
  }
}
