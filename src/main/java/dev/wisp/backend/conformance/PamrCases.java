package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PamrOptions;
import dev.wisp.backend.PamrOptions.Kernel;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Cases of {@link dev.wisp.backend.PamrOps}. */
final class PamrCases {
  /** The method's six, then one more: kernels may hold six in registers. */
  private static final int[] ALL = {1, 2, 4, 8, 12, 24, 3};

  /** n, h, w, c, number of dilations. */
  private static final int[][] SIZES = {
    {1, 1, 1, 3, 6},
    {1, 2, 3, 3, 1},
    {2, 7, 5, 3, 3},
    {1, 9, 61, 3, 6},
    {3, 17, 16, 1, 2},
    {1, 15, 33, 3, 6},
    {2, 20, 17, 3, 6},
    {1, 53, 31, 3, 1},
    {1, 6, 11, 3, 7}
  };

  private PamrCases() {}

  private static PamrOptions options(int dilations, int iterations, Kernel kernel) {
    return new PamrOptions(Arrays.copyOf(ALL, dilations), iterations, kernel, 0.1f);
  }

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] s : SIZES) {
      for (Kernel kernel : Kernel.values()) {
        String text =
            "%dx%dx%dx%d, %d dilations, %s".formatted(s[0], s[1], s[2], s[3], s[4], kernel);
        PamrOptions options = options(s[4], 10, kernel);
        cases.add(
            new ConformanceCase("pamrAffinity", text, t -> affinity(t, s, options, noise(t, s))));
        cases.add(
            new ConformanceCase(
                "pamrAffinity", text + ", constant", t -> affinity(t, s, options, flat(t, s))));
        cases.add(
            new ConformanceCase(
                "pamrAffinity",
                text + ", half constant",
                t -> affinity(t, s, options, half(t, s))));
        cases.add(
            new ConformanceCase(
                "pamrAffinity", text + ", no std, no logit", t -> affinityOnly(t, s, options)));
      }
    }
    ClassLists.each(
        (name, n, k, classes) -> {
          for (int iterations : new int[] {0, 1, 10}) {
            int[] s = {n, 9, 17, 3, 6};
            String text = "%s, 9x17, %d iterations".formatted(name, iterations);
            PamrOptions options = options(6, iterations, Kernel.ABS_STD);
            cases.add(new ConformanceCase("pamrSteps", text, t -> steps(t, s, classes, options)));
          }
        });
    for (int[] s : SIZES) {
      ClassRows classes = ClassRows.all(s[0], 2);
      String text = "%dx%dx%d, %d dilations, 3 classes".formatted(s[0], s[1], s[2], s[4]);
      PamrOptions options = options(s[4], 4, Kernel.ABS_STD);
      cases.add(new ConformanceCase("pamrSteps", text, t -> steps(t, s, classes, options)));
    }
    return cases;
  }

  private static Tensor noise(Trial t, int[] s) {
    return t.uniform(0, 1, s[0], s[1], s[2], s[3]);
  }

  private static Tensor flat(Trial t, int[] s) {
    return t.constant(0.485f, s[0], s[1], s[2], s[3]);
  }

  /** Noise on the left, one colour on the right, as in a padded crop. */
  private static Tensor half(Trial t, int[] s) {
    float[] values = new float[s[0] * s[1] * s[2] * s[3]];
    for (int i = 0; i < values.length; i++) {
      int col = i / s[3] % s[2];
      values[i] = col < s[2] / 2 ? (float) t.random().nextDouble() : 0.456f;
    }
    return t.tensor(values, s[0], s[1], s[2], s[3]);
  }

  private static void affinity(Trial t, int[] s, PamrOptions options, Tensor guide) {
    Tensor affinity = t.f32(s[0], options.neighbours(), s[1], s[2]);
    Tensor std = t.f32(s[0], s[3], s[1], s[2]);
    Tensor logit = t.f32(s[0], options.neighbours(), s[1], s[2]);
    t.backend().pamrAffinity(guide, options, affinity, std, logit);
    t.out("affinity", affinity);
    t.out("std", std);
    t.outWithZeros("logit", logit);
  }

  private static void affinityOnly(Trial t, int[] s, PamrOptions options) {
    Tensor affinity = t.f32(s[0], options.neighbours(), s[1], s[2]);
    t.backend().pamrAffinity(noise(t, s), options, affinity, null, null);
    t.out("affinity", affinity);
  }

  private static void steps(Trial t, int[] s, ClassRows classes, PamrOptions options) {
    Backend b = t.backend();
    Tensor affinity =
        t.tensor(shares(t, s, options.neighbours()), s[0], options.neighbours(), s[1], s[2]);
    Tensor maps = t.uniform(0, 1, classes.rows(), s[1], s[2]);
    Tensor out = t.f32(classes.rows(), s[1], s[2]);
    b.pamrSteps(affinity, maps, classes, options, out);
    t.out("out", out);
    t.outExact("maps, unchanged", maps);
  }

  /** Affinities as a softmax gives them: positive, summing to 1 over the neighbours. */
  private static float[] shares(Trial t, int[] s, int neighbours) {
    int positions = s[1] * s[2];
    float[] shares = new float[s[0] * neighbours * positions];
    for (int n = 0; n < s[0]; n++) {
      for (int p = 0; p < positions; p++) {
        double[] powers = new double[neighbours];
        double sum = 0;
        for (int k = 0; k < neighbours; k++) {
          powers[k] = Math.exp(-4 * t.random().nextDouble());
          sum += powers[k];
        }
        for (int k = 0; k < neighbours; k++) {
          shares[(n * neighbours + k) * positions + p] = (float) (powers[k] / sum);
        }
      }
    }
    return shares;
  }
}
