package dev.wisp.backend.cuda;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.backend.PamrOptions;
import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * The method's operations for one image: features of 32 x 32 x 768, 21 classes of which the
 * background and three have maps, a guide of 128 x 128 pixels; and the least work by the formulas
 * in the kernels' headers.
 */
final class CountedMethodCalls {
  private static final float EPS = 1e-5f;
  private static final long GRID = 32;
  private static final long POSITIONS = GRID * GRID;
  private static final long DEPTH = 768;
  private static final long FEATURES = POSITIONS * DEPTH;

  /** Foreground classes. */
  private static final int CLASSES = 20;

  private static final ClassRows PRESENT = ClassRows.present(new int[][] {{1, 8, 15}}, CLASSES);
  private static final int[] IDS = PRESENT.ids();
  private static final long ROWS = IDS.length;
  private static final long MAPS = ROWS * POSITIONS;
  private static final long CAM = POSITIONS * CLASSES;

  /** The rows' classes and the images' rows. */
  private static final long LISTS = 4 * (2 + ROWS);

  private static final String FEATURE_SIZE = "32x32x768, 4 of 21 classes";
  private static final String CAM_SIZE = "32x32, 20 classes and the background, 4 with maps";
  private static final String MAPS_SIZE = "4 maps of 32x32";

  private CountedMethodCalls() {}

  static List<CountedCall> all() {
    return Stream.of(maps(), normalized(), structure(), prototypes(), reactivation(), refinement())
        .flatMap(List::stream)
        .toList();
  }

  private static List<CountedCall> maps() {
    int[] places = {0, 17, 512, 1023};
    int[] winners = {1, 8, 15, 20};
    return List.of(
        new CountedCall(
                CAM_SIZE,
                (b, t) -> {
                  Tensor cam = t.floats(1, GRID, GRID, CLASSES);
                  Tensor valid = t.ones(1, GRID, GRID);
                  Tensor maps = t.out(ROWS, GRID, GRID);
                  Tensor peak = t.outInts(1, CLASSES);
                  Tensor winner = t.outInts(1, GRID, GRID);
                  return () -> b.camToMaps(cam, valid, PRESENT, EPS, maps, peak, winner);
                })
            .launches("wisp_cam_to_maps_peaks", Work.of(4 * CAM + 8 * CLASSES, 5 * CAM))
            .launches(
                "wisp_cam_to_maps",
                Work.of(4 * CAM + 8 * POSITIONS + 4 * CLASSES + 4 * MAPS + LISTS, 8 * CAM),
                "each element reads its class's divisor, each map its class activation again, from"
                    + " the L1 cache"),
        new CountedCall(
                CAM_SIZE,
                (b, t) -> {
                  Tensor cam = t.floats(1, GRID, GRID, CLASSES);
                  Tensor valid = t.ones(1, GRID, GRID);
                  Tensor peak = t.anyOf(places, 1, CLASSES);
                  Tensor winner = t.anyOf(winners, 1, GRID, GRID);
                  Tensor dMaps = t.floats(ROWS, GRID, GRID);
                  Tensor dCam = t.out(1, GRID, GRID, CLASSES);
                  return () ->
                      b.camToMapsBackward(cam, valid, PRESENT, EPS, peak, winner, dMaps, dCam);
                })
            .launches(
                "wisp_cam_to_maps_backward_peaks",
                Work.of(4 * CAM + 8 * POSITIONS + 4 * MAPS + 16 * CLASSES + LISTS, 6 * CAM),
                "a block for each class: each reads the validity, the winner and the background's"
                    + " gradient of every position, and its class's activations with a stride, from"
                    + " the L2 cache")
            .launches(
                "wisp_cam_to_maps_backward",
                Work.of(8 * CAM + 8 * POSITIONS + 4 * MAPS + 16 * CLASSES + LISTS, 20 * CAM),
                "each positive activation reads eight values of its class, its position and the"
                    + " lists, from the L1 cache"),
        new CountedCall(
                MAPS_SIZE,
                (b, t) -> {
                  Tensor maps = t.positive(ROWS, GRID, GRID);
                  Tensor seeds = t.outInts(1, GRID, GRID);
                  return () -> b.argmaxMaps(maps, PRESENT, 0.8f, seeds);
                })
            .launches(
                "wisp_argmax_maps",
                Work.of(4 * MAPS + 4 * POSITIONS + LISTS, 3 * MAPS),
                "each position reads the rows' classes, the same for all"),
        new CountedCall(
                MAPS_SIZE,
                (b, t) -> {
                  Tensor support = t.positive(ROWS, GRID, GRID);
                  Tensor seeds = t.outInts(1, GRID, GRID);
                  b.argmaxMaps(support, PRESENT, 1, seeds);
                  return () -> b.limitSeeds(support, PRESENT, 0.5f, seeds);
                })
            .launches(
                "wisp_limit_seeds",
                Work.of(4 * POSITIONS + 8 * POSITIONS + LISTS, MAPS),
                "each position reads the rows' classes, the same for all"));
  }

