package dev.wisp.backend.reference;

import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** What IRN needs beside the rest: group norm, path losses, random walk. */
abstract class ReferenceIrn extends ReferenceSegmentation {
  private final GroupNormReference groupNorm;
  private final IrnReference irn;

  ReferenceIrn(Rounding rounding) {
    super(rounding);
    groupNorm = new GroupNormReference(rounding);
    irn = new IrnReference(rounding);
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
    String op = "groupNormForward";
    int[] s = sizes(op, "x", x, 4);
    int groups = groups(op, x, mean);
    double[] out = f32(op, "y", y, x.shape().toArray());
    double[] means = f32(op, "mean", mean, s[0], groups);
    double[] inverse = f32(op, "invStd", invStd, s[0], groups);
    groupNorm.groupNormForward(
        f32(op, "x", x),
        s[0],
        s[3],
        f32(op, "gamma", gamma, s[3]),
        f32(op, "beta", beta, s[3]),
        eps,
        relu,
        out,
        means,
        inverse);
    rounding.results(out);
    rounding.results(means);
    rounding.results(inverse);
  }

  private static int groups(String op, Tensor x, Tensor mean) {
    int groups = sizes(op, "mean", mean, 2)[1];
    require(x.shape().elements() > 0, op, "x %s has no position or channel", x);
    require(groups > 0 && x.shape().dim(3) % groups == 0, op, "x %s in groups of %s", x, mean);
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
    String op = "groupNormBackward";
    int[] s = sizes(op, "x", x, 4);
    int groups = groups(op, x, mean);
    double[] out = f32(op, "dx", dx, x.shape().toArray());
    double[] toGamma = f32(op, "dgamma", dgamma, s[3]);
    double[] toBeta = f32(op, "dbeta", dbeta, s[3]);
    groupNorm.groupNormBackward(
        f32(op, "x", x),
        f32(op, "dy", dy, x.shape().toArray()),
        s[0],
        s[3],
        f32(op, "gamma", gamma, s[3]),
        f32(op, "mean", mean, s[0], groups),
        f32(op, "invStd", invStd, s[0], groups),
        out,
        toGamma,
        toBeta);
    rounding.results(out);
    rounding.results(toGamma);
    rounding.results(toBeta);
  }

  @Override
  public void crop(Tensor source, Tensor target, int channelOffset) {
    String op = "crop";
    int[] from = sizes(op, "source", source, 4);
    int[] to = sizes(op, "target", target, 4);
    requireCorner(op, source, target, channelOffset);
    irn.crop(f32(op, "source", source), from, f32(op, "target", target), to, channelOffset);
  }

  @Override
  public void cropBackward(Tensor dTarget, int channelOffset, Tensor dSource) {
    String op = "cropBackward";
    int[] from = sizes(op, "dSource", dSource, 4);
    int[] to = sizes(op, "dTarget", dTarget, 4);
    requireCorner(op, dSource, dTarget, channelOffset);
    irn.cropBackward(
        f32(op, "dTarget", dTarget), to, channelOffset, f32(op, "dSource", dSource), from);
  }

  private static void requireCorner(String op, Tensor source, Tensor target, int offset) {
    int[] from = sizes(op, "source", source, 4);
    int[] to = sizes(op, "target", target, 4);
    require(
        from[0] == to[0]
            && to[1] <= from[1]
            && to[2] <= from[2]
            && offset >= 0
            && offset <= to[3] - from[3],
        op,
        "channels from %d on of %s are no corner of %s",
        offset,
        target,
        source);
  }

  @Override
  public void sigmoid(Tensor x, float scale, Tensor out) {
    double[] result = f32("sigmoid", "out", out, x.shape().toArray());
    irn.sigmoid(f32("sigmoid", "x", x), scale, result);
    rounding.results(result);
  }

  @Override
  public void sigmoidBackward(Tensor y, Tensor dy, float scale, Tensor dx) {
    String op = "sigmoidBackward";
    double[] result = f32(op, "dx", dx, y.shape().toArray());
    double[] gradient = f32(op, "dy", dy, y.shape().toArray());
    irn.sigmoidBackward(f32(op, "y", y), gradient, scale, result);
    rounding.results(result);
  }

  private static IrnReference.Pairs pairs(String op, Tensor label, PathIndex paths, int classes) {
    int[] s = sizes(op, "label", label, 3);
    return new IrnReference.Pairs(s[0], s[1], s[2], paths, classes);
  }

  @Override
  public void pairCounts(Tensor label, PathIndex paths, int classes, Tensor counts) {
    String op = "pairCounts";
    IrnReference.Pairs pairs = pairs(op, label, paths, classes);
    double[] result = f32(op, "counts", counts, pairs.n(), 3);
    irn.pairCounts(i32(op, "label", label), pairs, result);
    rounding.results(result);
  }

  @Override
  public void pathAffinityLoss(
      Tensor boundary,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dBoundary) {
    String op = "pathAffinityLoss";
    IrnReference.Pairs pairs = pairs(op, label, paths, classes);
    long[] shape = label.shape().toArray();
    require(weights.length == 3, op, "%d weights", weights.length);
    double[] sums = f32(op, "losses", losses, pairs.n(), 3);
    double[] gradient = f32OrNull(op, "dBoundary", dBoundary, shape);
    irn.pathAffinityLoss(
        f32(op, "boundary", boundary, shape),
        i32(op, "label", label),
        pairs,
        weights,
        sums,
        gradient);
    rounding.results(sums);
    if (gradient != null) {
      rounding.results(gradient);
    }
  }

  @Override
  public void displacementLoss(
      Tensor displacement,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dDisplacement) {
    String op = "displacementLoss";
    IrnReference.Pairs pairs = pairs(op, label, paths, classes);
    long[] shape = {pairs.n(), pairs.h(), pairs.w(), 2};
    require(weights.length == 2, op, "%d weights", weights.length);
    double[] sums = f32(op, "losses", losses, pairs.n(), 2);
    double[] gradient = f32OrNull(op, "dDisplacement", dDisplacement, shape);
    irn.displacementLoss(
        f32(op, "displacement", displacement, shape),
        i32(op, "label", label),
        pairs,
        weights,
        sums,
        gradient);
    rounding.results(sums);
    if (gradient != null) {
      rounding.results(gradient);
    }
  }

  @Override
  public void randomWalk(
      Tensor boundary, Tensor maps, PathIndex paths, float beta, int steps, Tensor out) {
    String op = "randomWalk";
    int[] s = sizes(op, "maps", maps, 3);
    double[] result = f32(op, "out", out, maps.shape().toArray());
    require(beta >= 0 && steps >= 0, op, "power %s, %d steps", beta, steps);
    irn.randomWalk(
        f32(op, "boundary", boundary, s[1], s[2]),
        f32(op, "maps", maps),
        s[1],
        s[2],
        paths,
        beta,
        steps,
        result);
    rounding.results(result);
  }
}
