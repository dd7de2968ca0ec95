package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.backend.PamrOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/** Batches of no image, where nothing is computed and nobody complains, and odd numbers. */
final class HarmlessCalls {
  private static final float EPS = 1e-5f;
  private static final ClassRows NONE = ClassRows.present(new int[0][], 3);

  private HarmlessCalls() {}

  static List<Harmless> all() {
    List<Harmless> calls = new ArrayList<>();
    add(calls, "relu", (b, t) -> b.relu(t.f32(0, 3), t.f32(0, 3)));
    add(calls, "copy", (b, t) -> b.copy(t.f32(0), t.f32(0)));
    add(calls, "fill", (b, t) -> b.fill(t.f32(3, 0), 1));
    add(calls, "floats", (b, t) -> b.floats(t.f32(0, 2)));
    add(calls, "addScaled", (b, t) -> b.addScaled(1, t.f32(0), t.f32(0)));
    add(calls, "scale", (b, t) -> b.scale(t.f32(0), t.constant(2, 1)));
    add(calls, "addMirrored", (b, t) -> b.addMirrored(t.f32(0, 2, 3, 4), t.f32(0, 2, 3, 4)));
    add(calls, "spatialMean", (b, t) -> b.spatialMean(t.f32(0, 2, 3, 4), t.f32(0, 4)));
    add(
        calls,
        "spatialMeanBackward",
        (b, t) -> b.spatialMeanBackward(t.f32(0, 4), t.f32(0, 2, 3, 4)));
    add(
        calls,
        "l2Normalize",
        (b, t) -> b.l2Normalize(t.f32(0, 3, 5, 4), EPS, t.f32(0, 3, 5, 4), t.f32(0, 3, 5)));
    add(
        calls,
        "resizeBilinear",
        (b, t) -> b.resizeBilinear(t.f32(0, 3, 5, 1), t.f32(0, 6, 7, 1), 0, false));
    add(
        calls,
        "resizeBilinearBackward",
        (b, t) -> b.resizeBilinearBackward(t.f32(0, 6, 7, 1), 0, t.f32(0, 3, 5, 1), false));
    add(calls, "maxPool", (b, t) -> b.maxPool(t.f32(0, 4, 4, 2), t.f32(0, 2, 2, 2), null));
    add(calls, "convForward", HarmlessCalls::convolution);
    add(
        calls,
        "camToMaps",
        (b, t) ->
            b.camToMaps(
                t.f32(0, 3, 5, 3), null, NONE, EPS, t.f32(0, 3, 5), t.i32(0, 3), t.i32(0, 3, 5)));
    add(
        calls,
        "camToMapsBackward",
        (b, t) ->
            b.camToMapsBackward(
                t.f32(0, 3, 5, 3),
                null,
                NONE,
                EPS,
                t.i32(0, 3),
                t.i32(0, 3, 5),
                t.f32(0, 3, 5),
                t.f32(0, 3, 5, 3)));
    add(
        calls,
        "normalizeMaps",
        (b, t) ->
            b.normalizeMaps(t.f32(0, 3, 5), Normalization.MAX, 1, t.f32(0, 3, 5), t.i32(0, 2)));
    add(calls, "argmaxMaps", (b, t) -> b.argmaxMaps(t.f32(0, 3, 5), NONE, 1, t.i32(0, 3, 5)));
    add(calls, "limitSeeds", (b, t) -> b.limitSeeds(t.f32(0, 3, 5), NONE, 1, t.i32(0, 3, 5)));
    add(
        calls,
        "structureSeeds",
        (b, t) ->
            b.structureSeeds(
                t.f32(0, 3, 5, 4), t.f32(0, 3, 5), NONE, NONE, null, EPS, t.i32(0, 3, 5), null));
    add(
        calls,
        "prototypes",
        (b, t) -> b.prototypes(t.f32(0, 3, 5, 4), t.i32(0, 3, 5), NONE, t.f32(0, 4)));
    add(
        calls,
        "reactivate",
        (b, t) ->
            b.reactivate(
                t.f32(0, 3, 5, 4), t.f32(0, 4), NONE, t.f32(0, 3, 5), t.f32(0), t.f32(0, 3, 5)));
    add(
        calls,
        "pamrAffinity",
        (b, t) ->
            b.pamrAffinity(
                t.f32(0, 3, 5, 3), PamrOptions.standard(), t.f32(0, 48, 3, 5), null, null));
    add(
        calls,
        "pamrSteps",
        (b, t) ->
            b.pamrSteps(
                t.f32(0, 48, 3, 5), t.f32(0, 3, 5), NONE, PamrOptions.standard(), t.f32(0, 3, 5)));
    add(
        calls,
        "pixelCrossEntropy",
        (b, t) ->
            b.pixelCrossEntropy(
                t.f32(0, 3, 5, 4), t.labels(4, 0, 6, 7), t.f32(1), t.f32(0, 3, 5, 4)));
    add(
        calls,
        "addProbabilities",
        (b, t) -> b.addProbabilities(t.f32(0, 3, 5, 4), t.f32(0, 6, 7, 4)));
    add(calls, "argmaxLogits", (b, t) -> b.argmaxLogits(t.f32(0, 3, 5, 4), t.i32(0, 6, 7)));
    add(calls, "dropout", (b, t) -> b.dropout(t.f32(0, 3), 0.5f, 1, 0, t.f32(0, 3)));
    add(calls, "crop", (b, t) -> b.crop(t.f32(0, 3, 3, 2), t.f32(0, 2, 2, 2), 0));
    add(calls, "cropBackward", (b, t) -> b.cropBackward(t.f32(1, 0, 2, 2), 0, t.f32(1, 3, 3, 2)));
    add(calls, "sigmoid", (b, t) -> b.sigmoid(t.f32(0, 3), 1, t.f32(0, 3)));
    add(
        calls,
        "pairCounts",
        (b, t) -> b.pairCounts(t.i32(0, 9, 9), IrnSamples.PATHS, 3, t.f32(0, 3)));
    add(
        calls,
        "pathAffinityLoss",
        (b, t) ->
            b.pathAffinityLoss(
                t.f32(2, 0, 9),
                t.i32(2, 0, 9),
                IrnSamples.PATHS,
                3,
                new float[3],
                t.f32(2, 3),
                t.f32(2, 0, 9)));
    add(
        calls,
        "displacementLoss",
        (b, t) ->
            b.displacementLoss(
                t.f32(0, 9, 9, 2),
                t.i32(0, 9, 9),
                IrnSamples.PATHS,
                3,
                new float[2],
                t.f32(0, 2),
                t.f32(0, 9, 9, 2)));
    add(
        calls,
        "randomWalk",
        (b, t) ->
            b.randomWalk(t.f32(0, 5), t.f32(2, 0, 5), IrnSamples.PATHS, 10, 3, t.f32(2, 0, 5)));
    add(calls, "gradientNorm", (b, t) -> b.gradientNorm(List.of(), t.f32(1)));
    add(calls, "sgdStep", (b, t) -> b.sgdStep(List.of(), t.constant(0, 1), null, 1, 0, 0, true));
    calls.add(
        new Harmless(
            "argmaxMaps",
            "a background factor that is not a number",
            t ->
                () ->
                    t.backend()
                        .argmaxMaps(t.normal(3, 3, 4), Samples.ROWS, Float.NaN, t.i32(2, 3, 4))));
    calls.add(
        new Harmless(
            "limitSeeds",
            "a share that is not a number",
            t ->
                () ->
                    t.backend()
                        .limitSeeds(t.normal(3, 3, 4), Samples.ROWS, Float.NaN, t.i32(2, 3, 4))));
    return calls;
  }

  private static void convolution(Backend b, Trial t) {
    try (ConvWeights weights = b.convWeights(new ConvSpec(3, 4, 3, 1, 1, 1))) {
      b.loadWeights(weights, t.constant(0, 4, 3, 3, 3), null);
      b.convForward(weights, t.f32(0, 5, 5, 3), null, null, false, t.f32(0, 5, 5, 4));
    }
  }

  private static void add(List<Harmless> calls, String operation, BiConsumer<Backend, Trial> call) {
    calls.add(new Harmless(operation, "nothing at all", t -> () -> call.accept(t.backend(), t)));
  }
}
