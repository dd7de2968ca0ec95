package dev.wisp.backend.reference;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.CrfOptions;
import dev.wisp.backend.PamrOptions;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The SPI computed by the float64 reference in Java arrays: slow, without native code, and the
 * judge of other backends. Runs on the caller's thread.
 */
public final class ReferenceBackend extends ReferenceIrn {
  private final MapReference map;
  private final SeedReference seed;
  private final PamrReference pamr;
  private final CrfReference crf;
  private final OptimizerReference optimizer;

  /** Computes in float64 and rounds what an operation returns to float32. */
  public ReferenceBackend() {
    this(Rounding.results());
  }

  /** A backend of another rounding. */
  public ReferenceBackend(Rounding rounding) {
    super(rounding);
    map = new MapReference(rounding);
    seed = new SeedReference(rounding);
    pamr = new PamrReference(rounding);
    crf = new CrfReference(rounding);
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
    int[] s = cam(op, cam, classes);
    double[] out = f32(op, "maps", maps, classes.rows(), s[1], s[2]);
    map.camToMaps(
        f32(op, "cam", cam),
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
    int[] s = cam(op, cam, classes);
    double[] out = f32(op, "dCam", dCam, cam.shape().toArray());
    map.camToMapsBackward(
        f32(op, "cam", cam),
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

  private static int[] cam(String op, Tensor cam, ClassRows classes) {
    int[] s = images(op, "cam", cam, classes);
    require(s[3] + 1 == classes.total(), op, "cam is %s for %s", cam, classes);
    require(s[0] == 0 || s[1] * s[2] * s[3] > 0, op, "cam %s has no position or class", cam);
    return s;
  }

  private static int[] rows(String op, Tensor maps) {
    int[] s = sizes(op, "maps", maps, 3);
    require(s[0] == 0 || s[1] * s[2] > 0, op, "maps %s have no position", maps);
    return s;
  }

  @Override
  public void normalizeMaps(Tensor maps, Normalization mode, float eps, Tensor out, Tensor peak) {
    String op = "normalizeMaps";
    int[] s = rows(op, maps);
    double[] result = f32(op, "out", out, maps.shape().toArray());
    map.normalizeMaps(
        f32(op, "maps", maps), s[0], mode, eps, result, i32(op, "peak", peak, s[0], 2));
    rounding.results(result);
  }

  @Override
  public void normalizeMapsBackward(
      Tensor maps, Normalization mode, float eps, Tensor peak, Tensor dOut, Tensor dMaps) {
    String op = "normalizeMapsBackward";
    int[] s = rows(op, maps);
    double[] result = f32(op, "dMaps", dMaps, maps.shape().toArray());
    map.normalizeMapsBackward(
        f32(op, "maps", maps),
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
        f32(op, "maps", maps),
        classes,
        backgroundFactor,
        i32(op, "seeds", seeds, classes.images(), s[1], s[2]));
  }

  @Override
  public void limitSeeds(Tensor support, ClassRows classes, float share, Tensor seeds) {
    String op = "limitSeeds";
    int[] s = maps(op, "support", support, classes);
    map.limitSeeds(
        f32(op, "support", support),
        classes,
        share,
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
    require(
        present.images() == s[0] && present.total() == classes.total(),
        op,
        "%s for %s",
        present,
        classes);
    double[] ratios = f32OrNull(op, "iou", iou, classes.rows(), s[1], s[2]);
    seed.structureSeeds(
        f32(op, "feature", feature),
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
        f32(op, "feature", feature), s[3], i32(op, "seeds", seeds, s[0], s[1], s[2]), classes, out);
    rounding.results(out);
  }

  @Override
  public void prototypesBackward(
      Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature) {
    String op = "prototypesBackward";
    int[] s = images(op, "dFeature", dFeature, classes);
    double[] out = f32(op, "dFeature", dFeature);
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
        f32(op, "feature", feature),
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
        f32(op, "feature", feature),
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
    require(s[3] > 0, op, "guide %s has no channel", guide);
    long[] shape = {s[0], options.neighbours(), s[1], s[2]};
    double[] out = f32(op, "affinity", affinity, shape);
    double[] deviations = f32OrNull(op, "std", std, s[0], s[3], s[1], s[2]);
    double[] logits = f32OrNull(op, "logit", logit, shape);
    pamr.pamrAffinity(
        f32(op, "guide", guide), s[0], s[1], s[2], s[3], options, out, deviations, logits);
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
        f32(op, "maps", maps),
        classes,
        options,
        result);
    rounding.results(result);
  }

  @Override
  public void latticeFilter(
      @Nullable Tensor image, float spatial, float colour, Tensor values, Tensor out) {
    String op = "latticeFilter";
    int[] s = sizes(op, "values", values, 3);
    double[] colours = f32OrNull(op, "image", image, s[1], s[2], 3);
    double[] result = f32(op, "out", out, values.shape().toArray());
    require(spatial > 0 && (image == null || colour > 0), op, "a deviation is not positive");
    crf.latticeFilter(colours, s[1], s[2], spatial, colour, f32(op, "values", values), result);
    rounding.results(result);
  }

  @Override
  public void denseCrf(Tensor unary, Tensor image, CrfOptions options, Tensor q) {
    String op = "denseCrf";
    int[] s = sizes(op, "unary", unary, 3);
    double[] colours = f32(op, "image", image, s[1], s[2], 3);
    double[] result = f32(op, "q", q, unary.shape().toArray());
    crf.denseCrf(f32(op, "unary", unary), colours, s[1], s[2], options, result);
    rounding.results(result);
  }

  @Override
  public void gradientNorm(List<Tensor> gradients, Tensor norm) {
    List<double[]> arrays = new ArrayList<>();
    for (Tensor gradient : gradients) {
      arrays.add(f32("gradientNorm", "gradient", gradient));
    }
    double[] out = f32("gradientNorm", "norm", norm, 1);
    out[0] = optimizer.gradientNorm(arrays);
    rounding.results(out);
  }

  @Override
  public void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      @Nullable Tensor lossScale,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first) {
    String op = "sgdStep";
    double length = f32(op, "norm", norm, 1)[0];
    double[] scale = f32OrNull(op, "lossScale", lossScale, 2);
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
          scale == null ? Double.NaN : scale[0],
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

  @Override
  public void updateLossScale(Tensor norm, Tensor lossScale, int interval) {
    String op = "updateLossScale";
    require(interval >= 1 && interval <= MOST_INTERVAL, op, "interval is %d", interval);
    double[] scale = f32(op, "lossScale", lossScale, 2);
    optimizer.updateLossScale(f32(op, "norm", norm, 1)[0], scale, interval);
    rounding.results(scale);
  }
}
