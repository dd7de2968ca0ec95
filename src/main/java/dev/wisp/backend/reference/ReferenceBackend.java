package dev.wisp.backend.reference;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.PamrOptions;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The SPI computed by the float64 reference in Java arrays: slow, without native code, and the
 * judge of other backends. Runs on the caller's thread.
 */
public final class ReferenceBackend extends ReferenceMemory {
  private final ConvolutionReference convolution;
  private final NormReference norm;
  private final ResizeReference resize;
  private final PointwiseReference pointwise;
  private final MapReference map;
  private final SeedReference seed;
  private final PamrReference pamr;
  private final OptimizerReference optimizer;

  /** Computes in float64 and rounds what an operation returns to float32. */
  public ReferenceBackend() {
    this(Rounding.results());
  }

  /** A backend of another rounding. */
  public ReferenceBackend(Rounding rounding) {
    super(rounding);
    convolution = new ConvolutionReference(rounding);
    norm = new NormReference(rounding);
    resize = new ResizeReference(rounding);
    pointwise = new PointwiseReference(rounding);
    map = new MapReference(rounding);
    seed = new SeedReference(rounding);
    pamr = new PamrReference(rounding);
    optimizer = new OptimizerReference(rounding);
  }

  /** Keeps float64 in tensors too: for finite differences and chains of operations. */
  public static ReferenceBackend exact() {
    return new ReferenceBackend(Rounding.none());
  }

  @Override
  public String name() {
    return "reference";
  }

  @Override
  public String describe() {
    return "reference: plain Java, float64, one thread";
  }

  private static final class Weights implements ConvWeights {
    final ConvSpec spec;
    double @Nullable [] values;

    Weights(ConvSpec spec) {
      this.spec = spec;
    }

    @Override
    public ConvSpec spec() {
      return spec;
    }

    @Override
    public void close() {
      values = null;
    }
  }

  private static double[] values(String operation, ConvWeights weights) {
    double[] values = ((Weights) weights).values;
    if (values == null) {
      throw new IllegalStateException(operation + ": no weights loaded, or closed");
    }
    return values;
  }

  @Override
  public ConvWeights convWeights(ConvSpec spec) {
    return new Weights(spec);
  }

