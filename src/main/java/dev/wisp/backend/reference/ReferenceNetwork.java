package dev.wisp.backend.reference;

import static dev.wisp.backend.support.Operands.real;

import dev.wisp.backend.ClassRows;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What networks need beside convolutions: norms, resizing, pointwise operations and losses. */
abstract class ReferenceNetwork extends ReferenceConvolution {
  private final NormReference norm;
  private final ResizeReference resize;
  private final PointwiseReference pointwise;

  ReferenceNetwork(Rounding rounding) {
    super(rounding);
    norm = new NormReference(rounding);
    resize = new ResizeReference(rounding);
    pointwise = new PointwiseReference(rounding);
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
    String op = "batchNormForward";
    int[] s = sizes(op, "x", x, 4);
    int c = s[3];
    require(s[0] * s[1] * s[2] > 0, op, "x %s has no position", x);
    double[] out = f32(op, "y", y, x.shape().toArray());
    double[] means = f32(op, "mean", mean, c);
    double[] inverse = f32(op, "invStd", invStd, c);
    norm.batchNormForward(
        f32(op, "x", x),
        c,
        f32(op, "gamma", gamma, c),
        f32(op, "beta", beta, c),
        eps,
        f32OrNull(op, "residual", residual, x.shape().toArray()),
        relu,
        out,
        means,
        inverse);
    rounding.results(out);
    rounding.results(means);
    rounding.results(inverse);
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
    String op = "batchNormBackward";
    int[] s = sizes(op, "x", x, 4);
    int c = s[3];
    require(s[0] * s[1] * s[2] > 0, op, "x %s has no position", x);
    double[] out = f32(op, "dx", dx, x.shape().toArray());
    double[] gammas = f32(op, "dgamma", dgamma, c);
    double[] betas = f32(op, "dbeta", dbeta, c);
    norm.batchNormBackward(
        f32(op, "x", x),
        f32(op, "dy", dy, x.shape().toArray()),
        c,
        f32(op, "gamma", gamma, c),
        f32(op, "mean", mean, c),
        f32(op, "invStd", invStd, c),
        out,
        gammas,
        betas);
    rounding.results(out);
    rounding.results(gammas);
    rounding.results(betas);
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
    String op = "batchNormUpdate";
    long c = sizes(op, "mean", mean, 1)[0];
    double[] means = f32(op, "runningMean", runningMean, c);
    double[] vars = f32(op, "runningVar", runningVar, c);
    require(count > 1, op, "count must be at least 2: %d", count);
    norm.batchNormUpdate(
        f32(op, "mean", mean, c), f32(op, "invStd", invStd, c), eps, count, momentum, means, vars);
    rounding.results(means);
    rounding.results(vars);
  }

  @Override
  public void l2Normalize(Tensor x, float eps, Tensor y, Tensor norms) {
    String op = "l2Normalize";
    int[] in = sizes(op, "x", x, 4);
    double[] out = f32(op, "y", y, x.shape().toArray());
    double[] lengths = f32(op, "norms", norms, in[0], in[1], in[2]);
    norm.l2Normalize(f32(op, "x", x), in[3], eps, out, lengths);
    rounding.results(out);
    rounding.results(lengths);
  }

