package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.GroupNormOps;
import dev.wisp.tensor.Tensor;

/** {@link GroupNormOps} on the device, {@code cuda/group_norm.cu}. */
final class CudaGroupNorms implements GroupNormOps {
  private static final String FILE = "group_norm";
  private static final int THREADS = 256;

  /** Channels and positions of a block of gradient_sums. */
  private static final int LANES = 32;

  private static final int ROWS = 8;

  private final CudaContext context;
  private final CudaKernel statistics;
  private final CudaKernel forward;
  private final CudaKernel gradientSums;
  private final CudaKernel parameters;
  private final CudaKernel means;
  private final CudaKernel backward;

  CudaGroupNorms(CudaContext context) {
    this.context = context;
    statistics =
        context.judged(
            FILE,
            "wisp_group_norm_statistics",
            pointer("x"),
            pointer("mean"),
            pointer("inv_std"),
            i64("n"),
            i64("positions"),
            i64("c"),
            i64("groups"),
            f32("eps"));
    forward =
        context.kernel(
            FILE,
            "wisp_group_norm_forward",
            pointer("x"),
            pointer("gamma"),
            pointer("beta"),
            pointer("mean"),
            pointer("inv_std"),
            pointer("y"),
            i64("n"),
            i64("positions"),
            i64("c"),
            i64("groups"),
            i32("relu"));
    gradientSums =
        context.judged(
            FILE,
            "wisp_group_norm_gradient_sums",
            pointer("x"),
            pointer("dy"),
            pointer("mean"),
            pointer("inv_std"),
            pointer("sums"),
            i64("n"),
            i64("positions"),
            i64("c"),
            i64("groups"));
    parameters =
        context.kernel(
            FILE,
            "wisp_group_norm_parameters",
            pointer("sums"),
            pointer("d_gamma"),
            pointer("d_beta"),
            i64("n"),
            i64("c"));
    means =
        context.kernel(
            FILE,
            "wisp_group_norm_means",
            pointer("sums"),
            pointer("gamma"),
            pointer("means"),
            i64("n"),
            i64("positions"),
            i64("c"),
            i64("groups"));
    backward =
        context.kernel(
            FILE,
            "wisp_group_norm_backward",
            pointer("x"),
            pointer("dy"),
            pointer("gamma"),
            pointer("mean"),
            pointer("inv_std"),
            pointer("means"),
            pointer("dx"),
            i64("n"),
            i64("positions"),
            i64("c"),
            i64("groups"));
  }

  private record Sizes(long n, long positions, long c, long groups) {
    CudaKernel set(CudaKernel kernel) {
      return kernel.i64(n).i64(positions).i64(c).i64(groups);
    }

    long elements() {
      return n * positions * c;
    }
  }

  private static Sizes sizes(CudaCall call, Tensor x, Tensor mean) {
    long[] shape = x.shape().toArray();
    long groups = mean.shape().size(1);
    call.require(x.shape().elements() > 0, "needs a position and a channel");
    call.require(groups > 0 && shape[3] % groups == 0, "the groups do not divide the channels");
    return new Sizes(shape[0], shape[1] * shape[2], shape[3], groups);
  }

  private void statistics(long x, long mean, long invStd, Sizes s, float eps) {
    long groups = s.n * s.groups;
    s.set(statistics.pointer(x).pointer(mean).pointer(invStd))
        .f32(eps)
        .launch(context.naive() ? Math.ceilDiv(groups, THREADS) : groups, THREADS, 0);
  }

  private void gradientSums(long x, long dy, long mean, long invStd, long sums, Sizes s) {
    s.set(gradientSums.pointer(x).pointer(dy).pointer(mean).pointer(invStd).pointer(sums));
    if (context.naive()) {
      gradientSums.launchOver(s.n * s.c, THREADS);
    } else {
      gradientSums.launch(s.n * Math.ceilDiv(s.c, LANES), 1, 1, LANES, ROWS, 0);
    }
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
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    long scale = call.in("gamma", gamma, shape[3]);
    long shift = call.in("beta", beta, shape[3]);
    long to = call.out("y", y, shape);
    long centre = call.out("mean", mean, shape[0], CudaCall.ANY);
    Sizes s = sizes(call, x, mean);
    long inverse = call.out("invStd", invStd, shape[0], s.groups);
    call.run(
        () -> {
          statistics(from, centre, inverse, s, eps);
          forward.pointer(from).pointer(scale).pointer(shift).pointer(centre).pointer(inverse);
          s.set(forward.pointer(to)).i32(relu ? 1 : 0).launchOver(s.elements(), THREADS);
        });
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
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    long gradient = call.in("dy", dy, shape);
    long scale = call.in("gamma", gamma, shape[3]);
    long centre = call.in("mean", mean, shape[0], CudaCall.ANY);
    Sizes s = sizes(call, x, mean);
    long inverse = call.in("invStd", invStd, shape[0], s.groups);
    long to = call.out("dx", dx, shape);
    long toGamma = call.out("dgamma", dgamma, shape[3]);
    long toBeta = call.out("dbeta", dbeta, shape[3]);
    call.run(
        () -> {
          long sums = call.workspace(2 * s.n * s.c * Double.BYTES);
          long groups = call.workspace(2 * s.n * s.groups * Float.BYTES);
          gradientSums(from, gradient, centre, inverse, sums, s);
          parameters
              .pointer(sums)
              .pointer(toGamma)
              .pointer(toBeta)
              .i64(s.n)
              .i64(s.c)
              .launchOver(s.c, THREADS);
          s.set(means.pointer(sums).pointer(scale).pointer(groups))
              .launchOver(s.n * s.groups, THREADS);
          backward.pointer(from).pointer(gradient).pointer(scale).pointer(centre).pointer(inverse);
          s.set(backward.pointer(groups).pointer(to)).launchOver(s.elements(), THREADS);
        });
  }
}