  private static List<CountedCall> normalized() {
    return List.of(
        new CountedCall(
                MAPS_SIZE,
                (b, t) -> {
                  Tensor maps = t.floats(ROWS, GRID, GRID);
                  Tensor out = t.out(ROWS, GRID, GRID);
                  Tensor peak = t.outInts(ROWS, 2);
                  return () -> b.normalizeMaps(maps, Normalization.MIN_MAX, EPS, out, peak);
                })
            .launches("wisp_normalize_maps", Work.of(8 * MAPS + 8 * ROWS, 6 * MAPS)),
        new CountedCall(
                MAPS_SIZE,
                (b, t) -> {
                  Tensor maps = t.floats(ROWS, GRID, GRID);
                  Tensor peak = t.outInts(ROWS, 2);
                  Tensor dOut = t.floats(ROWS, GRID, GRID);
                  Tensor dMaps = t.floats(ROWS, GRID, GRID);
                  b.normalizeMaps(maps, Normalization.MIN_MAX, EPS, dMaps, peak);
                  return () ->
                      b.normalizeMapsBackward(maps, Normalization.MIN_MAX, EPS, peak, dOut, dMaps);
                })
            .launches(
                "wisp_normalize_maps_backward",
                Work.of(12 * MAPS + 8 * ROWS, 5 * MAPS).withDoubles(5.0 * MAPS)),
        new CountedCall(
                "32x32x768",
                (b, t) -> {
                  Tensor x = t.floats(1, GRID, GRID, DEPTH);
                  Tensor y = t.out(1, GRID, GRID, DEPTH);
                  Tensor norms = t.out(1, GRID, GRID);
                  return () -> b.l2Normalize(x, EPS, y, norms);
                })
            .launches("wisp_l2_normalize", Work.of(8 * FEATURES + 4 * POSITIONS, 3 * FEATURES)),
        new CountedCall(
                "32x32x768",
                (b, t) -> {
                  Tensor x = t.floats(1, GRID, GRID, DEPTH);
                  Tensor norms = t.positive(1, GRID, GRID);
                  Tensor dy = t.floats(1, GRID, GRID, DEPTH);
                  Tensor dx = t.out(1, GRID, GRID, DEPTH);
                  return () -> b.l2NormalizeBackward(x, norms, dy, EPS, dx);
                })
            .launches(
                "wisp_l2_normalize_backward",
                Work.of(12 * FEATURES + 4 * POSITIONS, 5 * FEATURES)));
  }

