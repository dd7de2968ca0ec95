package dev.wisp.backend.conformance;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.CrfOptions;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.backend.PamrOptions;
import java.util.List;
import java.util.stream.Stream;

/**
 * A valid call of every operation with every operand given. Sizes are small, and chosen so that
 * outputs have the element count of inputs where they may not share memory.
 */
final class Samples {
  private static final float EPS = 1e-5f;

  /** 3x3, stride 1, padding 1, 3 to 4 channels: sizes stay. */
  private static final ConvSpec CONV = new ConvSpec(3, 4, 3, 1, 1, 1);

  /** Two images, two classes: image 0 has class 1, image 1 none; three rows. */
  static final ClassRows ROWS = ClassRows.present(new int[][] {{1}, {}}, 2);

  private static final PamrOptions PAMR =
      new PamrOptions(new int[] {1, 2}, 2, PamrOptions.Kernel.ABS_STD, 0.1f);

  private Samples() {}

  static List<Sample> all() {
    return Stream.of(
            transfers(),
            convolutions(),
            norms(),
            resizing(),
            pointwise(),
            maps(),
            seeds(),
            segmentation(),
            rest(),
            IrnSamples.all(),
            HalfSamples.conversions())
        .flatMap(List::stream)
        .toList();
  }

  private static List<Sample> transfers() {
    return List.of(
        Sample.of("upload")
            .out("float target", 2, 3)
            .reshapable()
            .calls((b, w, t) -> b.upload(new float[6], t[0])),
        Sample.of("upload")
            .outInts("int target", 2, 3)
            .reshapable()
            .calls((b, w, t) -> b.upload(new int[6], t[0])),
        Sample.of("upload")
            .outBytes("byte target", 2, 3)
            .reshapable()
            .calls((b, w, t) -> b.upload(new byte[6], t[0])),
        Sample.of("upload")
            .out("target of a part", 2, 3)
            .free(0, 1)
            .reshapable()
            .calls((b, w, t) -> b.upload(new float[4], 2, t[0], 1)),
        Sample.of("download")
            .in("source", 2, 3)
            .free(0, 1)
            .reshapable()
            .calls((b, w, t) -> b.download(t[0], 1, new float[4], 2)),
        Sample.of("floats").in("source", 2).free(0).reshapable().calls((b, w, t) -> b.floats(t[0])),
        Sample.of("ints").ints("source", 2).free(0).reshapable().calls((b, w, t) -> b.ints(t[0])));
  }

  private static List<Sample> convolutions() {
    return List.of(
        Sample.of("convWeights").calls((b, w, t) -> b.convWeights(CONV).close()),
        Sample.of("loadWeights")
            .convolution(CONV)
            .in("weight", 4, 3, 3, 3)
            .in("scale", 2, 4)
            .calls((b, w, t) -> b.loadWeights(w, t[0], t[1])),
        Sample.of("convForward")
            .convolution(new ConvSpec(3, 3, 3, 1, 1, 1))
            .in("x", 2, 4, 5, 3)
            .in("bias", 3)
            .in("residual", 2, 4, 5, 3)
            .out("y", 2, 4, 5, 3)
            .over("residual")
            .calls((b, w, t) -> b.convForward(w, t[0], t[1], t[2], true, t[3])),
        Sample.of("convBackwardData")
            .convolution(new ConvSpec(3, 3, 3, 1, 1, 1))
            .in("dy", 2, 4, 5, 3)
            .out("dx", 2, 4, 5, 3)
            .calls((b, w, t) -> b.convBackwardData(w, t[0], t[1])),
        Sample.of("convBackwardWeights")
            .in("x", 1, 6, 6, 3)
            .in("dy", 1, 6, 6, 4)
            .out("dw", 4, 3, 3, 3)
            .out("db", 4)
            .calls((b, w, t) -> b.convBackwardWeights(CONV, t[0], t[1], t[2], t[3])),
        Sample.of("foldNorm")
            .in("gamma", 3)
            .in("beta", 3)
            .in("mean", 3)
            .in("var", 3)
            .out("scale", 2, 3)
            .out("bias", 3)
            .calls((b, w, t) -> b.foldNorm(t[0], t[1], t[2], t[3], EPS, t[4], t[5])),
        Sample.of("foldNormBackward")
            .in("dwFolded", 4, 3, 2, 2)
            .in("weight", 4, 3, 2, 2)
            .in("db", 4)
            .in("gamma", 4)
            .in("mean", 4)
            .in("var", 4)
            .out("dw", 4, 3, 2, 2)
            .over("dwFolded")
            .out("dgamma", 4)
            .calls(
                (b, w, t) ->
                    b.foldNormBackward(t[0], t[1], t[2], t[3], t[4], t[5], EPS, t[6], t[7])),
        Sample.of("maxPool")
            .in("x", 1, 4, 6, 2)
            .out("y", 1, 2, 3, 2)
            .outInts("index", 1, 2, 3, 2)
            .calls((b, w, t) -> b.maxPool(t[0], t[1], t[2])),
        Sample.of("maxPoolBackward")
            .in("dy", 1, 2, 3, 2)
            .ints("index", 1, 2, 3, 2)
            .out("dx", 1, 4, 6, 2)
            .calls((b, w, t) -> b.maxPoolBackward(t[0], t[1], t[2])));
  }

