package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Cases of {@link dev.wisp.backend.SeedOps}. */
final class SeedCases {
  private static final float EPS = 1e-5f;

  /** h, w, d: lanes, primes, larger than any block of rows. */
  private static final int[][] GRIDS = {
    {1, 1, 1}, {2, 3, 3}, {5, 3, 15}, {4, 4, 16}, {1, 17, 17}, {9, 11, 64}, {17, 16, 20}
  };

  private SeedCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    ClassLists.each(
        (name, n, k, classes) -> {
          for (int[] s : GRIDS) {
            String text = "%s, %dx%dx%d".formatted(name, s[0], s[1], s[2]);
            cases.add(
                new ConformanceCase(
                    "structureSeeds",
                    text,
                    t -> seeds(t, s, classes, classes, Features.SIGNED, false)));
            cases.add(
                new ConformanceCase(
                    "structureSeeds",
                    text + ", zero features, some invalid",
                    t -> seeds(t, s, classes, classes, Features.WITH_ZEROS, true)));
            cases.add(new ConformanceCase("prototypes", text, t -> prototypes(t, s, k, classes)));
            cases.add(
                new ConformanceCase(
                    "prototypesBackward", text, t -> prototypesBackward(t, s, k, classes)));
            cases.add(new ConformanceCase("reactivate", text, t -> reactivate(t, s, classes)));
            cases.add(
                new ConformanceCase(
                    "reactivateBackward", text, t -> reactivateBackward(t, s, classes)));
          }
        });
    for (int[] s : GRIDS) {
      String text =
          "2 images, 20 classes compete, present {4}, {2, 9}, %dx%dx%d".formatted(s[0], s[1], s[2]);
      ClassRows present = ClassRows.present(new int[][] {{4}, {2, 9}}, 20);
      ClassRows all = ClassRows.all(2, 20);
      cases.add(
          new ConformanceCase(
              "structureSeeds", text, t -> seeds(t, s, all, present, Features.POSITIVE, true)));
    }
    int[] big = {19, 21, 40};
    ClassRows one = ClassRows.present(new int[][] {{3, 5, 11}}, 20);
    cases.add(
        new ConformanceCase(
            "structureSeeds",
            "1 image, 20 classes, present 3, 19x21x40",
            t -> seeds(t, big, one, one, Features.POSITIVE, false)));
    cases.add(
        new ConformanceCase(
            "structureSeeds", "classes with identical maps: the first wins", SeedCases::ties));
    cases.add(
        new ConformanceCase(
            "structureSeeds", "maps of zeros, iou not wanted", SeedCases::emptyMaps));
    cases.add(
        new ConformanceCase(
            "reactivate", "1 image, 3 classes, 5x7x771", t -> reactivate(t, wide(), three())));
    cases.add(
        new ConformanceCase(
            "reactivateBackward",
            "1 image, 3 classes, 5x7x771",
            t -> reactivateBackward(t, wide(), three())));
    cases.add(
        new ConformanceCase(
            "reactivate", "zero features and zero prototypes", t -> zeros(t, false)));
    cases.add(
        new ConformanceCase(
            "reactivateBackward", "zero features and zero prototypes", t -> zeros(t, true)));
    cases.add(
        new ConformanceCase("prototypes", "seeds that are no class", t -> strangers(t, false)));
    cases.add(
        new ConformanceCase(
            "prototypesBackward", "seeds that are no class", t -> strangers(t, true)));
    return cases;
  }

  /** Passed over, and the one real seed among them is not. */
  private static void strangers(Trial t, boolean backward) {
    ClassRows classes = ClassRows.present(new int[][] {{2}, {1, 3}}, 3);
    int[] ids = {-7, Integer.MAX_VALUE, Integer.MIN_VALUE, 4, 2, 123456789};
    int[] values = new int[2 * ids.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = ids[i % ids.length];
    }
    Tensor seeds = t.tensor(values, 2, 2, 3);
    if (backward) {
      Tensor dFeature = t.normal(2, 2, 3, 17);
      t.backend().prototypesBackward(t.normal(classes.rows(), 17), seeds, classes, dFeature);
      t.out("dFeature", dFeature);
      return;
    }
    Tensor prototypes = t.f32(classes.rows(), 17);
    t.backend().prototypes(t.normal(2, 2, 3, 17), seeds, classes, prototypes);
    t.outWithZeros("prototypes", prototypes);
  }

  private static int[] wide() {
    return new int[] {5, 7, 771};
  }

  private static ClassRows three() {
    return ClassRows.all(1, 3);
  }

  private enum Features {
    SIGNED,
    /** As after a ReLU: similarities never vanish. */
    POSITIVE,
    /** A fifth of the positions zero: IoU of absent classes is 0/0 there. */
    WITH_ZEROS
  }

  private static Tensor features(Trial t, Features kind, long... s) {
    return switch (kind) {
      case SIGNED -> t.normal(s);
      case POSITIVE -> t.uniform(0, 1, s);
      case WITH_ZEROS -> NormCases.withZeroVectors(t, s);
    };
  }

  private static void seeds(
      Trial t, int[] s, ClassRows classes, ClassRows present, Features kind, boolean withValid) {
    int n = classes.images();
    Tensor feature = features(t, kind, n, s[0], s[1], s[2]);
    Tensor maps = t.uniform(0, 1, classes.rows(), s[0], s[1]);
    Tensor valid = withValid ? t.mask(n, s[0], s[1]) : null;
    Tensor seeds = t.i32(n, s[0], s[1]);
    Tensor iou = t.f32(classes.rows(), s[0], s[1]);
    t.backend().structureSeeds(feature, maps, classes, present, valid, EPS, seeds, iou);
    t.out("iou", iou);
    t.outDecisions("seeds", seeds, Trial.margins(t.values(iou), classes, s[0] * s[1], true));
  }

  private static void ties(Trial t) {
    ClassRows classes = ClassRows.present(new int[][] {{3, 8, 13}}, 20);
    int positions = 7 * 9;
    float[] values = new float[4 * positions];
    for (int p = 0; p < positions; p++) {
      values[positions + p] = (float) t.random().nextDouble();
      values[2 * positions + p] = values[positions + p];
      values[3 * positions + p] = values[positions + p];
    }
    Tensor seeds = t.i32(1, 7, 9);
    t.backend()
        .structureSeeds(
            t.uniform(0, 1, 1, 7, 9, 48),
            t.tensor(values, 4, 7, 9),
            classes,
            classes,
            null,
            EPS,
            seeds,
            null);
    t.out("seeds", seeds);
  }

  private static void emptyMaps(Trial t) {
    ClassRows classes = ClassRows.present(new int[][] {{3, 8}, {}}, 20);
    Tensor seeds = t.i32(2, 5, 7);
    t.backend()
        .structureSeeds(
            NormCases.withZeroVectors(t, 2, 5, 7, 16),
            t.constant(0, classes.rows(), 5, 7),
            classes,
            classes,
            null,
            EPS,
            seeds,
            null);
    t.out("seeds", seeds);
  }

  private static void prototypes(Trial t, int[] s, int k, ClassRows classes) {
    int n = classes.images();
    Tensor prototypes = t.f32(classes.rows(), s[2]);
    t.backend()
        .prototypes(t.normal(n, s[0], s[1], s[2]), t.ids(k, n, s[0], s[1]), classes, prototypes);
    t.outWithZeros("prototypes", prototypes);
  }

  private static void prototypesBackward(Trial t, int[] s, int k, ClassRows classes) {
    int n = classes.images();
    Tensor dFeature = t.normal(n, s[0], s[1], s[2]);
    t.backend()
        .prototypesBackward(
            t.normal(classes.rows(), s[2]), t.ids(k, n, s[0], s[1]), classes, dFeature);
    t.out("dFeature", dFeature);
  }

  private static void reactivate(Trial t, int[] s, ClassRows classes) {
    int n = classes.images();
    Tensor featureNorms = t.f32(n, s[0], s[1]);
    Tensor prototypeNorms = t.f32(classes.rows());
    Tensor maps = t.f32(classes.rows(), s[0], s[1]);
    t.backend()
        .reactivate(
            t.normal(n, s[0], s[1], s[2]),
            t.normal(classes.rows(), s[2]),
            classes,
            featureNorms,
            prototypeNorms,
            maps);
    t.out("featureNorms", featureNorms);
    t.out("prototypeNorms", prototypeNorms);
    t.out("maps", maps);
  }

  private static void reactivateBackward(Trial t, int[] s, ClassRows classes) {
    Backend b = t.backend();
    int n = classes.images();
    Tensor feature = t.normal(n, s[0], s[1], s[2]);
    Tensor prototypes = t.normal(classes.rows(), s[2]);
    Tensor dPrototypes =
        backward(t, b, feature, prototypes, classes, t.normal(n, s[0], s[1], s[2]));
    t.out("dPrototypes", dPrototypes);
  }

  private static Tensor backward(
      Trial t, Backend b, Tensor feature, Tensor prototypes, ClassRows classes, Tensor dFeature) {
    long[] s = feature.shape().toArray();
    Tensor featureNorms = t.f32(s[0], s[1], s[2]);
    Tensor prototypeNorms = t.f32(classes.rows());
    Tensor maps = t.f32(classes.rows(), s[1], s[2]);
    b.reactivate(feature, prototypes, classes, featureNorms, prototypeNorms, maps);
    Tensor dPrototypes = t.f32(classes.rows(), s[3]);
    b.reactivateBackward(
        feature,
        prototypes,
        classes,
        featureNorms,
        prototypeNorms,
        maps,
        t.normal(classes.rows(), s[1], s[2]),
        dFeature,
        dPrototypes);
    t.out("dFeature", dFeature);
    return dPrototypes;
  }

  private static void zeros(Trial t, boolean backward) {
    ClassRows classes = ClassRows.present(new int[][] {{2, 5}}, 20);
    Tensor feature = NormCases.withZeroVectors(t, 1, 5, 7, 17);
    float[] values = new float[3 * 17];
    Arrays.fill(values, 0, 17, 0.5f);
    Arrays.fill(values, 34, 51, -0.25f);
    Tensor prototypes = t.tensor(values, 3, 17);
    if (backward) {
      Tensor dFeature = t.normal(1, 5, 7, 17);
      Tensor dPrototypes = backward(t, t.backend(), feature, prototypes, classes, dFeature);
      t.outWithZeros("dPrototypes", dPrototypes);
      return;
    }
    Tensor maps = t.f32(3, 5, 7);
    t.backend().reactivate(feature, prototypes, classes, t.f32(1, 5, 7), t.f32(3), maps);
    t.outWithZeros("maps", maps);
  }
}