  /** The structure analysis with each way to make its products. */
  private static List<CountedCall> structure() {
    long panels = POSITIONS / 64;
    long pairs = panels * (panels + 1) / 2;
    long lines = ROWS + 1;
    long sums = pairs * lines * POSITIONS;
    double products = 2.0 * 64 * 64 * DEPTH * pairs;
    double weighted = 4.0 * 64 * 64 * lines * pairs;
    Work memory = Work.of(4 * FEATURES + 4 * MAPS + 8 + 4 * sums, products + weighted);
    Work halves = Work.of(memory.bytes(), products / 16 + weighted).withHalves(3 * products);
    Work units = Work.of(8 * FEATURES, 3 * FEATURES);
    Work packed = Work.of(8 * FEATURES, 6 * FEATURES);
    return List.of(
        structure("ptx:52", "wisp_structure_units", units, "wisp_structure_sums", memory, sums),
        structure(
            "ptx:70",
            "wisp_structure_units_half",
            packed,
            "wisp_structure_sums_m8n8k4",
            halves,
            sums),
        structure(
            "ptx:75",
            "wisp_structure_units_half",
            packed,
            "wisp_structure_sums_m16n8k8",
            halves,
            sums));
  }

  private static CountedCall structure(
      String code, String unitsKernel, Work units, String sumsKernel, Work memory, long sums) {
    long lines = ROWS + 1;
    long runs = sums / (lines * POSITIONS);
    return new CountedCall(
            FEATURE_SIZE,
            (b, t) -> {
              Tensor feature = t.floats(1, GRID, GRID, DEPTH);
              Tensor maps = t.positive(ROWS, GRID, GRID);
              Tensor valid = t.ones(1, GRID, GRID);
              Tensor seeds = t.outInts(1, GRID, GRID);
              Tensor iou = t.out(ROWS, GRID, GRID);
              return () ->
                  b.structureSeeds(feature, maps, PRESENT, PRESENT, valid, EPS, seeds, iou);
            })
        .compiledTo(code)
        .launches(unitsKernel, units)
        .launches("wisp_structure_mass", Work.of(4 * MAPS + 4 * ROWS, 0).withDoubles(2.0 * MAPS))
        .launches(
            sumsKernel,
            memory,
            "each of the 136 pairs of panels of 64 positions reads both panels, from the L2 cache;"
                + " larger tiles would read less and leave fewer blocks")
        .launches(
            "wisp_structure_choose",
            Work.of(
                4 * sums + 4 * lines * POSITIONS + 8 * POSITIONS + 4 * MAPS + 4 * ROWS + 2 * LISTS,
                (double) (runs + 8) * lines * POSITIONS));
  }

  private static List<CountedCall> prototypes() {
    return List.of(
        new CountedCall(
                FEATURE_SIZE + ", a seed everywhere",
                (b, t) -> {
                  Tensor feature = t.floats(1, GRID, GRID, DEPTH);
                  Tensor seeds = t.anyOf(IDS, 1, GRID, GRID);
                  Tensor prototypes = t.out(ROWS, DEPTH);
                  return () -> b.prototypes(feature, seeds, PRESENT, prototypes);
                })
            .launches(
                "wisp_prototypes",
                Work.of(4 * FEATURES + 4 * POSITIONS + 4 * ROWS * DEPTH + LISTS, FEATURES)),
        new CountedCall(
                FEATURE_SIZE + ", a seed everywhere",
                (b, t) -> {
                  Tensor dPrototypes = t.floats(ROWS, DEPTH);
                  Tensor seeds = t.anyOf(IDS, 1, GRID, GRID);
                  Tensor dFeature = t.floats(1, GRID, GRID, DEPTH);
                  return () -> b.prototypesBackward(dPrototypes, seeds, PRESENT, dFeature);
                })
            .launches(
                "wisp_prototypes_backward",
                Work.of(8 * FEATURES + 4 * POSITIONS + 4 * ROWS * DEPTH + LISTS, 2 * FEATURES)));
  }

