package dev.wisp.backend.conformance;

import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Cases of {@link dev.wisp.backend.OptimizerOps}. */
final class OptimizerCases {
  private static final long[][] SIZES = {{1}, {17}, {5, 3, 3, 3}, {64, 31, 1, 1}, {16}};

  private OptimizerCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    cases.add(new ConformanceCase("gradientNorm", "one value", t -> norm(t, 1, 1)));
    cases.add(new ConformanceCase("gradientNorm", "five tensors", t -> norm(t, 5, 1)));
    cases.add(
        new ConformanceCase("gradientNorm", "five tensors near 1e-20", t -> norm(t, 5, 1e-20)));
    cases.add(new ConformanceCase("gradientNorm", "five tensors near 1e18", t -> norm(t, 5, 1e18)));
    cases.add(new ConformanceCase("gradientNorm", "all zero", t -> norm(t, 5, 0)));
    cases.add(
        new ConformanceCase(
            "gradientNorm",
            "a NaN among them",
            t -> {
              Tensor norm = t.f32(1);
              t.backend().gradientNorm(List.of(t.normal(17), t.constant(Float.NaN, 1)), norm);
              t.out("norm", norm);
              t.backend().gradientNorm(List.of(t.normal(17)), norm);
              t.out("norm of numbers, after it", norm);
            }));
    for (boolean clipped : new boolean[] {true, false}) {
      for (float momentum : new float[] {0, 1e-4f, 0.9f}) {
        for (float decay : new float[] {0, 1e-4f}) {
          String text =
              "three steps, %s, momentum %s, weight decay %s"
                  .formatted(clipped ? "clipped to 1" : "no clipping", momentum, decay);
          cases.add(new ConformanceCase("sgdStep", text, t -> steps(t, clipped, momentum, decay)));
        }
      }
    }
    scaled(cases);
    return cases;
  }

  /** Gradients of a scaled loss, and the scale's own changes. */
  private static void scaled(List<ConformanceCase> cases) {
    for (float scale : new float[] {1, 1024, 0.125f}) {
      for (boolean clipped : new boolean[] {true, false}) {
        for (float momentum : new float[] {0, 0.9f}) {
          String text =
              "loss scaled by %s, %s, momentum %s"
                  .formatted(scale, clipped ? "clipped to 1" : "no clipping", momentum);
          cases.add(
              new ConformanceCase("sgdStep", text, t -> steps(t, scale, clipped, momentum, 1e-4f)));
        }
      }
    }
    for (float spoiled : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      for (boolean first : new boolean[] {true, false}) {
        for (float momentum : new float[] {0, 0.9f}) {
          String text =
              "a gradient of %s, %s, momentum %s"
                  .formatted(spoiled, first ? "first step" : "later step", momentum);
          cases.add(
              new ConformanceCase("sgdStep", text, t -> skipped(t, spoiled, first, momentum)));
        }
      }
      scaleChange(cases, "a norm of " + spoiled, spoiled, 1024, 7, 2000);
      scaleChange(cases, "a norm of %s at scale 1".formatted(spoiled), spoiled, 1, 0, 1);
      scaleChange(cases, "a norm of %s below scale 1".formatted(spoiled), spoiled, 0.125f, 3, 9);
    }
    scaleChange(cases, "a good step", 3, 65536, 7, 2000);
    scaleChange(cases, "a norm of 0", 0, 65536, 0, 2000);
    scaleChange(cases, "the largest norm", Float.MAX_VALUE, 1024, 0, 2000);
    scaleChange(cases, "interval reached", 3, 1024, 1999, 2000);
    scaleChange(cases, "interval of one", 3, 0.125f, 0, 1);
    scaleChange(cases, "interval passed", 3, 2, 50, 20);
    scaleChange(cases, "interval reached at 2^23", 3, 1 << 23, 4, 5);
    scaleChange(cases, "interval reached at 2^24", 3, 1 << 24, 4, 5);
  }

  private static void scaleChange(
      List<ConformanceCase> cases, String text, float norm, float scale, float good, int interval) {
    cases.add(
        new ConformanceCase(
            "updateLossScale",
            text,
            t -> {
              Tensor lossScale = t.tensor(new float[] {scale, good}, 2);
              t.backend().updateLossScale(t.constant(norm, 1), lossScale, interval);
              t.outExact("loss scale", lossScale);
            }));
  }

  /** A step that an overflow spoils, and a good one after it. */
  private static void skipped(Trial t, float spoiled, boolean first, float momentum) {
    Tensor lossScale = t.tensor(new float[] {1024, 0}, 2);
    Tensor norm = t.f32(1);
    List<SgdSlot> slots = new ArrayList<>();
    for (long[] size : SIZES) {
      Tensor velocity = momentum == 0 ? null : first ? t.f32(size) : t.normal(size);
      slots.add(new SgdSlot(t.normal(size), t.normal(size), velocity, 0.1f));
    }
    List<Tensor> gradients = slots.stream().map(SgdSlot::gradient).toList();
    float[] good = t.backend().floats(gradients.get(1));
    float[] bad = good.clone();
    bad[good.length / 2] = spoiled;
    for (boolean spoil : new boolean[] {true, false}) {
      t.backend().upload(spoil ? bad : good, gradients.get(1));
      t.backend().gradientNorm(gradients, norm);
      t.backend().sgdStep(slots, norm, lossScale, 1, 1e-4f, momentum, first && spoil);
      for (int i = 0; i < SIZES.length; i++) {
        String when = spoil ? " after the skipped step" : " after the next";
        t.out("weight " + i + when, slots.get(i).weight());
        Tensor velocity = slots.get(i).momentum();
        if (velocity != null) {
          t.outWithZeros("velocity " + i + when, velocity);
        }
      }
    }
  }

  private static void norm(Trial t, int count, double scale) {
    List<Tensor> gradients = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      gradients.add(t.uniform(-scale, scale, SIZES[i]));
    }
    Tensor norm = t.f32(1);
    t.backend().gradientNorm(gradients, norm);
    t.out("norm", norm);
  }

  private static void steps(Trial t, boolean clipped, float momentum, float decay) {
    steps(t, null, clipped, momentum, decay);
  }

  /** Three steps, of gradients that are {@code scale} times too large if it is given. */
  private static void steps(
      Trial t, @Nullable Float scale, boolean clipped, float momentum, float decay) {
    Tensor lossScale = scale == null ? null : t.tensor(new float[] {scale, 0}, 2);
    List<Tensor> weights = new ArrayList<>();
    List<Tensor> velocities = new ArrayList<>();
    for (long[] size : SIZES) {
      weights.add(t.normal(size));
      if (momentum != 0) {
        velocities.add(t.f32(size));
      }
    }
    Tensor norm = t.f32(1);
    for (int step = 0; step < 3; step++) {
      List<SgdSlot> slots = new ArrayList<>();
      List<Tensor> gradients = new ArrayList<>();
      for (int i = 0; i < SIZES.length; i++) {
        Tensor gradient = t.normal(SIZES[i]);
        if (lossScale != null) {
          t.backend().scale(gradient, lossScale);
        }
        gradients.add(gradient);
        slots.add(
            new SgdSlot(
                weights.get(i),
                gradient,
                momentum == 0 ? null : velocities.get(i),
                i % 2 == 0 ? 0.1f : 0.01f));
      }
      t.backend().gradientNorm(gradients, norm);
      float threshold = clipped ? 1 : Float.POSITIVE_INFINITY;
      t.backend().sgdStep(slots, norm, lossScale, threshold, decay, momentum, step == 0);
    }
    for (int i = 0; i < SIZES.length; i++) {
      t.out("weight " + i, weights.get(i));
      if (momentum != 0) {
        t.out("velocity " + i, velocities.get(i));
      }
    }
  }
}
