package dev.wisp.backend.conformance;

import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Cases of {@link dev.wisp.backend.GroupNormOps}. */
final class GroupNormCases {
  private static final float EPS = 1e-5f;

  /** n, h, w, c, groups: one value a group, one group, primes, a lane more, more than a block. */
  private static final int[][] SIZES = {
    {1, 1, 1, 1, 1},
    {1, 1, 2, 4, 4},
    {2, 3, 5, 6, 1},
    {3, 7, 5, 32, 4},
    {1, 17, 16, 34, 2},
    {2, 5, 3, 51, 17},
    {2, 33, 31, 64, 8}
  };

  private GroupNormCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] s : SIZES) {
      String text = "%dx%dx%dx%d, %d groups".formatted(s[0], s[1], s[2], s[3], s[4]);
      cases.add(new ConformanceCase("groupNormForward", text, t -> forward(t, s, 0, false)));
      cases.add(
          new ConformanceCase("groupNormForward", text + ", relu", t -> forward(t, s, 0, true)));
      cases.add(
          new ConformanceCase(
              "groupNormForward", text + ", mean 100", t -> forward(t, s, 100, false)));
      cases.add(new ConformanceCase("groupNormBackward", text, t -> backward(t, s)));
    }
    cases.add(
        new ConformanceCase("groupNormForward", "one value everywhere", GroupNormCases::constant));
    return cases;
  }

  private static void forward(Trial t, int[] s, float mean, boolean relu) {
    long[] shape = {s[0], s[1], s[2], s[3]};
    Tensor x = t.normal(shape);
    t.backend().addScaled(mean, t.constant(1, shape), x);
    run(t, x, s[4], relu);
  }

  private static void constant(Trial t) {
    run(t, t.constant(0.3f, 2, 3, 5, 8), 2, false);
  }

  private static void run(Trial t, Tensor x, int groups, boolean relu) {
    long[] shape = x.shape().toArray();
    Tensor y = t.f32(shape);
    Tensor mean = t.f32(shape[0], groups);
    Tensor invStd = t.f32(shape[0], groups);
    t.backend()
        .groupNormForward(
            x, t.uniform(0.5, 1.5, shape[3]), t.normal(shape[3]), EPS, relu, y, mean, invStd);
    t.out("y", y);
    t.out("mean", mean);
    t.out("invStd", invStd);
  }

  private static void backward(Trial t, int[] s) {
    long[] shape = {s[0], s[1], s[2], s[3]};
    Tensor dx = t.f32(shape);
    Tensor dgamma = t.f32(s[3]);
    Tensor dbeta = t.f32(s[3]);
    t.backend()
        .groupNormBackward(
            t.normal(shape),
            t.normal(shape),
            t.uniform(0.5, 1.5, s[3]),
            t.uniform(-0.3, 0.3, s[0], s[4]),
            t.uniform(0.5, 2, s[0], s[4]),
            dx,
            dgamma,
            dbeta);
    t.out("dx", dx);
    t.out("dgamma", dgamma);
    t.out("dbeta", dbeta);
  }
}