  private static List<Sample> norms() {
    return List.of(
        Sample.of("batchNormForward")
            .in("x", 2, 3, 4, 5)
            .in("gamma", 5)
            .in("beta", 5)
            .in("residual", 2, 3, 4, 5)
            .out("y", 2, 3, 4, 5)
            .out("mean", 5)
            .out("invStd", 5)
            .calls(
                (b, w, t) ->
                    b.batchNormForward(t[0], t[1], t[2], EPS, t[3], true, t[4], t[5], t[6])),
        Sample.of("batchNormBackward")
            .in("x", 2, 3, 4, 5)
            .in("dy", 2, 3, 4, 5)
            .in("gamma", 5)
            .in("mean", 5)
            .in("invStd", 5)
            .out("dx", 2, 3, 4, 5)
            .out("dgamma", 5)
            .out("dbeta", 5)
            .calls(
                (b, w, t) -> b.batchNormBackward(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7])),
        Sample.of("batchNormUpdate")
            .in("mean", 5)
            .in("invStd", 5)
            .out("runningMean", 5)
            .out("runningVar", 5)
            .calls((b, w, t) -> b.batchNormUpdate(t[0], t[1], EPS, 24, 0.1f, t[2], t[3])),
        Sample.of("l2Normalize")
            .in("x", 2, 3, 4, 1)
            .out("y", 2, 3, 4, 1)
            .over("x")
            .out("norms", 2, 3, 4)
            .calls((b, w, t) -> b.l2Normalize(t[0], EPS, t[1], t[2])),
        Sample.of("l2NormalizeBackward")
            .in("x", 2, 3, 4, 1)
            .in("norms", 2, 3, 4)
            .in("dy", 2, 3, 4, 1)
            .out("dx", 2, 3, 4, 1)
            .calls((b, w, t) -> b.l2NormalizeBackward(t[0], t[1], t[2], EPS, t[3])));
  }

  private static List<Sample> resizing() {
    return List.of(
        Sample.of("resizeBilinear")
            .in("source", 1, 2, 3, 2)
            .free(1, 2)
            .out("target", 1, 3, 2, 2)
            .free(1, 2, 3)
            .calls((b, w, t) -> b.resizeBilinear(t[0], t[1], 0, true)),
        Sample.of("resizeBilinearBackward")
            .in("dTarget", 1, 3, 2, 2)
            .free(1, 2, 3)
            .out("dSource", 1, 2, 3, 2)
            .free(1, 2)
            .calls((b, w, t) -> b.resizeBilinearBackward(t[0], 0, t[1], true)));
  }

  private static List<Sample> pointwise() {
    return List.of(
        Sample.of("fill")
            .out("target", 2, 3)
            .free(0, 1)
            .reshapable()
            .calls((b, w, t) -> b.fill(t[0], 1)),
        Sample.of("copy")
            .in("float source", 2, 3)
            .reshapable()
            .out("target", 2, 3)
            .reshapable()
            .calls((b, w, t) -> b.copy(t[0], t[1])),
        Sample.of("copy")
            .ints("int source", 2, 3)
            .reshapable()
            .outInts("int target", 2, 3)
            .reshapable()
            .calls((b, w, t) -> b.copy(t[0], t[1])),
        Sample.of("addScaled")
            .in("source", 2, 3)
            .reshapable()
            .out("target", 2, 3)
            .reshapable()
            .calls((b, w, t) -> b.addScaled(0.5f, t[0], t[1])),
        Sample.of("scale")
            .out("x", 2, 3)
            .free(0, 1)
            .reshapable()
            .in("factor", 6)
            .free(0)
            .reshapable()
            .calls((b, w, t) -> b.scale(t[0], t[1])),
        Sample.of("relu")
            .in("x", 2, 3)
            .out("out", 2, 3)
            .over("x")
            .calls((b, w, t) -> b.relu(t[0], t[1])),
        Sample.of("reluBackward")
            .in("y", 2, 3)
            .in("dy", 2, 3)
            .in("extra", 2, 3)
            .out("dx", 2, 3)
            .over("dy", "extra")
            .calls((b, w, t) -> b.reluBackward(t[0], t[1], t[2], t[3])),
        Sample.of("addMirrored")
            .in("mirrored", 2, 3, 4, 5)
            .out("target", 2, 3, 4, 5)
            .calls((b, w, t) -> b.addMirrored(t[0], t[1])),
        Sample.of("denormalize")
            .in("x", 2, 3, 4, 3)
            .out("out", 2, 3, 4, 3)
            .calls((b, w, t) -> b.denormalize(t[0], new float[3], new float[3], t[1])),
        Sample.of("spatialMean")
            .in("x", 2, 1, 1, 5)
            .free(1, 2)
            .out("out", 2, 5)
            .calls((b, w, t) -> b.spatialMean(t[0], t[1])),
        Sample.of("spatialMeanBackward")
            .in("dOut", 2, 5)
            .out("dx", 2, 1, 1, 5)
            .free(1, 2)
            .calls((b, w, t) -> b.spatialMeanBackward(t[0], t[1])),
        Sample.of("softMarginLoss")
            .in("score", 2, 3)
            .in("label", 2, 3)
            .out("loss", 1)
            .out("dScore", 2, 3)
            .calls((b, w, t) -> b.softMarginLoss(t[0], t[1], t[2], t[3])),
        Sample.of("meanAbsoluteDifference")
            .in("a", 3, 4, 5)
            .in("b", 3, 4, 5)
            .out("loss", 1)
            .out("dA", 3, 4, 5)
            .calls((b, w, t) -> b.meanAbsoluteDifference(t[0], t[1], ROWS, t[2], t[3])));
  }

  private static List<Sample> maps() {
    return List.of(
        Sample.of("camToMaps")
            .in("cam", 2, 3, 4, 2)
            .in("valid", 2, 3, 4)
            .out("maps", 3, 3, 4)
            .outInts("peak", 2, 2)
            .outInts("winner", 2, 3, 4)
            .calls((b, w, t) -> b.camToMaps(t[0], t[1], ROWS, EPS, t[2], t[3], t[4])),
        Sample.of("camToMapsBackward")
            .in("cam", 2, 3, 4, 2)
            .in("valid", 2, 3, 4)
            .ints("peak", 2, 2)
            .ints("winner", 2, 3, 4)
            .in("dMaps", 3, 3, 4)
            .out("dCam", 2, 3, 4, 2)
            .calls((b, w, t) -> b.camToMapsBackward(t[0], t[1], ROWS, EPS, t[2], t[3], t[4], t[5])),
        Sample.of("normalizeMaps")
            .in("maps", 3, 2, 4)
            .out("out", 3, 2, 4)
            .outInts("peak", 3, 2)
            .calls((b, w, t) -> b.normalizeMaps(t[0], Normalization.MIN_MAX, EPS, t[1], t[2])),
        Sample.of("normalizeMapsBackward")
            .in("maps", 3, 2, 4)
            .ints("peak", 3, 2)
            .in("dOut", 3, 2, 4)
            .out("dMaps", 3, 2, 4)
            .calls(
                (b, w, t) ->
                    b.normalizeMapsBackward(t[0], Normalization.MIN_MAX, EPS, t[1], t[2], t[3])),
        Sample.of("argmaxMaps")
            .in("maps", 3, 3, 4)
            .outInts("seeds", 2, 3, 4)
            .calls((b, w, t) -> b.argmaxMaps(t[0], ROWS, 0.8f, t[1])),
        Sample.of("limitSeeds")
            .in("support", 3, 3, 4)
            .outInts("seeds", 2, 3, 4)
            .calls((b, w, t) -> b.limitSeeds(t[0], ROWS, 0.5f, t[1])));
  }

  private static List<Sample> seeds() {
    return List.of(
        Sample.of("structureSeeds")
            .in("feature", 2, 3, 4, 5)
            .free(3)
            .in("maps", 3, 3, 4)
            .in("valid", 2, 3, 4)
            .outInts("seeds", 2, 3, 4)
            .out("iou", 3, 3, 4)
            .calls((b, w, t) -> b.structureSeeds(t[0], t[1], ROWS, ROWS, t[2], EPS, t[3], t[4])),
        Sample.of("prototypes")
            .in("feature", 2, 1, 3, 2)
            .ints("seeds", 2, 1, 3)
            .out("prototypes", 3, 2)
            .calls((b, w, t) -> b.prototypes(t[0], t[1], ROWS, t[2])),
        Sample.of("prototypesBackward")
            .in("dPrototypes", 3, 4)
            .ints("seeds", 2, 1, 2)
            .out("dFeature", 2, 1, 2, 4)
            .calls((b, w, t) -> b.prototypesBackward(t[0], t[1], ROWS, t[2])),
        Sample.of("reactivate")
            .in("feature", 2, 1, 3, 2)
            .in("prototypes", 3, 2)
            .out("featureNorms", 2, 1, 3)
            .out("prototypeNorms", 3)
            .out("maps", 3, 1, 3)
            .calls((b, w, t) -> b.reactivate(t[0], t[1], ROWS, t[2], t[3], t[4])),
        Sample.of("reactivateBackward")
            .in("feature", 2, 1, 3, 2)
            .in("prototypes", 3, 2)
            .in("featureNorms", 2, 1, 3)
            .in("prototypeNorms", 3)
            .in("maps", 3, 1, 3)
            .in("dMaps", 3, 1, 3)
            .out("dFeature", 2, 1, 3, 2)
            .out("dPrototypes", 3, 2)
            .calls(
                (b, w, t) ->
                    b.reactivateBackward(t[0], t[1], ROWS, t[2], t[3], t[4], t[5], t[6], t[7])));
  }

  private static List<Sample> segmentation() {
    return List.of(
        Sample.of("pixelCrossEntropy")
            .in("logits", 2, 3, 4, 5)
            .free(1, 2, 3)
            .bytes("labels", 2, 6, 7)
            .free(1, 2)
            .out("loss", 1)
            .out("dLogits", 2, 3, 4, 5)
            .calls((b, w, t) -> b.pixelCrossEntropy(t[0], t[1], t[2], t[3])),
        Sample.of("addProbabilities")
            .in("logits", 2, 3, 4, 5)
            .free(1, 2)
            .out("probabilities", 2, 4, 3, 5)
            .free(1, 2)
            .calls((b, w, t) -> b.addProbabilities(t[0], t[1])),
        Sample.of("argmaxLogits")
            .in("logits", 2, 3, 4, 5)
            .free(1, 2, 3)
            .outInts("labels", 2, 6, 7)
            .free(1, 2)
            .calls((b, w, t) -> b.argmaxLogits(t[0], t[1])),
        Sample.of("dropout")
            .in("x", 2, 3)
            .out("out", 2, 3)
            .over("x")
            .calls((b, w, t) -> b.dropout(t[0], 0.5f, 7, 3, t[1])));
  }

  private static List<Sample> rest() {
    return List.of(
        Sample.of("pamrAffinity")
            .in("guide", 2, 4, 5, 3)
            .out("affinity", 2, 16, 4, 5)
            .out("std", 2, 3, 4, 5)
            .out("logit", 2, 16, 4, 5)
            .calls((b, w, t) -> b.pamrAffinity(t[0], PAMR, t[1], t[2], t[3])),
        Sample.of("pamrSteps")
            .in("affinity", 2, 16, 4, 5)
            .in("maps", 3, 4, 5)
            .out("out", 3, 4, 5)
            .calls((b, w, t) -> b.pamrSteps(t[0], t[1], ROWS, PAMR, t[2])),
        Sample.of("latticeFilter")
            .in("image", 4, 5, 3)
            .in("values", 3, 4, 5)
            .out("out", 3, 4, 5)
            .calls((b, w, t) -> b.latticeFilter(t[0], 2, 0.5f, t[1], t[2])),
        Sample.of("denseCrf")
            .in("unary", 3, 4, 5)
            .in("image", 4, 5, 3)
            .out("q", 3, 4, 5)
            .calls((b, w, t) -> b.denseCrf(t[0], t[1], CrfOptions.standard(), t[2])),
        Sample.of("gradientNorm")
            .in("gradient", 1)
            .free(0)
            .reshapable()
            .out("norm", 1)
            .calls((b, w, t) -> b.gradientNorm(List.of(t[0]), t[1])),
        Sample.of("sgdStep")
            .out("weight", 1)
            .in("gradient", 1)
            .out("momentum", 1)
            .in("norm", 1)
            .in("lossScale", 2)
            .calls(
                (b, w, t) ->
                    b.sgdStep(
                        List.of(new SgdSlot(t[0], t[1], t[2], 0.1f)),
                        t[3],
                        t[4],
                        1,
                        0,
                        0.9f,
                        true)),
        Sample.of("updateLossScale")
            .in("norm", 1)
            .out("lossScale", 2)
            .calls((b, w, t) -> b.updateLossScale(t[0], t[1], 2000)));
  }
}
