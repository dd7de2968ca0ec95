package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f64;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PointwiseOps;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Means over positions and losses of {@link PointwiseOps}, {@code cuda/reductions.cu}. */
final class CudaReductions {
  private static final String FILE = "reductions";
  private static final int THREADS = 256;

  /** Channels and positions of a block of spatial_mean. */
  private static final int LANES = 32;

  private static final int ROWS = 16;

  /** Elements of a piece of mean_absolute_difference. */
  private static final int PIECE = 4096;

  private final CudaContext context;
  private final CudaKernel spatialMean;
  private final CudaKernel spatialMeanBackward;
  private final CudaKernel softMarginLoss;
  private final CudaKernel meanAbsoluteDifferenceSums;
  private final CudaKernel meanAbsoluteDifference;

  CudaReductions(CudaContext context) {
    this.context = context;
    spatialMean =
        context.judged(
            FILE,
            "wisp_spatial_mean",
            pointer("x"),
            pointer("out"),
            i64("n"),
            i64("positions"),
            i64("c"));
    spatialMeanBackward =
        context.kernel(
            FILE,
            "wisp_spatial_mean_backward",
            pointer("d_out"),
            pointer("dx"),
            i64("n"),
            i64("positions"),
            i64("c"));
    softMarginLoss =
        context.judged(
            FILE,
            "wisp_soft_margin_loss",
            pointer("score"),
            pointer("label"),
            pointer("loss"),
            pointer("d_score"),
            i64("elements"));
    meanAbsoluteDifferenceSums =
        context.judged(
            FILE,
            "wisp_mean_absolute_difference_sums",
            pointer("a"),
            pointer("b"),
            pointer("da"),
            pointer("sums"),
            i64("elements"),
            f64("divisor"));
    meanAbsoluteDifference =
        context.judged(
            FILE,
            "wisp_mean_absolute_difference",
            pointer("sums"),
            pointer("loss"),
            i64("count"),
            f64("divisor"));
  }

  private void spatialMean(long x, long out, long n, long positions, long c) {
    spatialMean.pointer(x).pointer(out).i64(n).i64(positions).i64(c);
    if (context.naive()) {
      spatialMean.launchOver(n * c, THREADS);
    } else {
      spatialMean.launch(n * Math.ceilDiv(c, LANES), 1, 1, LANES, ROWS, 0);
    }
  }

  private void spatialMeanBackward(long dOut, long dx, long n, long positions, long c) {
    spatialMeanBackward
        .pointer(dOut)
        .pointer(dx)
        .i64(n)
        .i64(positions)
        .i64(c)
        .launchOver(n * positions * c, THREADS);
  }

  private void softMarginLoss(long score, long label, long loss, long dScore, long elements) {
    softMarginLoss
        .pointer(score)
        .pointer(label)
        .pointer(loss)
        .pointer(dScore)
        .i64(elements)
        .launch(1, context.naive() ? 1 : THREADS, 0);
  }

  private void meanAbsoluteDifferenceSums(
      long a, long b, long da, long sums, long elements, double divisor) {
    long pieces = Math.ceilDiv(elements, PIECE);
    meanAbsoluteDifferenceSums
        .pointer(a)
        .pointer(b)
        .pointer(da)
        .pointer(sums)
        .i64(elements)
        .f64(divisor)
        .launch(context.naive() ? Math.ceilDiv(pieces, THREADS) : pieces, THREADS, 0);
  }

  private void meanAbsoluteDifference(long sums, long loss, long count, double divisor) {
    meanAbsoluteDifference
        .pointer(sums)
        .pointer(loss)
        .i64(count)
        .f64(divisor)
        .launch(1, context.naive() ? 1 : THREADS, 0);
  }

  /** {@link PointwiseOps#spatialMean}. */
  void spatialMean(Tensor x, Tensor out) {
    CudaCall call = context.call("spatialMean");
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long n = x.shape().size(0);
    long positions = x.shape().size(1) * x.shape().size(2);
    long c = x.shape().size(3);
    long to = call.out("out", out, n, c);
    call.require(positions > 0, "needs a position");
    call.run(() -> spatialMean(from, to, n, positions, c));
  }

  /** {@link PointwiseOps#spatialMeanBackward}. */
  void spatialMeanBackward(Tensor dOut, Tensor dx) {
    CudaCall call = context.call("spatialMeanBackward");
    long to = call.out("dx", dx, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long n = dx.shape().size(0);
    long positions = dx.shape().size(1) * dx.shape().size(2);
    long c = dx.shape().size(3);
    long from = call.in("dOut", dOut, n, c);
    call.run(() -> spatialMeanBackward(from, to, n, positions, c));
  }

  /** {@link PointwiseOps#softMarginLoss}. */
  void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    CudaCall call = context.call("softMarginLoss");
    long scores = call.in("score", score, CudaCall.ANY, CudaCall.ANY);
    long[] shape = score.shape().toArray();
    long labels = call.in("label", label, shape);
    long result = call.out("loss", loss, 1);
    long gradient = call.outOrNull("dScore", dScore, shape);
    long elements = score.shape().elements();
    call.require(elements > 0, "needs a score");
    call.run(() -> softMarginLoss(scores, labels, result, gradient, elements));
  }

  /** {@link PointwiseOps#meanAbsoluteDifference}. */
  void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA) {
    CudaCall call = context.call("meanAbsoluteDifference");
    long first = call.in("a", a, classes.rows(), CudaCall.ANY, CudaCall.ANY);
    long[] shape = a.shape().toArray();
    long second = call.in("b", b, shape);
    long result = call.out("loss", loss, 1);
    long gradient = call.outOrNull("dA", dA, shape);
    long elements = a.shape().elements();
    double divisor = (double) classes.images() * classes.total() * shape[1] * shape[2];
    call.require(divisor > 0, "needs an image and a position");
    call.run(
        () -> {
          long pieces = Math.ceilDiv(elements, PIECE);
          long sums = call.workspace(pieces * Double.BYTES);
          meanAbsoluteDifferenceSums(first, second, gradient, sums, elements, divisor);
          meanAbsoluteDifference(sums, result, pieces, divisor);
        });
  }
}
