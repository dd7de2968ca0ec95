package dev.wisp.backend.cuda;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/** Elementwise operations, resizing, means and losses, and the least work by their headers. */
final class CountedPointwiseCalls {
  private static final long GRID = 32;
  private static final long POSITIONS = GRID * GRID;
  private static final long DEPTH = 768;
  private static final long ELEMENTS = POSITIONS * DEPTH;
  private static final int CLASSES = 20;
  private static final long CAM = POSITIONS * CLASSES;
  private static final String SIZE = "32x32x768";
  private static final String CAM_SIZE = "32x32x20";

  private static final String GATHERED =
      "each source element reads every target that it gave to, and its neighbours' lie apart; a"
          + " target's up to four sources meet in the L1 cache";

  private CountedPointwiseCalls() {}

  static List<CountedCall> all() {
    return Stream.of(elementwise(), resizing(), means()).flatMap(List::stream).toList();
  }

  private static Tensor features(CountedCall.Operands t) {
    return t.floats(1, GRID, GRID, DEPTH);
  }

  private static List<CountedCall> elementwise() {
    long guide = 128 * 128 * 3;
    return List.of(
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor target = t.out(1, GRID, GRID, DEPTH);
                  return () -> b.fill(target, 1);
                })
            .launches("wisp_fill", Work.of(4 * ELEMENTS, 0)),
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor source = features(t);
                  Tensor target = t.out(1, GRID, GRID, DEPTH);
                  return () -> b.copy(source, target);
                })
            .launches("wisp_copy", Work.of(8 * ELEMENTS, 0)),
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor source = features(t);
                  Tensor target = features(t);
                  return () -> b.addScaled(0.5f, source, target);
                })
            .launches("wisp_add_scaled", Work.of(12 * ELEMENTS, 2 * ELEMENTS)),
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor x = features(t);
                  Tensor factor = t.ones(2);
                  return () -> b.scale(x, factor);
                })
            .launches("wisp_scale", Work.of(8 * ELEMENTS, ELEMENTS)),
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor x = features(t);
                  return () -> b.relu(x, x);
                })
            .launches("wisp_relu", Work.of(8 * ELEMENTS, ELEMENTS)),
        new CountedCall(
                SIZE,
                (b, t) -> {
                  Tensor y = features(t);
                  Tensor dy = features(t);
                  Tensor extra = features(t);
                  return () -> b.reluBackward(y, dy, extra, dy);
                })
            .launches("wisp_relu_backward", Work.of(16 * ELEMENTS, 2 * ELEMENTS)),
        new CountedCall(
                CAM_SIZE,
                (b, t) -> {
                  Tensor mirrored = t.floats(1, GRID, GRID, CLASSES);
                  Tensor target = t.floats(1, GRID, GRID, CLASSES);
                  return () -> b.addMirrored(mirrored, target);
                })
            .launches("wisp_add_mirrored", Work.of(12 * CAM, CAM)),
        new CountedCall(
                "128x128x3",
                (b, t) -> {
                  Tensor x = t.floats(1, 128, 128, 3);
                  Tensor out = t.out(1, 128, 128, 3);
                  float[] mean = {0.5f, 0.4f, 0.3f};
                  float[] std = {0.2f, 0.2f, 0.2f};
                  return () -> b.denormalize(x, mean, std, out);
                })
            .launches("wisp_denormalize", Work.of(8 * guide, 2 * guide)));
  }

  private static List<CountedCall> resizing() {
    long rows = 4;
    long small = rows * POSITIONS;
    long large = 16 * small;
    long channels = 64;
    long fine = 64 * 64 * channels;
    long coarse = POSITIONS * channels;
    String features = "64x64x64 and 32x32, 64 of 768 channels";
    String maps = "4 maps of 32x32 and 128x128";
    return List.of(
        new CountedCall(
                features,
                (b, t) -> {
                  Tensor source = t.floats(1, 64, 64, channels);
                  Tensor target = t.out(1, GRID, GRID, DEPTH);
                  return () -> b.resizeBilinear(source, target, 128, true);
                })
            .launches("wisp_resize_bilinear", Work.of(4 * fine + 4 * coarse, 9 * coarse)),
        new CountedCall(
                maps,
                (b, t) -> {
                  Tensor source = t.floats(rows, GRID, GRID, 1);
                  Tensor target = t.out(rows, 128, 128, 1);
                  return () -> b.resizeBilinear(source, target, 0, true);
                })
            .launches(
                "wisp_resize_bilinear",
                Work.of(4 * small + 4 * large, 9 * large),
                "each element reads its four taps; they meet in the L1 cache"),
        new CountedCall(
                features,
                (b, t) -> {
                  Tensor target = features(t);
                  Tensor source = t.out(1, 64, 64, channels);
                  return () -> b.resizeBilinearBackward(target, 128, source, true);
                })
            .launches(
                "wisp_resize_bilinear_backward",
                Work.of(4 * fine + 4 * coarse, 8 * coarse),
                GATHERED),
        new CountedCall(
                maps,
                (b, t) -> {
                  Tensor target = t.floats(rows, 128, 128, 1);
                  Tensor source = t.out(rows, GRID, GRID, 1);
                  return () -> b.resizeBilinearBackward(target, 0, source, true);
                })
            .launches(
                "wisp_resize_bilinear_backward",
                Work.of(4 * small + 4 * large, 8 * large),
                GATHERED));
  }

  private static List<CountedCall> means() {
    ClassRows present = ClassRows.present(new int[][] {{1, 8, 15}}, CLASSES);
    long maps = present.rows() * POSITIONS;
    return List.of(
        new CountedCall(
                CAM_SIZE,
                (b, t) -> {
                  Tensor x = t.floats(1, GRID, GRID, CLASSES);
                  Tensor out = t.out(1, CLASSES);
                  return () -> b.spatialMean(x, out);
                })
            .launches(
                "wisp_spatial_mean", Work.of(4 * CAM + 4 * CLASSES, 0).withDoubles(2.0 * CAM)),
        new CountedCall(
                CAM_SIZE,
                (b, t) -> {
                  Tensor out = t.floats(1, CLASSES);
                  Tensor dx = t.floats(1, GRID, GRID, CLASSES);
                  return () -> b.spatialMeanBackward(out, dx);
                })
            .launches("wisp_spatial_mean_backward", Work.of(8 * CAM + 4 * CLASSES, 2 * CAM)),
        new CountedCall(
                "20 scores",
                (b, t) -> {
                  Tensor score = t.floats(1, CLASSES);
                  Tensor label = t.ones(1, CLASSES);
                  Tensor loss = t.out(1);
                  Tensor dScore = t.out(1, CLASSES);
                  return () -> b.softMarginLoss(score, label, loss, dScore);
                })
            .launches(
                "wisp_soft_margin_loss", Work.of(12 * CLASSES + 4, 0).withDoubles(200.0 * CLASSES)),
        new CountedCall(
                "4 maps of 32x32",
                (b, t) -> {
                  Tensor x = t.floats(present.rows(), GRID, GRID);
                  Tensor y = t.floats(present.rows(), GRID, GRID);
                  Tensor loss = t.out(1);
                  Tensor dx = t.out(present.rows(), GRID, GRID);
                  return () -> b.meanAbsoluteDifference(x, y, present, loss, dx);
                })
            .launches(
                "wisp_mean_absolute_difference_sums",
                Work.of(12 * maps + 8, 2 * maps).withDoubles(2.0 * maps))
            .launches(
                "wisp_mean_absolute_difference",
                Work.of(8 + 4, 0).withDoubles(1),
                "two values, a sector each"));
  }
}
