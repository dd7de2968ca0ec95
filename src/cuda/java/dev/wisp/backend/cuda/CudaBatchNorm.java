package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.NormOps;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Batch norm with live statistics on the device, {@code cuda/batch_norm.cu}. */
final class CudaBatchNorm {
  private static final String FILE = "batch_norm";
  private static final int THREADS = 256;

  /** Channels and positions of a block of sums. */
  private static final int LANES = 32;

  private static final int ROWS = 8;

  /** Positions are summed in pieces of at least so many, and in at most so many pieces. */
  private static final int SMALLEST_PIECE = 256;

  private static final int MOST_PIECES = 512;

  private final CudaContext context;
  private final CudaKernel sums;
  private final CudaKernel statistics;
  private final CudaKernel forward;
  private final CudaKernel gradientSums;
  private final CudaKernel gradients;
  private final CudaKernel backward;
  private final CudaKernel update;

  CudaBatchNorm(CudaContext context) {
    this.context = context;
    sums =
        context.judged(
            FILE,
            "wisp_batch_norm_sums",
            pointer("x"),
            pointer("sums"),
            i64("positions"),
            i64("c"),
            i64("chunks"));
    statistics =
        context.judged(
            FILE,
            "wisp_batch_norm_statistics",
            pointer("x"),
            pointer("sums"),
            pointer("mean"),
            pointer("inv_std"),
            i64("positions"),
            i64("c"),
            i64("chunks"),
            f32("eps"));
    forward =
        context.kernel(
            FILE,
            "wisp_batch_norm_forward",
            pointer("x"),
            pointer("gamma"),
            pointer("beta"),
            pointer("mean"),
            pointer("inv_std"),
            pointer("residual"),
            pointer("y"),
            i64("positions"),
            i64("c"),
            i32("relu"));
    gradientSums =
        context.judged(
            FILE,
            "wisp_batch_norm_gradient_sums",
            pointer("x"),
            pointer("dy"),
            pointer("mean"),
            pointer("inv_std"),
            pointer("sums"),
            i64("positions"),
            i64("c"),
            i64("chunks"));
    gradients =
        context.judged(
            FILE,
            "wisp_batch_norm_gradients",
            pointer("sums"),
            pointer("dgamma"),
            pointer("dbeta"),
            pointer("means"),
            i64("positions"),
            i64("c"),
            i64("chunks"));
    backward =
        context.kernel(
            FILE,
            "wisp_batch_norm_backward",
            pointer("x"),
            pointer("dy"),
            pointer("gamma"),
            pointer("mean"),
            pointer("inv_std"),
            pointer("means"),
            pointer("dx"),
            i64("positions"),
            i64("c"));
    update =
        context.kernel(
            FILE,
            "wisp_batch_norm_update",
            pointer("mean"),
            pointer("inv_std"),
            pointer("running_mean"),
            pointer("running_var"),
            i64("c"),
            i64("count"),
            f32("eps"),
            f32("momentum"));
  }

  /** How the positions are cut for sums; depends on sizes alone. */
  private record Sizes(long positions, long c) {
    long chunks() {
      return Math.min(MOST_PIECES, Math.ceilDiv(positions, SMALLEST_PIECE));
    }

    long sumBytes() {
      return chunks() * 2 * c * Double.BYTES;
    }
  }

  /** A kernel with one sum per piece and channel. */
  private void launchPieces(CudaKernel kernel, Sizes s) {
    if (context.naive()) {
      kernel.launchOver(s.chunks() * s.c, THREADS);
    } else {
      kernel.launch(s.chunks() * Math.ceilDiv(s.c, LANES), 1, 1, LANES, ROWS, 0);
    }
  }

  /** A kernel that adds the pieces of each channel. */
  private void launchChannels(CudaKernel kernel, Sizes s) {
    if (context.naive()) {
      kernel.launchOver(s.c, THREADS);
    } else {
      kernel.launch(Math.ceilDiv(s.c, LANES), 1, 1, LANES, ROWS, 0);
    }
  }

  private void sums(long x, long to, Sizes s) {
    sums.pointer(x).pointer(to).i64(s.positions).i64(s.c).i64(s.chunks());
    launchPieces(sums, s);
  }

  private void statistics(long x, long from, long mean, long invStd, Sizes s, float eps) {
    statistics
        .pointer(x)
        .pointer(from)
        .pointer(mean)
        .pointer(invStd)
        .i64(s.positions)
        .i64(s.c)
        .i64(s.chunks())
        .f32(eps);
    launchChannels(statistics, s);
  }

