package dev.wisp.backend.conformance;

import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Cases of {@link dev.wisp.backend.IrnOps}. */
final class IrnCases {
  private static final int CLASSES = 3;

  /** n, h, w, radius: no source, one source, primes, a lane more and less, more than a vector. */
  private static final int[][] SIZES = {
    {1, 1, 1, 2},
    {1, 4, 9, 5},
    {1, 5, 9, 5},
    {2, 7, 13, 3},
    {1, 13, 29, 6},
    {1, 9, 17, 2},
    {3, 8, 18, 2},
    {1, 12, 37, 10},
    {2, 14, 71, 4}
  };

  private IrnCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    corners(cases);
    for (int[] s : new int[][] {{1}, {17}, {3, 5, 7}, {2, 129, 128}}) {
      String text = s.length + " axes, " + s[s.length - 1] + " columns";
      cases.add(new ConformanceCase("sigmoid", text, t -> sigmoid(t, longs(s))));
      cases.add(new ConformanceCase("sigmoidBackward", text, t -> sigmoidBackward(t, longs(s))));
    }
    for (int[] s : SIZES) {
      String text = "%dx%dx%d, radius %d".formatted(s[0], s[1], s[2], s[3]);
      cases.add(new ConformanceCase("pairCounts", text, t -> counts(t, s)));
      for (boolean ties : new boolean[] {false, true}) {
        String named = text + (ties ? ", many ties" : "");
        cases.add(new ConformanceCase("pathAffinityLoss", named, t -> affinity(t, s, ties, true)));
        cases.add(
            new ConformanceCase("displacementLoss", named, t -> displacement(t, s, ties, true)));
      }
      cases.add(
          new ConformanceCase(
              "pathAffinityLoss", text + ", no gradient", t -> affinity(t, s, false, false)));
      cases.add(
          new ConformanceCase(
              "displacementLoss", text + ", no gradient", t -> displacement(t, s, false, false)));
      for (int[] c : new int[][] {{1, 0}, {3, 1}, {4, 7}, {6, 32}}) {
        cases.add(
            new ConformanceCase(
                "randomWalk",
                "%s, %d maps, %d steps".formatted(text, c[0], c[1]),
                t -> walk(t, s, c[0], c[1])));
      }
    }
    cases.add(new ConformanceCase("pathAffinityLoss", "a NaN on paths", IrnCases::affinityOfNaN));
    cases.add(new ConformanceCase("randomWalk", "walls of boundary 1", IrnCases::walls));
    return cases;
  }

  private static long[] longs(int[] sizes) {
    long[] longs = new long[sizes.length];
    for (int i = 0; i < longs.length; i++) {
      longs[i] = sizes[i];
    }
    return longs;
  }

  private static void corners(List<ConformanceCase> cases) {
    int[][] sizes = {
      // n, h, w, c, H, W, C, offset
      {1, 1, 1, 1, 1, 1, 1, 0},
      {2, 4, 6, 3, 3, 5, 3, 0},
      {1, 8, 18, 17, 7, 17, 33, 16},
      {3, 5, 5, 2, 5, 4, 7, 5}
    };
    for (int[] s : sizes) {
      String text =
          "%dx%dx%dx%d to %dx%dx%d at %d".formatted(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
      cases.add(
          new ConformanceCase(
              "crop",
              text,
              t -> {
                Tensor target = t.normal(s[0], s[4], s[5], s[6]);
                t.backend().crop(t.normal(s[0], s[1], s[2], s[3]), target, s[7]);
                t.outExact("target", target);
              }));
      cases.add(
          new ConformanceCase(
              "cropBackward",
              text,
              t -> {
                Tensor dSource = t.f32(s[0], s[1], s[2], s[3]);
                t.backend().cropBackward(t.normal(s[0], s[4], s[5], s[6]), s[7], dSource);
                t.outExact("dSource", dSource);
              }));
    }
  }

  private static void sigmoid(Trial t, long[] s) {
    Tensor out = t.f32(s);
    t.backend().sigmoid(t.normal(s), 2.5f, out);
    t.out("out", out);
    t.backend().sigmoid(t.uniform(-200, 200, s), 1, out);
    t.out("out of far values", out);
  }

  private static void sigmoidBackward(Trial t, long[] s) {
    Tensor dx = t.f32(s);
    t.backend().sigmoidBackward(t.uniform(0, 1, s), t.normal(s), 0.5f, dx);
    t.out("dx", dx);
  }

  /** Patches of equal labels, a quarter of them none that counts. */
  private static Tensor labels(Trial t, int[] s) {
    int across = (s[2] + 3) / 4;
    int[] patches = new int[s[0] * ((s[1] + 2) / 3) * across];
    int[] known = {0, 0, 1, 2, 3, 0, 255, -1};
    for (int i = 0; i < patches.length; i++) {
      patches[i] = known[t.random().nextInt(known.length)];
    }
    int[] labels = new int[s[0] * s[1] * s[2]];
    for (int i = 0; i < labels.length; i++) {
      int image = i / (s[1] * s[2]);
      int row = image * ((s[1] + 2) / 3) + i / s[2] % s[1] / 3;
      labels[i] = patches[row * across + i % s[2] / 4];
    }
    return t.tensor(labels, s[0], s[1], s[2]);
  }

  private static void counts(Trial t, int[] s) {
    Tensor counts = t.f32(s[0], 3);
    t.backend().pairCounts(labels(t, s), PathIndex.of(s[3]), CLASSES, counts);
    t.outExact("counts", counts);
  }

  private static void affinity(Trial t, int[] s, boolean ties, boolean gradient) {
    Tensor boundary = ties ? t.coarse(s[0], s[1], s[2]) : t.uniform(0, 1, s[0], s[1], s[2]);
    affinity(t, boundary, s, gradient);
  }

  private static void affinity(Trial t, Tensor boundary, int[] s, boolean gradient) {
    Tensor losses = t.f32(s[0], 3);
    @Nullable Tensor dBoundary = gradient ? t.f32(s[0], s[1], s[2]) : null;
    t.backend()
        .pathAffinityLoss(
            boundary,
            labels(t, s),
            PathIndex.of(s[3]),
            CLASSES,
            new float[] {0.01f, 0.02f, 0.005f},
            losses,
            dBoundary);
    t.out("losses", losses);
    if (dBoundary != null) {
      t.outWithZeros("dBoundary", dBoundary);
    }
  }

  private static void affinityOfNaN(Trial t) {
    int[] s = {1, 8, 21, 4};
    float[] values = t.backend().floats(t.uniform(0, 1, s[0], s[1], s[2]));
    values[2 * s[2] + 9] = Float.NaN;
    values[3 * s[2] + 10] = Float.NaN;
    affinity(t, t.tensor(values, s[0], s[1], s[2]), s, true);
  }

  private static void displacement(Trial t, int[] s, boolean ties, boolean gradient) {
    Tensor displacement =
        ties ? t.coarse(s[0], s[1], s[2], 2) : t.uniform(-5, 5, s[0], s[1], s[2], 2);
    Tensor losses = t.f32(s[0], 2);
    @Nullable Tensor slopes = gradient ? t.f32(s[0], s[1], s[2], 2) : null;
    t.backend()
        .displacementLoss(
            displacement,
            labels(t, s),
            PathIndex.of(s[3]),
            CLASSES,
            new float[] {0.01f, 0.02f},
            losses,
            slopes);
    t.out("losses", losses);
    if (slopes != null) {
      t.out("dDisplacement", slopes);
    }
  }

  private static void walk(Trial t, int[] s, int maps, int steps) {
    walk(t, t.uniform(0, 1, s[1], s[2]), maps, PathIndex.of(s[3]), steps);
  }

  private static void walk(Trial t, Tensor boundary, int count, PathIndex paths, int steps) {
    long h = boundary.shape().size(0);
    long w = boundary.shape().size(1);
    Tensor maps = t.uniform(0, 1, count, h, w);
    Tensor out = t.f32(count, h, w);
    t.backend().randomWalk(boundary, maps, paths, 10, steps, out);
    t.out("out", out);
    t.outExact("maps, unchanged", maps);
  }

  private static void walls(Trial t) {
    float[] boundary = new float[9 * 20];
    for (int i = 0; i < boundary.length; i++) {
      boundary[i] = i % 20 == 6 || i % 20 == 13 ? 1 : 0.1f;
    }
    walk(t, t.tensor(boundary, 9, 20), 2, PathIndex.of(5), 64);
  }
}
