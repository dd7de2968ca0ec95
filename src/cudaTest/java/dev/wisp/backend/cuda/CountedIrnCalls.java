package dev.wisp.backend.cuda;

import dev.wisp.backend.PathIndex;
import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/** IRN's operations on one map of 64 x 64 positions, a quarter of the method's, paths of 10. */
final class CountedIrnCalls {
  private static final long GRID = 64;
  private static final long POSITIONS = GRID * GRID;
  private static final long PIECES = POSITIONS / 256;
  private static final PathIndex PATHS = PathIndex.of(10);
  private static final int CLASSES = 20;
  private static final long INDEX = 4L * (PATHS.count() + 1) + 8L * PATHS.count();
  private static final long ALL_INDEX = 4L * (PATHS.count() + 1) + 8L * PATHS.begin(PATHS.count());
  private static final double PAIRS =
      (double) PATHS.count() * PATHS.sourceRows((int) GRID) * PATHS.sourceColumns((int) GRID);
  private static final String MAP = "64x64, radius 10";

  private static final String PAIRS_NOTE =
      "each position is read for every path through it and every thread reads all paths; both"
          + " lie in the L1 cache";

  private static final String TOTALS_NOTE =
      "the three sums of a piece fill no whole sectors, and two of them are read alone";

  private static final long CHANNELS = 64;
  private static final long GROUPS = 8;
  private static final long FEATURES = POSITIONS * CHANNELS;
  private static final String SIZE = "64x64x64, 8 groups";

  private static final String CONSTANTS =
      "each element reads the constants of its channel and group, which lie in the L1 cache";

  private CountedIrnCalls() {}

  static List<CountedCall> all() {
    return Stream.of(groupNorms(), corners(), pairs(), walks()).flatMap(List::stream).toList();
  }

  private static Tensor features(CountedCall.Operands t) {
    return t.floats(1, GRID, GRID, CHANNELS);
  }