  private void forward(
      long x,
      long gamma,
      long beta,
      long mean,
      long invStd,
      long residual,
      long y,
      Sizes s,
      boolean relu) {
    forward
        .pointer(x)
        .pointer(gamma)
        .pointer(beta)
        .pointer(mean)
        .pointer(invStd)
        .pointer(residual)
        .pointer(y)
        .i64(s.positions)
        .i64(s.c)
        .i32(relu ? 1 : 0)
        .launchOver(s.positions * s.c, THREADS);
  }

  private void gradientSums(long x, long dy, long mean, long invStd, long to, Sizes s) {
    gradientSums
        .pointer(x)
        .pointer(dy)
        .pointer(mean)
        .pointer(invStd)
        .pointer(to)
        .i64(s.positions)
        .i64(s.c)
        .i64(s.chunks());
    launchPieces(gradientSums, s);
  }

  private void gradients(long from, long dgamma, long dbeta, long means, Sizes s) {
    gradients
        .pointer(from)
        .pointer(dgamma)
        .pointer(dbeta)
        .pointer(means)
        .i64(s.positions)
        .i64(s.c)
        .i64(s.chunks());
    launchChannels(gradients, s);
  }

  private void backward(
      long x, long dy, long gamma, long mean, long invStd, long means, long dx, Sizes s) {
    backward
        .pointer(x)
        .pointer(dy)
        .pointer(gamma)
        .pointer(mean)
        .pointer(invStd)
        .pointer(means)
        .pointer(dx)
        .i64(s.positions)
        .i64(s.c)
        .launchOver(s.positions * s.c, THREADS);
  }

  private void update(
      long mean,
      long invStd,
      long runningMean,
      long runningVar,
      long c,
      long count,
      float eps,
      float momentum) {
    update
        .pointer(mean)
        .pointer(invStd)
        .pointer(runningMean)
        .pointer(runningVar)
        .i64(c)
        .i64(count)
        .f32(eps)
        .f32(momentum)
        .launchOver(c, THREADS);
  }

  /** {@link NormOps#batchNormForward}. */
  void forward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd) {
    CudaCall call = context.call("batchNormForward");
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    long c = shape[3];
    long scale = call.in("gamma", gamma, c);
    long shift = call.in("beta", beta, c);
    long added = call.inOrNull("residual", residual, shape);
    long to = call.out("y", y, shape);
    long means = call.out("mean", mean, c);
    long deviations = call.out("invStd", invStd, c);
    Sizes s = new Sizes(shape[0] * shape[1] * shape[2], c);
    call.require(s.positions > 0, "needs a position");
    call.run(
        () -> {
          long parts = call.workspace(s.sumBytes());
          sums(from, parts, s);
          statistics(from, parts, means, deviations, s, eps);
          forward(from, scale, shift, means, deviations, added, to, s, relu);
        });
  }

  /** {@link NormOps#batchNormBackward}. */
  void backward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    CudaCall call = context.call("batchNormBackward");
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    long c = shape[3];
    long gradient = call.in("dy", dy, shape);
    long scale = call.in("gamma", gamma, c);
    long means = call.in("mean", mean, c);
    long deviations = call.in("invStd", invStd, c);
    long to = call.out("dx", dx, shape);
    long toGamma = call.out("dgamma", dgamma, c);
    long toBeta = call.out("dbeta", dbeta, c);
    Sizes s = new Sizes(shape[0] * shape[1] * shape[2], c);
    call.require(s.positions > 0, "needs a position");
    call.run(
        () -> {
          long parts = call.workspace(s.sumBytes());
          long shares = call.workspace(2 * c * Float.BYTES);
          gradientSums(from, gradient, means, deviations, parts, s);
          gradients(parts, toGamma, toBeta, shares, s);
          backward(from, gradient, scale, means, deviations, shares, to, s);
        });
  }

  /** {@link NormOps#batchNormUpdate}. */
  void update(
      Tensor mean,
      Tensor invStd,
      float eps,
      long count,
      float momentum,
      Tensor runningMean,
      Tensor runningVar) {
    CudaCall call = context.call("batchNormUpdate");
    long means = call.in("mean", mean, CudaCall.ANY);
    long c = mean.shape().size(0);
    long deviations = call.in("invStd", invStd, c);
    long toMean = call.out("runningMean", runningMean, c);
    long toVar = call.out("runningVar", runningVar, c);
    call.require(count > 1, "needs more than " + count + " positions for a variance");
    call.run(() -> update(means, deviations, toMean, toVar, c, count, eps, momentum));
  }
}
