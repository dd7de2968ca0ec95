package dev.wisp.backend.conformance;

import dev.wisp.backend.CrfOptions;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Cases of {@link dev.wisp.backend.CrfOps}. */
final class CrfCases {
  /** Channels or labels, height, width: pixel counts of every remainder by four. */
  private static final int[][] SIZES = {
    {1, 1, 1},
    {2, 1, 2},
    {3, 3, 1},
    {4, 4, 4},
    {5, 7, 11},
    {2, 13, 10},
    {8, 6, 9},
    {17, 5, 8},
    {131, 3, 5},
    {3, 31, 37}
  };

  private CrfCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] s : SIZES) {
      String text = "%d x %dx%d".formatted(s[0], s[1], s[2]);
      filter(cases, text + ", positions", s, false, 3, 1);
      filter(cases, text + ", positions far apart", s, false, 0.3f, 1);
      filter(cases, text + ", colours", s, true, 50, 5);
      filter(cases, text + ", colours far apart", s, true, 2, 0.7f);
      for (int steps : new int[] {0, 1, 5}) {
        CrfOptions options = new CrfOptions(steps, 3, 3, 20, 13, 10);
        cases.add(
            new ConformanceCase("denseCrf", text + ", steps " + steps, t -> crf(t, s, options)));
      }
    }
    cases.add(
        new ConformanceCase(
            "denseCrf",
            "one colour",
            t -> {
              Tensor unary = t.uniform(0, 3, 3, 9, 7);
              Tensor q = t.f32(3, 9, 7);
              t.backend().denseCrf(unary, t.constant(7, 9, 7, 3), CrfOptions.standard(), q);
              t.out("q", q);
            }));
    filter(cases, "no channel", new int[] {0, 3, 4}, true, 3, 5);
    filter(cases, "no pixel", new int[] {2, 0, 4}, true, 3, 5);
    return cases;
  }

  private static void filter(
      List<ConformanceCase> cases,
      String text,
      int[] s,
      boolean colours,
      float spatial,
      float colour) {
    cases.add(
        new ConformanceCase(
            "latticeFilter",
            text,
            t -> {
              Tensor image = colours ? image(t, s) : null;
              Tensor values = t.normal(s[0], s[1], s[2]);
              Tensor out = t.f32(s[0], s[1], s[2]);
              t.backend().latticeFilter(image, spatial, colour, values, out);
              t.out("out", out);
            }));
  }

  private static Tensor image(Trial t, int[] s) {
    float[] values = new float[s[1] * s[2] * 3];
    for (int i = 0; i < values.length; i++) {
      values[i] = t.random().nextInt(256);
    }
    return t.tensor(values, s[1], s[2], 3);
  }

  private static void crf(Trial t, int[] s, CrfOptions options) {
    Tensor unary = t.uniform(0, 3, s[0], s[1], s[2]);
    Tensor image = image(t, s);
    Tensor q = t.f32(s[0], s[1], s[2]);
    t.backend().denseCrf(unary, image, options, q);
    t.out("q", q);
    t.outExact("unary, unchanged", unary);
  }
}