  private static List<CountedCall> groupNorms() {
    long constants = 8 * GROUPS;
    return List.of(
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor x = features(t);
                  Tensor gamma = t.floats(CHANNELS);
                  Tensor beta = t.floats(CHANNELS);
                  Tensor y = t.out(1, GRID, GRID, CHANNELS);
                  Tensor mean = t.out(1, GROUPS);
                  Tensor invStd = t.out(1, GROUPS);
                  return () -> b.groupNormForward(x, gamma, beta, 1e-5f, true, y, mean, invStd);
                })
            .launches(
                "wisp_group_norm_statistics",
                Work.of(4 * FEATURES + constants, 0).withDoubles(4.0 * FEATURES))
            .launches(
                "wisp_group_norm_forward",
                Work.of(8 * FEATURES + 8 * CHANNELS + constants, 5 * FEATURES),
                CONSTANTS),
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor x = features(t);
                  Tensor dy = features(t);
                  Tensor gamma = t.floats(CHANNELS);
                  Tensor mean = t.floats(1, GROUPS);
                  Tensor invStd = t.positive(1, GROUPS);
                  Tensor dx = t.out(1, GRID, GRID, CHANNELS);
                  Tensor dgamma = t.out(CHANNELS);
                  Tensor dbeta = t.out(CHANNELS);
                  return () -> b.groupNormBackward(x, dy, gamma, mean, invStd, dx, dgamma, dbeta);
                })
            .launches(
                "wisp_group_norm_gradient_sums",
                Work.of(8 * FEATURES + constants + 16 * CHANNELS, 0).withDoubles(7.0 * FEATURES))
            .launches(
                "wisp_group_norm_parameters", Work.of(24 * CHANNELS, 0).withDoubles(2.0 * CHANNELS))
            .launches(
                "wisp_group_norm_means",
                Work.of(20 * CHANNELS + constants, 0).withDoubles(5.0 * CHANNELS),
                "threads read sums of groups, which lie apart; the next read the sectors' rest")
            .launches(
                "wisp_group_norm_backward",
                Work.of(12 * FEATURES + 4 * CHANNELS + 2 * constants, 7 * FEATURES),
                CONSTANTS));
  }

  private static List<CountedCall> corners() {
    long corner = 63 * 63 * CHANNELS;
    return List.of(
        new CountedCall(
                "63x63 of 64x64, 64 of 128 channels",
                (b, t) -> {
                  Tensor source = features(t);
                  Tensor target = t.out(1, 63, 63, 128);
                  return () -> b.crop(source, target, 32);
                })
            .launches("wisp_crop", Work.of(8 * corner, 0)),
        new CountedCall(
                "63x63 of 64x64, 64 of 128 channels",
                (b, t) -> {
                  Tensor target = t.floats(1, 63, 63, 128);
                  Tensor source = t.out(1, GRID, GRID, CHANNELS);
                  return () -> b.cropBackward(target, 32, source);
                })
            .launches("wisp_crop_backward", Work.of(4 * corner + 4 * FEATURES, 0)),
        new CountedCall(
                "64x64x64",
                (b, t) -> {
                  Tensor x = features(t);
                  Tensor out = t.out(1, GRID, GRID, CHANNELS);
                  return () -> b.sigmoid(x, 1, out);
                })
            .launches("wisp_sigmoid", Work.of(8 * FEATURES, 0).withDoubles(40.0 * FEATURES)),
        new CountedCall(
                "64x64x64",
                (b, t) -> {
                  Tensor y = features(t);
                  Tensor dy = features(t);
                  Tensor dx = t.out(1, GRID, GRID, CHANNELS);
                  return () -> b.sigmoidBackward(y, dy, 1, dx);
                })
            .launches("wisp_sigmoid_backward", Work.of(12 * FEATURES, 4 * FEATURES)));
  }

  private static Tensor labels(CountedCall.Operands t) {
    return t.anyOf(new int[] {0, 0, 0, 5, 5, 255}, 1, GRID, GRID);
  }

  private static List<CountedCall> pairs() {
    long sums = 24 * PIECES;
    float[] weights = {1, 1, 1};
    float[] two = {1, 1};
    // Operations of half the offsets' comparisons: a path that is left early compares few.
    double offsets = PAIRS / PATHS.count() * PATHS.begin(PATHS.count());
    return List.of(
        new CountedCall(
                MAP,
                (b, t) -> {
                  Tensor label = labels(t);
                  Tensor counts = t.out(1, 3);
                  return () -> b.pairCounts(label, PATHS, CLASSES, counts);
                })
            .launches(
                "wisp_pair_counts", Work.of(4 * POSITIONS + INDEX + sums, 10 * PAIRS), PAIRS_NOTE)
            .launches(
                "wisp_pair_totals", Work.of(sums + 12, 0).withDoubles(3.0 * PIECES), TOTALS_NOTE),
        new CountedCall(
                MAP + ", affinities",
                (b, t) -> {
                  Tensor boundary = t.positive(1, GRID, GRID);
                  Tensor label = labels(t);
                  Tensor losses = t.out(1, 3);
                  Tensor slope = t.out(1, GRID, GRID);
                  return () ->
                      b.pathAffinityLoss(boundary, label, PATHS, CLASSES, weights, losses, slope);
                })
            .launches(
                "wisp_path_affinity",
                Work.of(8 * POSITIONS + ALL_INDEX + sums, 2 * offsets + 25 * PAIRS),
                PAIRS_NOTE)
            .launches(
                "wisp_pair_totals", Work.of(sums + 12, 0).withDoubles(3.0 * PIECES), TOTALS_NOTE)
            .launches(
                "wisp_path_affinity_backward",
                Work.of(12 * POSITIONS + ALL_INDEX, 2 * offsets + 12 * PAIRS),
                PAIRS_NOTE),
        new CountedCall(
                MAP + ", displacements",
                (b, t) -> {
                  Tensor displacement = t.floats(1, GRID, GRID, 2);
                  Tensor label = labels(t);
                  Tensor losses = t.out(1, 2);
                  Tensor slope = t.out(1, GRID, GRID, 2);
                  return () ->
                      b.displacementLoss(displacement, label, PATHS, CLASSES, two, losses, slope);
                })
            .launches(
                "wisp_displacement",
                Work.of(12 * POSITIONS + INDEX + sums, 0).withDoubles(12 * PAIRS),
                PAIRS_NOTE)
            .launches(
                "wisp_pair_totals",
                Work.of(16 * PIECES + 8, 0).withDoubles(2.0 * PIECES),
                TOTALS_NOTE)
            .launches(
                "wisp_displacement_backward",
                Work.of(20 * POSITIONS + INDEX, 0).withDoubles(20 * PAIRS),
                PAIRS_NOTE));
  }

  private static List<CountedCall> walks() {
    long maps = 4;
    int steps = 4;
    long table = 8 * PATHS.count() * POSITIONS;
    double pairs = (double) PATHS.count() * POSITIONS;
    return List.of(
        new CountedCall(
                MAP + ", 4 maps, 4 steps",
                (b, t) -> {
                  Tensor boundary = t.positive(GRID, GRID);
                  Tensor seeds = t.positive(maps, GRID, GRID);
                  Tensor out = t.out(maps, GRID, GRID);
                  return () -> b.randomWalk(boundary, seeds, PATHS, 10, steps, out);
                })
            .launches(
                "wisp_walk_affinities",
                Work.of(4 * POSITIONS + ALL_INDEX + table, 0).withDoubles(100 * pairs),
                PAIRS_NOTE)
            .launches(
                "wisp_walk_inverse",
                Work.of(table + INDEX + 8 * POSITIONS, 0).withDoubles(2 * pairs),
                "an affinity is read in both directions, and every thread reads all paths")
            .launches(
                "wisp_walk_start",
                Work.of(4 * POSITIONS + 12 * maps * POSITIONS, 0)
                    .withDoubles(2.0 * maps * POSITIONS))
            .launches(
                "wisp_walk_step",
                Work.of(table + INDEX + 8 * POSITIONS + 16 * maps * POSITIONS, 0)
                    .withDoubles(4 * pairs * maps)
                    .times(steps),
                "an affinity is read in both directions, and a position by each of its neighbours")
            .launches(
                "wisp_walk_finish",
                Work.of(12 * maps * POSITIONS, 0).withDoubles(1.0 * maps * POSITIONS)));
  }
}
