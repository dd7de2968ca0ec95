package dev.wisp.backend.cuda;

import dev.wisp.backend.GroupNormOps;
import dev.wisp.tensor.Tensor;
import java.util.List;

/** {@link GroupNormOps}, for the time being by the host's kernels. */
final class CudaGroupNorms implements GroupNormOps {
  private final CudaContext context;
  private final CudaHost host;

  CudaGroupNorms(CudaContext context, CudaHost host) {
    this.context = context;
    this.host = host;
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
    CudaCall call = context.call("groupNormForward");
    call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    call.in("gamma", gamma, shape[3]);
    call.in("beta", beta, shape[3]);
    call.out("y", y, shape);
    call.out("mean", mean, shape[0], CudaCall.ANY);
    call.out("invStd", invStd, shape[0], groups(call, x, mean));
    host.run(
        call,
        List.of(x, gamma, beta),
        List.of(y, mean, invStd),
        (cpu, t) -> cpu.groupNormForward(t[0], t[1], t[2], eps, relu, t[3], t[4], t[5]));
  }

  private static long groups(CudaCall call, Tensor x, Tensor mean) {
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
    CudaCall call = context.call("groupNormBackward");
    call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    call.in("dy", dy, shape);
    call.in("gamma", gamma, shape[3]);
    call.in("mean", mean, shape[0], CudaCall.ANY);
    call.in("invStd", invStd, shape[0], groups(call, x, mean));
    call.out("dx", dx, shape);
    call.out("dgamma", dgamma, shape[3]);
    call.out("dbeta", dbeta, shape[3]);
    host.run(
        call,
        List.of(x, dy, gamma, mean, invStd),
        List.of(dx, dgamma, dbeta),
        (cpu, t) -> cpu.groupNormBackward(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]));
  }
}
