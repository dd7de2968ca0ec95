package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Cases of {@link dev.wisp.backend.NormOps}. */
final class NormCases {
  private static final float EPS = 1e-5f;

  private static final long[][] SIZES = {
    {1, 1, 1, 1},
    {1, 1, 2, 3},
    {2, 5, 7, 15},
    {1, 16, 17, 16},
    {3, 9, 11, 17},
    {2, 13, 8, 64},
    {1, 3, 5, 80},
    {1, 4, 4, 771}
  };

  private NormCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (long[] s : SIZES) {
      String text = "%dx%dx%dx%d".formatted(s[0], s[1], s[2], s[3]);
      cases.add(new ConformanceCase("batchNormForward", text, t -> batch(t, s, 0, false, false)));
      cases.add(
          new ConformanceCase(
              "batchNormForward",
              text + ", mean 5, residual, relu",
              t -> batch(t, s, 5, true, true)));
      cases.add(new ConformanceCase("batchNormBackward", text, t -> batchBackward(t, s)));
      cases.add(new ConformanceCase("l2Normalize", text, t -> l2(t, s, false)));
      cases.add(new ConformanceCase("l2Normalize", text + ", in place", t -> l2(t, s, true)));
      cases.add(new ConformanceCase("l2NormalizeBackward", text, t -> l2Backward(t, s)));
    }
    cases.add(
        new ConformanceCase(
            "batchNormForward", "constant channels have variance 0", t -> constantChannels(t)));
    for (int c : new int[] {1, 15, 16, 17, 64}) {
      cases.add(new ConformanceCase("batchNormUpdate", c + " channels", t -> update(t, c)));
    }
    return cases;
  }

  private static Tensor shifted(Trial t, double mean, long[] s) {
    return mean == 0 ? t.normal(s) : t.uniform(mean - 2, mean + 2, s);
  }

  private static void batch(Trial t, long[] s, double mean, boolean residual, boolean relu) {
    int c = (int) s[3];
    Tensor y = t.f32(s);
    Tensor means = t.f32(c);
    Tensor invStd = t.f32(c);
    t.backend()
        .batchNormForward(
            shifted(t, mean, s),
            t.normal(c),
            t.normal(c),
            EPS,
            residual ? t.normal(s) : null,
            relu,
            y,
            means,
            invStd);
    t.out("y", y);
    t.out("mean", means);
    t.out("invStd", invStd);
  }

  private static void constantChannels(Trial t) {
    Tensor y = t.f32(2, 3, 5, 17);
    Tensor means = t.f32(17);
    Tensor invStd = t.f32(17);
    t.backend()
        .batchNormForward(
            t.constant(0.75f, 2, 3, 5, 17),
            t.normal(17),
            t.normal(17),
            EPS,
            null,
            false,
            y,
            means,
            invStd);
    t.out("y", y);
    t.out("mean", means);
    t.out("invStd", invStd);
  }

  private static void batchBackward(Trial t, long[] s) {
    int c = (int) s[3];
    Backend b = t.backend();
    Tensor x = t.uniform(-1, 3, s);
    Tensor gamma = t.normal(c);
    Tensor means = t.f32(c);
    Tensor invStd = t.f32(c);
    b.batchNormForward(x, gamma, t.normal(c), EPS, null, false, t.f32(s), means, invStd);
    Tensor dx = t.f32(s);
    Tensor dgamma = t.f32(c);
    Tensor dbeta = t.f32(c);
    b.batchNormBackward(x, t.normal(s), gamma, means, invStd, dx, dgamma, dbeta);
    t.out("dx", dx);
    t.out("dgamma", dgamma);
    t.out("dbeta", dbeta);
  }

  private static void update(Trial t, int c) {
    Tensor mean = t.normal(c);
    Tensor var = t.uniform(0.5, 1.5, c);
    t.backend().batchNormUpdate(t.normal(c), t.uniform(0.5, 2, c), EPS, 37, 0.1f, mean, var);
    t.out("runningMean", mean);
    t.out("runningVar", var);
  }

  /** Normal values with some positions wholly zero. */
  static Tensor withZeroVectors(Trial t, long... s) {
    int c = (int) s[s.length - 1];
    long positions = 1;
    for (int i = 0; i < s.length - 1; i++) {
      positions *= s[i];
    }
    float[] values = new float[(int) positions * c];
    for (int p = 0; p < positions; p++) {
      boolean zero = p % 5 == 3;
      for (int i = p * c; i < (p + 1) * c; i++) {
        values[i] = zero ? 0 : (float) t.random().nextGaussian();
      }
    }
    return t.tensor(values, s);
  }

  private static void l2(Trial t, long[] s, boolean inPlace) {
    Tensor x = withZeroVectors(t, s);
    Tensor y = inPlace ? x : t.f32(s);
    Tensor norms = t.f32(s[0], s[1], s[2]);
    t.backend().l2Normalize(x, EPS, y, norms);
    t.outWithZeros("y", y);
    t.outWithZeros("norms", norms);
  }

  private static void l2Backward(Trial t, long[] s) {
    Backend b = t.backend();
    Tensor x = t.normal(s);
    Tensor norms = t.f32(s[0], s[1], s[2]);
    b.l2Normalize(x, EPS, t.f32(s), norms);
    Tensor dx = t.f32(s);
    b.l2NormalizeBackward(x, norms, t.normal(s), EPS, dx);
    t.out("dx", dx);
    // Apart from the rest: its gradient is 1 / eps times larger.
    b.l2NormalizeBackward(t.constant(0, s), t.constant(0, s[0], s[1], s[2]), t.normal(s), EPS, dx);
    t.out("dx at zero", dx);
  }
}