  @Override
  public void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx) {
    String op = "l2NormalizeBackward";
    int[] in = sizes(op, "x", x, 4);
    double[] out = f32(op, "dx", dx, x.shape().toArray());
    norm.l2NormalizeBackward(
        f32(op, "x", x),
        in[3],
        f32(op, "norms", norms, in[0], in[1], in[2]),
        f32(op, "dy", dy, x.shape().toArray()),
        eps,
        out);
    rounding.results(out);
  }

  @Override
  public void resizeBilinear(
      Tensor source, Tensor target, int channelOffset, boolean alignCorners) {
    String op = "resizeBilinear";
    int[] s = sizes(op, "source", source, 4);
    int[] t = sizes(op, "target", target, 4);
    requireResize(op, s, t, channelOffset);
    double[] out = f32(op, "target", target);
    resize.resizeBilinear(
        f32(op, "source", source),
        s[0],
        s[1],
        s[2],
        s[3],
        out,
        t[1],
        t[2],
        t[3],
        channelOffset,
        alignCorners);
    rounding.results(out);
  }

  private static void requireResize(String op, int[] source, int[] target, int channelOffset) {
    require(
        source[0] == target[0] && channelOffset >= 0 && channelOffset <= target[3] - source[3],
        op,
        "%s into %s at channel %d",
        Arrays.toString(source),
        Arrays.toString(target),
        channelOffset);
    require(
        source[0] == 0
            || Math.min(Math.min(source[1], source[2]), source[3]) > 0
                && Math.min(target[1], target[2]) > 0,
        op,
        "%s into %s has no pixel",
        Arrays.toString(source),
        Arrays.toString(target));
  }

  @Override
  public void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners) {
    String op = "resizeBilinearBackward";
    int[] s = sizes(op, "dSource", dSource, 4);
    int[] t = sizes(op, "dTarget", dTarget, 4);
    requireResize(op, s, t, channelOffset);
    double[] out = f32(op, "dSource", dSource);
    resize.resizeBilinearBackward(
        f32(op, "dTarget", dTarget),
        t[1],
        t[2],
        t[3],
        channelOffset,
        out,
        s[0],
        s[1],
        s[2],
        s[3],
        alignCorners);
    rounding.results(out);
  }

  @Override
  public void fill(Tensor target, float value) {
    Arrays.fill(f32("fill", "target", target), value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    if (source.type() == DType.I32) {
      int[] from = i32("copy", "source", source);
      int[] to = i32("copy", "target", target);
      requireCount("copy", "target", target, from.length);
      System.arraycopy(from, 0, to, 0, from.length);
    } else {
      double[] from = f32("copy", "source", source);
      double[] to = f32("copy", "target", target);
      requireCount("copy", "target", target, from.length);
      System.arraycopy(from, 0, to, 0, from.length);
    }
  }

  @Override
  public void convert(Tensor source, Tensor target) {
    String op = "convert";
    DType type = real(source);
    double[] from = floats(op, type, "source", source);
    DType other = type == DType.F16 ? DType.F32 : DType.F16;
    double[] to = floats(op, other, "target", target, source.shape().toArray());
    System.arraycopy(from, 0, to, 0, from.length);
    if (other == DType.F16) {
      Rounding.toHalf(to);
    }
  }

  @Override
  public void addScaled(float factor, Tensor source, Tensor target) {
    DType type = real(target);
    double[] out = floats("addScaled", type, "target", target);
    requireCount("addScaled", "source", source, out.length);
    pointwise.addScaled(factor, floats("addScaled", type, "source", source), out);
    rounding.results(type, out);
  }

  @Override
  public void scale(Tensor x, Tensor factor) {
    double[] values = f32("scale", "x", x);
    double[] factors = f32("scale", "factor", factor);
    require(factors.length > 0, "scale", "factor %s has no element", factor);
    pointwise.scale(values, factors[0]);
    rounding.results(values);
  }

  @Override
  public void relu(Tensor x, Tensor out) {
    pointwise.relu(f32("relu", "x", x), f32("relu", "out", out, x.shape().toArray()));
  }

  @Override
  public void reluBackward(Tensor y, Tensor dy, @Nullable Tensor extra, Tensor dx) {
    String op = "reluBackward";
    long[] shape = y.shape().toArray();
    DType type = real(y);
    double[] out = floats(op, type, "dx", dx, shape);
    pointwise.reluBackward(
        floats(op, type, "y", y, shape),
        floats(op, type, "dy", dy, shape),
        floatsOrNull(op, type, "extra", extra, shape),
        out);
    rounding.results(type, out);
  }

  @Override
  public void addMirrored(Tensor mirrored, Tensor target) {
    String op = "addMirrored";
    int[] s = sizes(op, "target", target, 4);
    double[] sum = f32(op, "target", target);
    pointwise.addMirrored(f32(op, "mirrored", mirrored, target.shape().toArray()), s[2], s[3], sum);
    rounding.results(sum);
  }

  @Override
  public void denormalize(Tensor x, float[] mean, float[] std, Tensor out) {
    String op = "denormalize";
    int[] s = sizes(op, "x", x, 4);
    require(s[3] == 3 && mean.length == 3 && std.length == 3, op, "x is %s, not 3 channels", x);
    pointwise.denormalize(f32(op, "x", x), mean, std, f32(op, "out", out, x.shape().toArray()));
  }

  @Override
  public void spatialMean(Tensor x, Tensor out) {
    String op = "spatialMean";
    int[] s = sizes(op, "x", x, 4);
    require(s[1] * s[2] > 0, op, "x %s has no position", x);
    double[] means = f32(op, "out", out, s[0], s[3]);
    pointwise.spatialMean(f32(op, "x", x), s[0], s[1] * s[2], s[3], means);
    rounding.results(means);
  }

  @Override
  public void spatialMeanBackward(Tensor dOut, Tensor dx) {
    String op = "spatialMeanBackward";
    int[] s = sizes(op, "dx", dx, 4);
    double[] out = f32(op, "dx", dx);
    pointwise.spatialMeanBackward(f32(op, "dOut", dOut, s[0], s[3]), s[0], s[1] * s[2], s[3], out);
    rounding.results(out);
  }

  @Override
  public void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    String op = "softMarginLoss";
    long[] shape = score.shape().toArray();
    require(shape.length == 2 && score.shape().elements() > 0, op, "score is %s", score);
    double[] gradient = f32OrNull(op, "dScore", dScore, shape);
    double[] out = f32(op, "loss", loss, 1);
    out[0] =
        pointwise.softMarginLoss(
            f32(op, "score", score, shape), f32(op, "label", label, shape), gradient);
    rounding.results(out);
    if (gradient != null) {
      rounding.results(gradient);
    }
  }

  @Override
  public void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA) {
    String op = "meanAbsoluteDifference";
    int[] s = maps(op, "a", a, classes);
    require(a.shape().elements() > 0, op, "a %s has no position", a);
    long[] shape = a.shape().toArray();
    double[] gradient = f32OrNull(op, "dA", dA, shape);
    double[] out = f32(op, "loss", loss, 1);
    out[0] =
        pointwise.meanAbsoluteDifference(
            f32(op, "a", a, shape), f32(op, "b", b, shape), classes, s[1] * s[2], gradient);
    rounding.results(out);
    if (gradient != null) {
      rounding.results(gradient);
    }
  }
}
