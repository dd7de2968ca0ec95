package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Cases of {@link dev.wisp.backend.PointwiseOps}. */
final class PointwiseCases {
  private static final float[] MEAN = {0.485f, 0.456f, 0.406f};
  private static final float[] STD = {0.229f, 0.224f, 0.225f};

  private static final long[][] SIZES = {
    {1, 1, 1, 1}, {1, 1, 1, 17}, {2, 5, 7, 3}, {1, 16, 17, 16}, {3, 9, 11, 15}, {1, 33, 31, 20}
  };

  private PointwiseCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (long[] s : SIZES) {
      String text = "%dx%dx%dx%d".formatted(s[0], s[1], s[2], s[3]);
      cases.add(new ConformanceCase("fill", text, t -> fill(t, s)));
      cases.add(new ConformanceCase("copy", text, t -> copy(t, s)));
      cases.add(new ConformanceCase("addScaled", text, t -> addScaled(t, s)));
      for (float factor : new float[] {1, 1024, 0.125f, -0.7f}) {
        cases.add(new ConformanceCase("scale", text + " by " + factor, t -> scale(t, factor, s)));
      }
      cases.add(new ConformanceCase("relu", text, t -> relu(t, s)));
      cases.add(new ConformanceCase("reluBackward", text, t -> reluBackward(t, s)));
      cases.add(new ConformanceCase("addMirrored", text, t -> addMirrored(t, s)));
      cases.add(new ConformanceCase("denormalize", text, t -> denormalize(t, s)));
      cases.add(new ConformanceCase("spatialMean", text, t -> spatialMean(t, s)));
      cases.add(new ConformanceCase("spatialMeanBackward", text, t -> spatialMeanBackward(t, s)));
    }
    long[][] scores = {{1, 1}, {3, 20}, {16, 80}, {2, 17}};
    for (long[] s : scores) {
      String text = "%dx%d".formatted(s[0], s[1]);
      cases.add(new ConformanceCase("softMarginLoss", text, t -> softMargin(t, 1, true, s)));
      cases.add(
          new ConformanceCase(
              "softMarginLoss", text + ", scores to 100", t -> softMargin(t, 100, true, s)));
      cases.add(
          new ConformanceCase(
              "softMarginLoss", text + ", no gradient", t -> softMargin(t, 1, false, s)));
    }
    ClassLists.each(
        (name, n, k, classes) -> {
          for (int[] hw : new int[][] {{1, 1}, {7, 5}, {16, 17}}) {
            String text = "%s, %dx%d".formatted(name, hw[0], hw[1]);
            cases.add(
                new ConformanceCase(
                    "meanAbsoluteDifference", text, t -> difference(t, classes, hw, true)));
          }
          cases.add(
              new ConformanceCase(
                  "meanAbsoluteDifference",
                  name + ", no gradient",
                  t -> difference(t, classes, new int[] {3, 5}, false)));
        });
    return cases;
  }

  private static void fill(Trial t, long[] s) {
    Tensor target = t.f32(s);
    t.backend().fill(target, -0.3f);
    t.outExact("target", target);
  }

  private static void copy(Trial t, long[] s) {
    Tensor floats = t.f32(s);
    t.backend().copy(t.normal(s), floats);
    t.outExact("floats", floats);
    Tensor ints = t.i32(s);
    t.backend().copy(t.ids(100, s), ints);
    t.out("ints", ints);
    Tensor flat = t.f32(s[0] * s[1] * s[2] * s[3]);
    t.backend().copy(t.normal(s), flat);
    t.outExact("flat", flat);
  }

  private static void addScaled(Trial t, long[] s) {
    Tensor target = t.normal(s);
    t.backend().addScaled(-0.7f, t.normal(s), target);
    t.out("target", target);
  }

  private static void scale(Trial t, float factor, long[] s) {
    Tensor x = t.normal(s);
    t.backend().scale(x, t.tensor(new float[] {factor, 3}, 2));
    t.outExact("x", x);
    Tensor odd = withNaN(t, s);
    t.backend().scale(odd, t.constant(factor, 1));
    t.outExact("NaN, zeros and infinities", odd);
  }

  private static Tensor withNaN(Trial t, long[] s) {
    Tensor x = t.normal(s);
    float[] values = t.backend().floats(x);
    for (int i = 0; i < values.length; i++) {
      switch (i % 7) {
        case 2 -> values[i] = Float.NaN;
        case 3 -> values[i] = 0;
        case 4 -> values[i] = -0f;
        case 5 -> values[i] = Float.NEGATIVE_INFINITY;
        default -> {}
      }
    }
    return t.tensor(values, s);
  }

  private static void relu(Trial t, long[] s) {
    Tensor x = withNaN(t, s);
    Tensor out = t.f32(s);
    t.backend().relu(x, out);
    t.outExact("out", out);
    t.backend().relu(x, x);
    t.outExact("in place", x);
  }

  private static void reluBackward(Trial t, long[] s) {
    Backend b = t.backend();
    Tensor y = t.f32(s);
    b.relu(t.normal(s), y);
    Tensor dy = t.normal(s);
    Tensor extra = t.normal(s);
    Tensor dx = t.f32(s);
    b.reluBackward(y, dy, null, dx);
    t.outWithZeros("dx", dx);
    b.reluBackward(y, dy, extra, dx);
    t.outWithZeros("dx with extra", dx);
    // A product with 0 would turn these into NaN.
    b.reluBackward(y, t.constant(Float.POSITIVE_INFINITY, s), null, dx);
    t.outWithZeros("dx of infinite dy", dx);
    b.reluBackward(y, dy, extra, extra);
    t.outWithZeros("in place of extra", extra);
    b.reluBackward(y, dy, null, dy);
    t.outWithZeros("in place of dy", dy);
  }

  private static void addMirrored(Trial t, long[] s) {
    Tensor target = t.normal(s);
    t.backend().addMirrored(t.normal(s), target);
    t.out("target", target);
  }

  private static void denormalize(Trial t, long[] s) {
    Tensor out = t.f32(s[0], s[1], s[2], 3);
    t.backend().denormalize(t.uniform(-2.2, 2.7, s[0], s[1], s[2], 3), MEAN, STD, out);
    t.outExact("out", out);
  }

  private static void spatialMean(Trial t, long[] s) {
    Tensor out = t.f32(s[0], s[3]);
    t.backend().spatialMean(t.normal(s), out);
    t.out("out", out);
  }

  private static void spatialMeanBackward(Trial t, long[] s) {
    Tensor dx = t.normal(s);
    t.backend().spatialMeanBackward(t.normal(s[0], s[3]), dx);
    t.out("dx", dx);
  }

  private static void softMargin(Trial t, double range, boolean gradient, long[] s) {
    Tensor score = t.uniform(-range, range, s);
    Tensor loss = t.f32(1);
    Tensor dScore = gradient ? t.f32(s) : null;
    t.backend().softMarginLoss(score, t.mask(s), loss, dScore);
    t.out("loss", loss);
    if (dScore != null) {
      t.out("dScore", dScore);
    }
  }

  private static void difference(Trial t, ClassRows classes, int[] hw, boolean gradient) {
    long[] s = {classes.rows(), hw[0], hw[1]};
    Tensor loss = t.f32(1);
    Tensor dA = gradient ? t.f32(s) : null;
    t.backend().meanAbsoluteDifference(t.coarse(s), t.coarse(s), classes, loss, dA);
    t.out("loss", loss);
    if (dA != null) {
      t.outWithZeros("dA", dA);
    }
  }
}
