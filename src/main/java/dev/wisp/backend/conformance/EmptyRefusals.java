package dev.wisp.backend.conformance;

import static dev.wisp.backend.conformance.Samples.ROWS;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.backend.PamrOptions;
import dev.wisp.backend.conformance.Refusal.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/** Means, maxima and pixels of nothing. */
final class EmptyRefusals {
  private static final float EPS = 1e-5f;

  private final List<Refusal> refusals = new ArrayList<>();

  private EmptyRefusals() {}

  static List<Refusal> all() {
    EmptyRefusals list = new EmptyRefusals();
    list.fill();
    return list.refusals;
  }

  private void add(String operation, String text, BiConsumer<Backend, Trial> call) {
    refusals.add(Refusal.of(operation, text, Kind.SHAPE, call));
  }

  private void fill() {
    add("scale", "no factor", (b, t) -> b.scale(t.f32(3), t.f32(0)));
    add("spatialMean", "no position", (b, t) -> b.spatialMean(t.f32(1, 0, 2, 3), t.f32(1, 3)));
    add(
        "softMarginLoss",
        "no image",
        (b, t) -> b.softMarginLoss(t.f32(0, 3), t.f32(0, 3), t.f32(1), null));
    ClassRows none = ClassRows.present(new int[0][], 2);
    add(
        "meanAbsoluteDifference",
        "no image",
        (b, t) -> b.meanAbsoluteDifference(t.f32(0, 2, 2), t.f32(0, 2, 2), none, t.f32(1), null));
    add(
        "meanAbsoluteDifference",
        "no position",
        (b, t) -> b.meanAbsoluteDifference(t.f32(3, 0, 2), t.f32(3, 0, 2), ROWS, t.f32(1), null));
    long[] noImage = {0, 2, 2, 3};
    add(
        "batchNormForward",
        "no image",
        (b, t) ->
            b.batchNormForward(
                t.f32(noImage),
                t.f32(3),
                t.f32(3),
                EPS,
                null,
                false,
                t.f32(noImage),
                t.f32(3),
                t.f32(3)));
    add(
        "batchNormBackward",
        "no image",
        (b, t) ->
            b.batchNormBackward(
                t.f32(noImage),
                t.f32(noImage),
                t.f32(3),
                t.f32(3),
                t.f32(3),
                t.f32(noImage),
                t.f32(3),
                t.f32(3)));
    add(
        "groupNormForward",
        "no image",
        (b, t) ->
            b.groupNormForward(
                t.f32(noImage),
                t.f32(3),
                t.f32(3),
                EPS,
                false,
                t.f32(noImage),
                t.f32(0, 3),
                t.f32(0, 3)));
    add(
        "groupNormBackward",
        "no position",
        (b, t) ->
            b.groupNormBackward(
                t.f32(2, 0, 2, 3),
                t.f32(2, 0, 2, 3),
                t.f32(3),
                t.f32(2, 1),
                t.f32(2, 1),
                t.f32(2, 0, 2, 3),
                t.f32(3),
                t.f32(3)));
    add("camToMaps", "no position", (b, t) -> SpecialRefusals.camToMaps(b, t, ROWS, 0, 2));
    add(
        "camToMaps",
        "no foreground class",
        (b, t) -> SpecialRefusals.camToMaps(b, t, ClassRows.all(1, 0), 3, 0));
    add(
        "camToMapsBackward",
        "no position",
        (b, t) ->
            b.camToMapsBackward(
                t.f32(2, 0, 4, 2),
                null,
                ROWS,
                EPS,
                t.i32(2, 2),
                t.i32(2, 0, 4),
                t.f32(3, 0, 4),
                t.f32(2, 0, 4, 2)));
    add(
        "normalizeMaps",
        "no position",
        (b, t) ->
            b.normalizeMaps(t.f32(2, 0, 2), Normalization.MAX, EPS, t.f32(2, 0, 2), t.i32(2, 2)));
    add(
        "normalizeMapsBackward",
        "no position",
        (b, t) ->
            b.normalizeMapsBackward(
                t.f32(2, 3, 0),
                Normalization.MAX,
                EPS,
                t.i32(2, 2),
                t.f32(2, 3, 0),
                t.f32(2, 3, 0)));
    add("maxPool", "no pixel", (b, t) -> b.maxPool(t.f32(1, 0, 4, 2), t.f32(1, 1, 2, 2), null));
    add(
        "maxPoolBackward",
        "no pixel",
        (b, t) -> b.maxPoolBackward(t.f32(1, 2, 1, 2), t.i32(1, 2, 1, 2), t.f32(1, 4, 0, 2)));
    add(
        "pamrAffinity",
        "no channel",
        (b, t) ->
            b.pamrAffinity(
                t.f32(1, 4, 4, 0), PamrOptions.standard(), t.f32(1, 48, 4, 4), null, null));
    add(
        "resizeBilinear",
        "no source pixel",
        (b, t) -> b.resizeBilinear(t.f32(1, 0, 2, 3), t.f32(1, 4, 4, 3), 0, true));
    add(
        "resizeBilinear",
        "no target pixel",
        (b, t) -> b.resizeBilinear(t.f32(1, 2, 2, 3), t.f32(1, 4, 0, 3), 0, true));
    add(
        "pixelCrossEntropy",
        "no class",
        (b, t) -> b.pixelCrossEntropy(t.f32(1, 2, 2, 0), t.labels(1, 1, 4, 4), t.f32(1), null));
    add(
        "addProbabilities",
        "no score",
        (b, t) -> b.addProbabilities(t.f32(1, 0, 2, 3), t.f32(1, 4, 4, 3)));
    add("argmaxLogits", "no pixel", (b, t) -> b.argmaxLogits(t.f32(1, 2, 2, 3), t.i32(1, 4, 0)));
    add(
        "resizeBilinearBackward",
        "no source pixel",
        (b, t) -> b.resizeBilinearBackward(t.f32(1, 4, 4, 3), 0, t.f32(1, 2, 0, 3), true));
  }
}