  @Override
  public void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    ConvSpec spec = target.spec();
    double[] values = new double[Math.toIntExact(spec.weights())];
    convolution.loadWeights(
        spec,
        f32("loadWeights", "weight", weight, weightShape(spec)),
        f32OrNull("loadWeights", "scale", scale, spec.outChannels()),
        values);
    ((Weights) target).values = values;
  }

  private static long[] weightShape(ConvSpec spec) {
    return new long[] {spec.outChannels(), spec.inChannels(), spec.kernel(), spec.kernel()};
  }

  private static long[] outShape(ConvSpec spec, int[] x) {
    return new long[] {x[0], spec.outSize(x[1]), spec.outSize(x[2]), spec.outChannels()};
  }

  @Override
  public void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    String op = "convForward";
    ConvSpec spec = weights.spec();
    int[] in = sizes(op, "x", x, 4);
    require(in[3] == spec.inChannels(), op, "x is %s for %s", x, spec);
    double[] out = f32(op, "y", y, outShape(spec, in));
    convolution.convForward(
        spec,
        values(op, weights),
        f32(op, "x", x, x.shape().elements()),
        in[0],
        in[1],
        in[2],
        f32OrNull(op, "bias", bias, spec.outChannels()),
        f32OrNull(op, "residual", residual, outShape(spec, in)),
        relu,
        out);
    rounding.results(out);
  }

  @Override
  public void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    String op = "convBackwardData";
    ConvSpec spec = weights.spec();
    int[] in = sizes(op, "dx", dx, 4);
    require(in[3] == spec.inChannels(), op, "dx is %s for %s", dx, spec);
    double[] out = f32(op, "dx", dx, dx.shape().elements());
    convolution.convBackwardData(
        spec, values(op, weights), f32(op, "dy", dy, outShape(spec, in)), in[0], in[1], in[2], out);
    rounding.results(out);
  }

  @Override
  public void convBackwardWeights(
      ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    String op = "convBackwardWeights";
    int[] in = sizes(op, "x", x, 4);
    require(in[3] == spec.inChannels(), op, "x is %s for %s", x, spec);
    double[] weights = f32(op, "dw", dw, weightShape(spec));
    double[] bias = f32OrNull(op, "db", db, spec.outChannels());
    convolution.convBackwardWeights(
        spec,
        f32(op, "x", x, x.shape().elements()),
        f32(op, "dy", dy, outShape(spec, in)),
        in[0],
        in[1],
        in[2],
        weights,
        bias);
    rounding.results(weights);
    if (bias != null) {
      rounding.results(bias);
    }
  }

  @Override
  public void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    String op = "foldNorm";
    long c = gamma.shape().elements();
    double[] scales = f32(op, "scale", scale, c);
    double[] biases = f32(op, "bias", bias, c);
    convolution.foldNorm(
        f32(op, "gamma", gamma, c),
        f32(op, "beta", beta, c),
        f32(op, "mean", mean, c),
        f32(op, "var", var, c),
        eps,
        scales,
        biases);
    rounding.results(scales);
    rounding.results(biases);
  }

  @Override
  public void foldNormBackward(
      Tensor dwFolded,
      Tensor weight,
      Tensor db,
      Tensor gamma,
      Tensor mean,
      Tensor var,
      float eps,
      Tensor dw,
      Tensor dgamma) {
    String op = "foldNormBackward";
    long[] shape = weight.shape().toArray();
    require(shape.length == 4, op, "weight is %s", weight);
    double[] weights = f32(op, "dw", dw, shape);
    double[] gammas = f32(op, "dgamma", dgamma, shape[0]);
    convolution.foldNormBackward(
        f32(op, "dwFolded", dwFolded, shape),
        f32(op, "weight", weight, shape),
        f32(op, "db", db, shape[0]),
        f32(op, "gamma", gamma, shape[0]),
        f32(op, "mean", mean, shape[0]),
        f32(op, "var", var, shape[0]),
        eps,
        weights,
        gammas);
    rounding.results(weights);
    rounding.results(gammas);
  }

  @Override
  public void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    String op = "maxPool";
    int[] in = sizes(op, "x", x, 4);
    long[] shape = pooledShape(in);
    convolution.maxPool(
        f32(op, "x", x, x.shape().elements()),
        in[0],
        in[1],
        in[2],
        in[3],
        f32(op, "y", y, shape),
        index == null ? null : i32(op, "index", index, shape));
  }

  private static long[] pooledShape(int[] in) {
    return new long[] {
      in[0], ConvolutionReference.pooled(in[1]), ConvolutionReference.pooled(in[2]), in[3]
    };
  }

  @Override
  public void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    String op = "maxPoolBackward";
    int[] in = sizes(op, "dx", dx, 4);
    long[] shape = pooledShape(in);
    double[] out = f32(op, "dx", dx, dx.shape().elements());
    convolution.maxPoolBackward(
        f32(op, "dy", dy, shape), i32(op, "index", index, shape), in[0], in[1], in[2], in[3], out);
    rounding.results(out);
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
    int c = sizes(op, "x", x, 4)[3];
    double[] out = f32(op, "y", y, x.shape().toArray());
    double[] means = f32(op, "mean", mean, c);
    double[] inverse = f32(op, "invStd", invStd, c);
    norm.batchNormForward(
        f32(op, "x", x, x.shape().elements()),
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
    int c = sizes(op, "x", x, 4)[3];
    double[] out = f32(op, "dx", dx, x.shape().toArray());
    double[] gammas = f32(op, "dgamma", dgamma, c);
    double[] betas = f32(op, "dbeta", dbeta, c);
    norm.batchNormBackward(
        f32(op, "x", x, x.shape().elements()),
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
    long c = mean.shape().elements();
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
    norm.l2Normalize(f32(op, "x", x, x.shape().elements()), in[3], eps, out, lengths);
    rounding.results(out);
    rounding.results(lengths);
  }

  @Override
  public void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx) {
    String op = "l2NormalizeBackward";
    int[] in = sizes(op, "x", x, 4);
    double[] out = f32(op, "dx", dx, x.shape().toArray());
    norm.l2NormalizeBackward(
        f32(op, "x", x, x.shape().elements()),
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
    double[] out = f32(op, "target", target, target.shape().elements());
    resize.resizeBilinear(
        f32(op, "source", source, source.shape().elements()),
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
        source[0] == target[0] && channelOffset >= 0 && channelOffset + source[3] <= target[3],
        op,
        "%s into %s at channel %d",
        Arrays.toString(source),
        Arrays.toString(target),
        channelOffset);
  }

  @Override
  public void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners) {
    String op = "resizeBilinearBackward";
    int[] s = sizes(op, "dSource", dSource, 4);
    int[] t = sizes(op, "dTarget", dTarget, 4);
    requireResize(op, s, t, channelOffset);
    double[] out = f32(op, "dSource", dSource, dSource.shape().elements());
    resize.resizeBilinearBackward(
        f32(op, "dTarget", dTarget, dTarget.shape().elements()),
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
    Arrays.fill(f32("fill", "target", target, target.shape().elements()), value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    long count = source.shape().elements();
    if (source.type() == DType.I32) {
      int[] from = i32("copy", "source", source, count);
      System.arraycopy(from, 0, i32("copy", "target", target, count), 0, from.length);
    } else {
      double[] from = f32("copy", "source", source, count);
      System.arraycopy(from, 0, f32("copy", "target", target, count), 0, from.length);
    }
  }

  @Override
  public void addScaled(float factor, Tensor source, Tensor target) {
    long count = source.shape().elements();
    double[] out = f32("addScaled", "target", target, count);
    pointwise.addScaled(factor, f32("addScaled", "source", source, count), out);
    rounding.results(out);
  }

  @Override
  public void relu(Tensor x, Tensor out) {
    pointwise.relu(
        f32("relu", "x", x, x.shape().elements()), f32("relu", "out", out, x.shape().toArray()));
  }

  @Override
  public void reluBackward(Tensor y, Tensor dy, @Nullable Tensor extra, Tensor dx) {
    String op = "reluBackward";
    long[] shape = y.shape().toArray();
    double[] out = f32(op, "dx", dx, shape);
    pointwise.reluBackward(
        f32(op, "y", y, shape),
        f32(op, "dy", dy, shape),
        f32OrNull(op, "extra", extra, shape),
        out);
    rounding.results(out);
  }

  @Override
  public void addMirrored(Tensor mirrored, Tensor target) {
    String op = "addMirrored";
    int[] s = sizes(op, "target", target, 4);
    double[] sum = f32(op, "target", target, target.shape().elements());
    pointwise.addMirrored(f32(op, "mirrored", mirrored, target.shape().toArray()), s[2], s[3], sum);
    rounding.results(sum);
  }

  @Override
  public void denormalize(Tensor x, float[] mean, float[] std, Tensor out) {
    String op = "denormalize";
    int[] s = sizes(op, "x", x, 4);
    require(s[3] == 3 && mean.length == 3 && std.length == 3, op, "x is %s, not 3 channels", x);
    pointwise.denormalize(
        f32(op, "x", x, x.shape().elements()), mean, std, f32(op, "out", out, x.shape().toArray()));
  }

  @Override
  public void spatialMean(Tensor x, Tensor out) {
    String op = "spatialMean";
    int[] s = sizes(op, "x", x, 4);
    double[] means = f32(op, "out", out, s[0], s[3]);
    pointwise.spatialMean(f32(op, "x", x, x.shape().elements()), s[0], s[1] * s[2], s[3], means);
    rounding.results(means);
  }

  @Override
  public void spatialMeanBackward(Tensor dOut, Tensor dx) {
    String op = "spatialMeanBackward";
    int[] s = sizes(op, "dx", dx, 4);
    double[] out = f32(op, "dx", dx, dx.shape().elements());
    pointwise.spatialMeanBackward(f32(op, "dOut", dOut, s[0], s[3]), s[0], s[1] * s[2], s[3], out);
    rounding.results(out);
  }

  @Override
  public void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    String op = "softMarginLoss";
    long[] shape = score.shape().toArray();
    require(shape.length == 2, op, "score is %s", score);
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

  /** Sizes of maps that must have one row for each row of the class list. */
  private static int[] maps(String op, String name, Tensor maps, ClassRows classes) {
    int[] s = sizes(op, name, maps, 3);
    require(s[0] == classes.rows(), op, "%s is %s for %s", name, maps, classes);
    return s;
  }

  /** Sizes of a feature or cam tensor that must have the class list's number of images. */
  private static int[] images(String op, String name, Tensor tensor, ClassRows classes) {
    int[] s = sizes(op, name, tensor, 4);
    require(s[0] == classes.images(), op, "%s is %s for %s", name, tensor, classes);
    return s;
  }

  @Override
  public void camToMaps(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor maps,
      Tensor peak,
      Tensor winner) {
    String op = "camToMaps";
    int[] s = images(op, "cam", cam, classes);
    require(s[3] + 1 == classes.total(), op, "cam is %s for %s", cam, classes);
    double[] out = f32(op, "maps", maps, classes.rows(), s[1], s[2]);
    map.camToMaps(
        f32(op, "cam", cam, cam.shape().elements()),
        s[3],
        f32OrNull(op, "valid", valid, s[0], s[1], s[2]),
        classes,
        eps,
        out,
        i32(op, "peak", peak, s[0], s[3]),
        i32(op, "winner", winner, s[0], s[1], s[2]));
    rounding.results(out);
  }

  @Override
  public void camToMapsBackward(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor peak,
      Tensor winner,
      Tensor dMaps,
      Tensor dCam) {
    String op = "camToMapsBackward";
    int[] s = images(op, "cam", cam, classes);
    require(s[3] + 1 == classes.total(), op, "cam is %s for %s", cam, classes);
    double[] out = f32(op, "dCam", dCam, cam.shape().toArray());
    map.camToMapsBackward(
        f32(op, "cam", cam, cam.shape().elements()),
        s[3],
        f32OrNull(op, "valid", valid, s[0], s[1], s[2]),
        classes,
        eps,
        i32(op, "peak", peak, s[0], s[3]),
        i32(op, "winner", winner, s[0], s[1], s[2]),
        f32(op, "dMaps", dMaps, classes.rows(), s[1], s[2]),
        out);
    rounding.results(out);
  }

  @Override
  public void normalizeMaps(Tensor maps, Normalization mode, float eps, Tensor out, Tensor peak) {
    String op = "normalizeMaps";
    int[] s = sizes(op, "maps", maps, 3);
    double[] result = f32(op, "out", out, maps.shape().toArray());
    map.normalizeMaps(
        f32(op, "maps", maps, maps.shape().elements()),
        s[0],
        mode,
        eps,
        result,
        i32(op, "peak", peak, s[0], 2));
    rounding.results(result);
  }

  @Override
  public void normalizeMapsBackward(
      Tensor maps, Normalization mode, float eps, Tensor peak, Tensor dOut, Tensor dMaps) {
    String op = "normalizeMapsBackward";
    int[] s = sizes(op, "maps", maps, 3);
    double[] result = f32(op, "dMaps", dMaps, maps.shape().toArray());
    map.normalizeMapsBackward(
        f32(op, "maps", maps, maps.shape().elements()),
        s[0],
        mode,
        eps,
        i32(op, "peak", peak, s[0], 2),
        f32(op, "dOut", dOut, maps.shape().toArray()),
        result);
    rounding.results(result);
  }

  @Override
  public void argmaxMaps(Tensor maps, ClassRows classes, float backgroundFactor, Tensor seeds) {
    String op = "argmaxMaps";
    int[] s = maps(op, "maps", maps, classes);
    map.argmaxMaps(
        f32(op, "maps", maps, maps.shape().elements()),
        classes,
        backgroundFactor,
        i32(op, "seeds", seeds, classes.images(), s[1], s[2]));
  }

  @Override
  public void structureSeeds(
      Tensor feature,
      Tensor maps,
      ClassRows classes,
      ClassRows present,
      @Nullable Tensor valid,
      float eps,
      Tensor seeds,
      @Nullable Tensor iou) {
    String op = "structureSeeds";
    int[] s = images(op, "feature", feature, classes);
    require(present.images() == s[0], op, "%s for %s", present, classes);
    double[] ratios = f32OrNull(op, "iou", iou, classes.rows(), s[1], s[2]);
    seed.structureSeeds(
        f32(op, "feature", feature, feature.shape().elements()),
        s[3],
        f32(op, "maps", maps, classes.rows(), s[1], s[2]),
        classes,
        present,
        f32OrNull(op, "valid", valid, s[0], s[1], s[2]),
        eps,
        i32(op, "seeds", seeds, s[0], s[1], s[2]),
        ratios);
    if (ratios != null) {
      rounding.results(ratios);
    }
  }

  @Override
  public void prototypes(Tensor feature, Tensor seeds, ClassRows classes, Tensor prototypes) {
    String op = "prototypes";
    int[] s = images(op, "feature", feature, classes);
    double[] out = f32(op, "prototypes", prototypes, classes.rows(), s[3]);
    seed.prototypes(
        f32(op, "feature", feature, feature.shape().elements()),
        s[3],
        i32(op, "seeds", seeds, s[0], s[1], s[2]),
        classes,
        out);
    rounding.results(out);
  }

  @Override
  public void prototypesBackward(
      Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature) {
    String op = "prototypesBackward";
    int[] s = images(op, "dFeature", dFeature, classes);
    double[] out = f32(op, "dFeature", dFeature, dFeature.shape().elements());
    seed.prototypesBackward(
        f32(op, "dPrototypes", dPrototypes, classes.rows(), s[3]),
        s[3],
        i32(op, "seeds", seeds, s[0], s[1], s[2]),
        classes,
        out);
    rounding.results(out);
  }

  @Override
  public void reactivate(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps) {
    String op = "reactivate";
    int[] s = images(op, "feature", feature, classes);
    double[] out = f32(op, "maps", maps, classes.rows(), s[1], s[2]);
    double[] featureLengths = f32(op, "featureNorms", featureNorms, s[0], s[1], s[2]);
    double[] prototypeLengths = f32(op, "prototypeNorms", prototypeNorms, classes.rows());
    seed.reactivate(
        f32(op, "feature", feature, feature.shape().elements()),
        s[3],
        f32(op, "prototypes", prototypes, classes.rows(), s[3]),
        classes,
        featureLengths,
        prototypeLengths,
        out);
    rounding.results(out);
    rounding.results(featureLengths);
    rounding.results(prototypeLengths);
  }

  @Override
  public void reactivateBackward(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps,
      Tensor dMaps,
      Tensor dFeature,
      Tensor dPrototypes) {
    String op = "reactivateBackward";
    int[] s = images(op, "feature", feature, classes);
    double[] features = f32(op, "dFeature", dFeature, feature.shape().toArray());
    double[] rows = f32(op, "dPrototypes", dPrototypes, classes.rows(), s[3]);
    seed.reactivateBackward(
        f32(op, "feature", feature, feature.shape().elements()),
        s[3],
        f32(op, "prototypes", prototypes, classes.rows(), s[3]),
        classes,
        f32(op, "featureNorms", featureNorms, s[0], s[1], s[2]),
        f32(op, "prototypeNorms", prototypeNorms, classes.rows()),
        f32(op, "maps", maps, classes.rows(), s[1], s[2]),
        f32(op, "dMaps", dMaps, classes.rows(), s[1], s[2]),
        features,
        rows);
    rounding.results(features);
    rounding.results(rows);
  }

  @Override
  public void pamrAffinity(
      Tensor guide,
      PamrOptions options,
      Tensor affinity,
      @Nullable Tensor std,
      @Nullable Tensor logit) {
    String op = "pamrAffinity";
    int[] s = sizes(op, "guide", guide, 4);
    long[] shape = {s[0], options.neighbours(), s[1], s[2]};
    double[] out = f32(op, "affinity", affinity, shape);
    double[] deviations = f32OrNull(op, "std", std, s[0], s[3], s[1], s[2]);
    double[] logits = f32OrNull(op, "logit", logit, shape);
    pamr.pamrAffinity(
        f32(op, "guide", guide, guide.shape().elements()),
        s[0],
        s[1],
        s[2],
        s[3],
        options,
        out,
        deviations,
        logits);
    rounding.results(out);
    if (deviations != null) {
      rounding.results(deviations);
    }
    if (logits != null) {
      rounding.results(logits);
    }
  }

  @Override
  public void pamrSteps(
      Tensor affinity, Tensor maps, ClassRows classes, PamrOptions options, Tensor out) {
    String op = "pamrSteps";
    int[] s = maps(op, "maps", maps, classes);
    double[] result = f32(op, "out", out, maps.shape().toArray());
    pamr.pamrSteps(
        f32(op, "affinity", affinity, classes.images(), options.neighbours(), s[1], s[2]),
        s[1],
        s[2],
        f32(op, "maps", maps, maps.shape().elements()),
        classes,
        options,
        result);
    rounding.results(result);
  }

  @Override
  public void gradientNorm(List<Tensor> gradients, Tensor norm) {
    List<double[]> arrays = new ArrayList<>();
    for (Tensor gradient : gradients) {
      arrays.add(f32("gradientNorm", "gradient", gradient, gradient.shape().elements()));
    }
    double[] out = f32("gradientNorm", "norm", norm, 1);
    out[0] = optimizer.gradientNorm(arrays);
    rounding.results(out);
  }

  @Override
  public void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first) {
    String op = "sgdStep";
    double length = f32(op, "norm", norm, 1)[0];
    for (SgdSlot slot : slots) {
      long[] shape = slot.weight().shape().toArray();
      double[] weight = f32(op, "weight", slot.weight(), shape);
      double[] velocity = f32OrNull(op, "momentum", slot.momentum(), shape);
      require(velocity != null || momentum == 0, op, "momentum %s needs a velocity", momentum);
      optimizer.sgdStep(
          weight,
          f32(op, "gradient", slot.gradient(), shape),
          velocity,
          slot.learningRate(),
          length,
          maxNorm,
          weightDecay,
          momentum,
          first);
      rounding.results(weight);
      if (velocity != null) {
        rounding.results(velocity);
      }
    }
  }
}