  private static List<CountedCall> reactivation() {
    return List.of(
        new CountedCall(
                FEATURE_SIZE,
                (b, t) -> {
                  Tensor feature = t.floats(1, GRID, GRID, DEPTH);
                  Tensor prototypes = t.floats(ROWS, DEPTH);
                  Tensor featureNorms = t.out(1, GRID, GRID);
                  Tensor prototypeNorms = t.out(ROWS);
                  Tensor maps = t.out(ROWS, GRID, GRID);
                  return () ->
                      b.reactivate(
                          feature, prototypes, PRESENT, featureNorms, prototypeNorms, maps);
                })
            .launches(
                "wisp_reactivate_norms", Work.of(4 * ROWS * DEPTH + 4 * ROWS, 2 * ROWS * DEPTH))
            .launches(
                "wisp_reactivate",
                Work.of(
                    4 * FEATURES + 4 * ROWS * (DEPTH + 1) + 4 * POSITIONS + 4 * MAPS + 8,
                    (2 * ROWS + 2) * FEATURES),
                "prototypes are read for every four positions, from the L1 cache"),
        new CountedCall(
                FEATURE_SIZE,
                (b, t) -> {
                  Tensor feature = t.floats(1, GRID, GRID, DEPTH);
                  Tensor prototypes = t.floats(ROWS, DEPTH);
                  Tensor featureNorms = t.out(1, GRID, GRID);
                  Tensor prototypeNorms = t.out(ROWS);
                  Tensor maps = t.out(ROWS, GRID, GRID);
                  b.reactivate(feature, prototypes, PRESENT, featureNorms, prototypeNorms, maps);
                  Tensor dMaps = t.floats(ROWS, GRID, GRID);
                  Tensor dFeature = t.floats(1, GRID, GRID, DEPTH);
                  Tensor dPrototypes = t.out(ROWS, DEPTH);
                  return () ->
                      b.reactivateBackward(
                          feature,
                          prototypes,
                          PRESENT,
                          featureNorms,
                          prototypeNorms,
                          maps,
                          dMaps,
                          dFeature,
                          dPrototypes);
                })
            .launches(
                "wisp_reactivate_backward",
                Work.of(
                    12 * FEATURES + 8 * ROWS * DEPTH + 4 * ROWS + 4 * POSITIONS + 8 * MAPS + 8,
                    (4 * ROWS + 2) * FEATURES)));
  }

  private static List<CountedCall> refinement() {
    long side = 128;
    long pixels = side * side;
    PamrOptions options = PamrOptions.standard();
    long neighbours = options.neighbours();
    Work step =
        Work.of(4 * neighbours * pixels + 8 * ROWS * pixels, 2 * neighbours * ROWS * pixels);
    return List.of(
        new CountedCall(
                "128x128x3, 48 neighbours",
                (b, t) -> {
                  Tensor guide = t.positive(1, side, side, 3);
                  Tensor affinity = t.out(1, neighbours, side, side);
                  return () -> b.pamrAffinity(guide, options, affinity, null, null);
                })
            .launches(
                "wisp_pamr_affinity",
                Work.of(
                    (12 + 4 * neighbours) * pixels, (8 * 3 + 12) * neighbours * (double) pixels),
                "reads every tap, 147 values a pixel, of which 3 are new to the L1 cache; a pixel's"
                    + " channels lie side by side, so that a load touches three times the sectors"),
        new CountedCall(
                "128x128, 48 neighbours, 4 maps, 10 steps",
                (b, t) -> {
                  Tensor affinity = t.positive(1, neighbours, side, side);
                  Tensor maps = t.positive(ROWS, side, side);
                  Tensor out = t.out(ROWS, side, side);
                  return () -> b.pamrSteps(affinity, maps, PRESENT, options, out);
                })
            .launches(
                "wisp_pamr_step",
                step.times(options.iterations()),
                "reads every tap of every map, 192 values a pixel, of which 4 are new to the L1"
                    + " cache"));
  }
}
