package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Cases of {@link dev.wisp.backend.MapOps}. */
final class MapCases {
  private static final float EPS = 1e-5f;
  private static final int[][] GRIDS = {{1, 1}, {7, 5}, {16, 17}};

  /** What a cam looks like. */
  private enum Cam {
    /** Signed values. */
    NORMAL,
    /** Nothing active: maps of 0, a divisor of eps. */
    NEGATIVE,
    /** Many equal values. */
    TIES
  }

  private MapCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    ClassLists.each(
        (name, n, k, classes) -> {
          for (int[] hw : GRIDS) {
            String text = "%s, %dx%d".formatted(name, hw[0], hw[1]);
            for (Cam cam : Cam.values()) {
              boolean valid = cam != Cam.NEGATIVE;
              String kind = text + ", cam " + cam + (valid ? ", some invalid" : "");
              cases.add(
                  new ConformanceCase(
                      "camToMaps", kind, t -> camToMaps(t, n, k, classes, hw, cam, valid, false)));
              cases.add(
                  new ConformanceCase(
                      "camToMapsBackward",
                      kind,
                      t -> camToMaps(t, n, k, classes, hw, cam, valid, true)));
            }
            cases.add(
                new ConformanceCase("argmaxMaps", text, t -> argmax(t, classes, hw, 1, false)));
            cases.add(
                new ConformanceCase(
                    "argmaxMaps",
                    text + ", background 0.8",
                    t -> argmax(t, classes, hw, 0.8f, false)));
            cases.add(
                new ConformanceCase(
                    "argmaxMaps", text + ", ties", t -> argmax(t, classes, hw, 1, true)));
            for (float share : new float[] {0, 0.25f, 2}) {
              cases.add(
                  new ConformanceCase(
                      "limitSeeds",
                      text + ", share " + share,
                      t -> limit(t, n, classes, hw, share)));
            }
          }
        });
    int[][] maps = {{1, 1, 1}, {0, 3, 5}, {3, 7, 5}, {17, 16, 17}, {21, 1, 15}, {2, 33, 31}};
    for (int[] s : maps) {
      for (Normalization mode : Normalization.values()) {
        for (int kind = 0; kind < 3; kind++) {
          boolean ties = kind == 1;
          boolean flat = kind == 2;
          String text =
              "%dx%dx%d, %s%s"
                  .formatted(s[0], s[1], s[2], mode, flat ? ", flat" : ties ? ", ties" : "");
          cases.add(
              new ConformanceCase("normalizeMaps", text, t -> normalize(t, s, mode, ties, flat)));
          cases.add(
              new ConformanceCase(
                  "normalizeMapsBackward", text, t -> normalizeBackward(t, s, mode, ties, flat)));
        }
      }
    }
    cases.add(
        new ConformanceCase(
            "camToMapsBackward", "peaks and winners of nothing", MapCases::strangers));
    cases.add(
        new ConformanceCase(
            "normalizeMapsBackward", "peaks outside the image", MapCases::strangePeaks));
    return cases;
  }

  private static void strangers(Trial t) {
    ClassRows classes = ClassRows.present(new int[][] {{2}, {1, 3}}, 3);
    Tensor peak = t.tensor(new int[] {3, 35, Integer.MIN_VALUE, -1, 0, Integer.MAX_VALUE}, 2, 3);
    int[] ids = {1, 3, -5, 4, Integer.MAX_VALUE, 2, Integer.MIN_VALUE, 0};
    int[] winners = new int[70];
    for (int i = 0; i < winners.length; i++) {
      winners[i] = ids[i % ids.length];
    }
    Tensor dCam = t.f32(2, 5, 7, 3);
    // An eps near the maps' own size: a stranger's maximum is 0, and eps divides alone.
    t.backend()
        .camToMapsBackward(
            t.normal(2, 5, 7, 3),
            null,
            classes,
            0.5f,
            peak,
            t.tensor(winners, 2, 5, 7),
            t.normal(classes.rows(), 5, 7),
            dCam);
    t.outWithZeros("dCam", dCam);
  }

  private static void strangePeaks(Trial t) {
    int[] peaks = {3, 4, 35, 0, 2, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, 34, 0};
    for (Normalization mode : Normalization.values()) {
      Tensor dMaps = t.f32(5, 5, 7);
      t.backend()
          .normalizeMapsBackward(
              t.uniform(0, 1, 5, 5, 7),
              mode,
              0.5f,
              t.tensor(peaks, 5, 2),
              t.normal(5, 5, 7),
              dMaps);
      t.outWithZeros("dMaps " + mode, dMaps);
    }
  }

  private static Tensor cam(Trial t, Cam kind, long... s) {
    return switch (kind) {
      case NORMAL -> t.normal(s);
      case NEGATIVE -> t.uniform(-2, 0, s);
      case TIES -> t.coarse(s);
    };
  }

  private static void camToMaps(
      Trial t,
      int n,
      int k,
      ClassRows classes,
      int[] hw,
      Cam kind,
      boolean withValid,
      boolean backward) {
    Backend b = t.backend();
    long h = hw[0];
    long w = hw[1];
    Tensor cam = cam(t, kind, n, h, w, k);
    Tensor valid = withValid ? t.mask(n, h, w) : null;
    Tensor peak = t.i32(n, k);
    Tensor winner = t.i32(n, h, w);
    if (backward) {
      decide(b.floats(cam), peak, winner, n, k, hw, b);
      Tensor dCam = t.f32(n, h, w, k);
      b.camToMapsBackward(
          cam, valid, classes, EPS, peak, winner, t.normal(classes.rows(), h, w), dCam);
      t.outWithZeros("dCam", dCam);
      return;
    }
    Tensor maps = t.f32(classes.rows(), h, w);
    b.camToMaps(cam, valid, classes, EPS, maps, peak, winner);
    t.out("peak", peak);
    t.outDecisions("winner", winner, winnerMargins(t, cam, n, k, hw));
    t.out("maps", maps);
  }

  /** Peaks and winners by float64 on every backend: a gradient through others is another one. */
  private static void decide(
      float[] cam, Tensor peak, Tensor winner, int n, int k, int[] hw, Backend backend) {
    ReferenceBackend exact = ReferenceBackend.exact();
    ClassRows all = ClassRows.all(n, k);
    try (Scope scope = exact.scope()) {
      Tensor input = scope.f32(n, hw[0], hw[1], k);
      exact.upload(cam, input);
      Tensor peaks = scope.i32(n, k);
      Tensor winners = scope.i32(n, hw[0], hw[1]);
      exact.camToMaps(input, null, all, EPS, scope.f32(all.rows(), hw[0], hw[1]), peaks, winners);
      backend.upload(exact.ints(peaks), peak);
      backend.upload(exact.ints(winners), winner);
    }
  }

  /** How far apart the two largest normalised cams of each position are. */
  private static double[] winnerMargins(Trial t, Tensor cam, int n, int k, int[] hw) {
    ClassRows all = ClassRows.all(n, k);
    Tensor maps = t.f32(all.rows(), hw[0], hw[1]);
    t.backend().camToMaps(cam, null, all, EPS, maps, t.i32(n, k), t.i32(n, hw[0], hw[1]));
    double[] values = t.values(maps);
    int positions = hw[0] * hw[1];
    for (int b = 0; b < n; b++) {
      for (int p = 0; p < positions; p++) {
        // The background does not compete for being its own maximum.
        values[all.begin(b) * positions + p] = Double.NEGATIVE_INFINITY;
      }
    }
    return Trial.margins(values, all, positions, false);
  }

  private static void argmax(Trial t, ClassRows classes, int[] hw, float factor, boolean ties) {
    int n = classes.images();
    Tensor maps =
        ties ? t.coarse(classes.rows(), hw[0], hw[1]) : t.normal(classes.rows(), hw[0], hw[1]);
    Tensor seeds = t.i32(n, hw[0], hw[1]);
    t.backend().argmaxMaps(maps, classes, factor, seeds);
    double[] values = t.values(maps);
    int positions = hw[0] * hw[1];
    for (int b = 0; b < n; b++) {
      for (int p = 0; p < positions; p++) {
        values[classes.begin(b) * positions + p] *= factor;
      }
    }
    t.outDecisions("seeds", seeds, Trial.margins(values, classes, positions, false));
  }

  /** Seeds of every class and of none; supports on both sides of the share and equal to it. */
  private static void limit(Trial t, int n, ClassRows classes, int[] hw, float share) {
    int[] seeds = new int[n * hw[0] * hw[1]];
    for (int i = 0; i < seeds.length; i++) {
      seeds[i] = i % (classes.total() + 2) - 1;
    }
    Tensor support = t.coarse(classes.rows(), hw[0], hw[1]);
    Tensor limited = t.tensor(seeds, n, hw[0], hw[1]);
    t.backend().limitSeeds(support, classes, share, limited);
    t.out("seeds", limited);
  }

  private static Tensor maps(Trial t, boolean ties, boolean flat, int[] s) {
    if (flat) {
      // Flat at 0: the map of a class without seeds.
      return t.constant(0, s[0], s[1], s[2]);
    }
    return ties ? t.coarse(s[0], s[1], s[2]) : t.uniform(0.1, 0.9, s[0], s[1], s[2]);
  }

  private static void normalize(Trial t, int[] s, Normalization mode, boolean ties, boolean flat) {
    Tensor out = t.f32(s[0], s[1], s[2]);
    Tensor peak = t.i32(s[0], 2);
    t.backend().normalizeMaps(maps(t, ties, flat, s), mode, EPS, out, peak);
    t.outWithZeros("out", out);
    t.out("peak", peak);
  }

  private static void normalizeBackward(
      Trial t, int[] s, Normalization mode, boolean ties, boolean flat) {
    Tensor maps = maps(t, ties, flat, s);
    Tensor peak = t.i32(s[0], 2);
    t.backend().normalizeMaps(maps, mode, EPS, t.f32(s[0], s[1], s[2]), peak);
    Tensor dMaps = t.f32(s[0], s[1], s[2]);
    t.backend().normalizeMapsBackward(maps, mode, EPS, peak, t.normal(s[0], s[1], s[2]), dMaps);
    t.out("peak", peak);
    t.out("dMaps", dMaps);
  }
}
