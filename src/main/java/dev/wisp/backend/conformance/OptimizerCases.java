package dev.wisp.backend.conformance;

import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

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
    return cases;
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
      t.backend().sgdStep(slots, norm, threshold, decay, momentum, step == 0);
    }
    for (int i = 0; i < SIZES.length; i++) {
      t.out("weight " + i, weights.get(i));
      if (momentum != 0) {
        t.out("velocity " + i, velocities.get(i));
      }
    }
  }
}
