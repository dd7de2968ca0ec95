package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A backend put together from one implementation of each group of operations. */
public abstract class GroupedBackend implements Backend {
  private final ConvolutionOps convolutions;
  private final NormOps norms;
  private final ResizeOps resizing;
  private final PointwiseOps pointwise;
  private final MapOps maps;
  private final SeedOps seeds;
  private final PamrOps pamr;
  private final CrfOps crf;
  private final SegmentationOps segmentation;
  private final GroupNormOps groupNorms;
  private final IrnOps irn;
  private final OptimizerOps optimizer;

  protected GroupedBackend(
      ConvolutionOps convolutions,
      NormOps norms,
      ResizeOps resizing,
      PointwiseOps pointwise,
      MapOps maps,
      SeedOps seeds,
      PamrOps pamr,
      CrfOps crf,
      SegmentationOps segmentation,
      GroupNormOps groupNorms,
      IrnOps irn,
      OptimizerOps optimizer) {
    this.convolutions = convolutions;
    this.norms = norms;
    this.resizing = resizing;
    this.pointwise = pointwise;
    this.maps = maps;
    this.seeds = seeds;
    this.pamr = pamr;
    this.crf = crf;
    this.segmentation = segmentation;
    this.groupNorms = groupNorms;
    this.irn = irn;
    this.optimizer = optimizer;
  }

  @Override
  public final ConvWeights convWeights(ConvSpec spec) {
    return convolutions.convWeights(spec);
  }

  @Override
  public final void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    convolutions.loadWeights(target, weight, scale);
  }

  @Override
  public final void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    convolutions.convForward(weights, x, bias, residual, relu, y);
  }

  @Override
  public final void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    convolutions.convBackwardData(weights, dy, dx);
  }

  @Override
  public final void convBackwardWeights(
      ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    convolutions.convBackwardWeights(spec, x, dy, dw, db);
  }

  @Override
  public final void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    convolutions.foldNorm(gamma, beta, mean, var, eps, scale, bias);
  }

  @Override
  public final void foldNormBackward(
      Tensor dwFolded,
      Tensor weight,
      Tensor db,
      Tensor gamma,
      Tensor mean,
      Tensor var,
      float eps,
      Tensor dw,
      Tensor dgamma) {
    convolutions.foldNormBackward(dwFolded, weight, db, gamma, mean, var, eps, dw, dgamma);
  }

  @Override
  public final void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    convolutions.maxPool(x, y, index);
  }

  @Override
  public final void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    convolutions.maxPoolBackward(dy, index, dx);
  }

  @Override
  public final void batchNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd) {
    this.norms.batchNormForward(x, gamma, beta, eps, residual, relu, y, mean, invStd);
  }

  @Override
  public final void batchNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    this.norms.batchNormBackward(x, dy, gamma, mean, invStd, dx, dgamma, dbeta);
  }

  @Override
  public final void batchNormUpdate(
      Tensor mean,
      Tensor invStd,
      float eps,
      long count,
      float momentum,
      Tensor runningMean,
      Tensor runningVar) {
    this.norms.batchNormUpdate(mean, invStd, eps, count, momentum, runningMean, runningVar);
  }

  @Override
  public final void l2Normalize(Tensor x, float eps, Tensor y, Tensor norms) {
    this.norms.l2Normalize(x, eps, y, norms);
  }

  @Override
  public final void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx) {
    this.norms.l2NormalizeBackward(x, norms, dy, eps, dx);
  }

  @Override
  public final void resizeBilinear(
      Tensor source, Tensor target, int channelOffset, boolean alignCorners) {
    resizing.resizeBilinear(source, target, channelOffset, alignCorners);
  }

  @Override
  public final void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners) {
    resizing.resizeBilinearBackward(dTarget, channelOffset, dSource, alignCorners);
  }

  @Override
  public final void fill(Tensor target, float value) {
    pointwise.fill(target, value);
  }

  @Override
  public final void copy(Tensor source, Tensor target) {
    pointwise.copy(source, target);
  }

  @Override
  public final void convert(Tensor source, Tensor target) {
    pointwise.convert(source, target);
  }

  @Override
  public final void addScaled(float factor, Tensor source, Tensor target) {
    pointwise.addScaled(factor, source, target);
  }

  @Override
  public final void scale(Tensor x, Tensor factor) {
    pointwise.scale(x, factor);
  }

  @Override
  public final void relu(Tensor x, Tensor out) {
    pointwise.relu(x, out);
  }

  @Override
  public final void reluBackward(Tensor y, Tensor dy, @Nullable Tensor extra, Tensor dx) {
    pointwise.reluBackward(y, dy, extra, dx);
  }

  @Override
  public final void addMirrored(Tensor mirrored, Tensor target) {
    pointwise.addMirrored(mirrored, target);
  }

  @Override
  public final void denormalize(Tensor x, float[] mean, float[] std, Tensor out) {
    pointwise.denormalize(x, mean, std, out);
  }

  @Override
  public final void spatialMean(Tensor x, Tensor out) {
    pointwise.spatialMean(x, out);
  }

  @Override
  public final void spatialMeanBackward(Tensor dOut, Tensor dx) {
    pointwise.spatialMeanBackward(dOut, dx);
  }

  @Override
  public final void softMarginLoss(
      Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    pointwise.softMarginLoss(score, label, loss, dScore);
  }

  @Override
  public final void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA) {
    pointwise.meanAbsoluteDifference(a, b, classes, loss, dA);
  }

  @Override
  public final void camToMaps(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor maps,
      Tensor peak,
      Tensor winner) {
    this.maps.camToMaps(cam, valid, classes, eps, maps, peak, winner);
  }

  @Override
  public final void camToMapsBackward(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor peak,
      Tensor winner,
      Tensor dMaps,
      Tensor dCam) {
    this.maps.camToMapsBackward(cam, valid, classes, eps, peak, winner, dMaps, dCam);
  }

  @Override
  public final void normalizeMaps(
      Tensor maps, Normalization mode, float eps, Tensor out, Tensor peak) {
    this.maps.normalizeMaps(maps, mode, eps, out, peak);
  }

  @Override
  public final void normalizeMapsBackward(
      Tensor maps, Normalization mode, float eps, Tensor peak, Tensor dOut, Tensor dMaps) {
    this.maps.normalizeMapsBackward(maps, mode, eps, peak, dOut, dMaps);
  }

  @Override
  public final void argmaxMaps(
      Tensor maps, ClassRows classes, float backgroundFactor, Tensor seeds) {
    this.maps.argmaxMaps(maps, classes, backgroundFactor, seeds);
  }

  @Override
  public final void limitSeeds(Tensor support, ClassRows classes, float share, Tensor seeds) {
    maps.limitSeeds(support, classes, share, seeds);
  }

  @Override
  public final void gradientNorm(List<Tensor> gradients, Tensor norm) {
    optimizer.gradientNorm(gradients, norm);
  }

  @Override
  public final void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      @Nullable Tensor lossScale,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first) {
    optimizer.sgdStep(slots, norm, lossScale, maxNorm, weightDecay, momentum, first);
  }

  @Override
  public final void updateLossScale(Tensor norm, Tensor lossScale, int interval) {
    optimizer.updateLossScale(norm, lossScale, interval);
  }

  @Override
  public final void structureSeeds(
      Tensor feature,
      Tensor maps,
      ClassRows classes,
      ClassRows present,
      @Nullable Tensor valid,
      float eps,
      Tensor seeds,
      @Nullable Tensor iou) {
    this.seeds.structureSeeds(feature, maps, classes, present, valid, eps, seeds, iou);
  }

  @Override
  public final void prototypes(Tensor feature, Tensor seeds, ClassRows classes, Tensor prototypes) {
    this.seeds.prototypes(feature, seeds, classes, prototypes);
  }

  @Override
  public final void prototypesBackward(
      Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature) {
    this.seeds.prototypesBackward(dPrototypes, seeds, classes, dFeature);
  }

  @Override
  public final void reactivate(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps) {
    this.seeds.reactivate(feature, prototypes, classes, featureNorms, prototypeNorms, maps);
  }

  @Override
  public final void reactivateBackward(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps,
      Tensor dMaps,
      Tensor dFeature,
      Tensor dPrototypes) {
    this.seeds.reactivateBackward(
        feature,
        prototypes,
        classes,
        featureNorms,
        prototypeNorms,
        maps,
        dMaps,
        dFeature,
        dPrototypes);
  }

  @Override
  public final void pamrAffinity(
      Tensor guide,
      PamrOptions options,
      Tensor affinity,
      @Nullable Tensor std,
      @Nullable Tensor logit) {
    pamr.pamrAffinity(guide, options, affinity, std, logit);
  }

  @Override
  public final void pamrSteps(
      Tensor affinity, Tensor maps, ClassRows classes, PamrOptions options, Tensor out) {
    pamr.pamrSteps(affinity, maps, classes, options, out);
  }

  @Override
  public final void latticeFilter(
      @Nullable Tensor image, float spatial, float colour, Tensor values, Tensor out) {
    crf.latticeFilter(image, spatial, colour, values, out);
  }

  @Override
  public final void denseCrf(Tensor unary, Tensor image, CrfOptions options, Tensor q) {
    crf.denseCrf(unary, image, options, q);
  }

  @Override
  public final void pixelCrossEntropy(
      Tensor logits, Tensor labels, Tensor loss, @Nullable Tensor dLogits) {
    segmentation.pixelCrossEntropy(logits, labels, loss, dLogits);
  }

  @Override
  public final void addProbabilities(Tensor logits, Tensor probabilities) {
    segmentation.addProbabilities(logits, probabilities);
  }

  @Override
  public final void argmaxLogits(Tensor logits, Tensor labels) {
    segmentation.argmaxLogits(logits, labels);
  }

  @Override
  public final void dropout(Tensor x, float probability, long key, long first, Tensor out) {
    segmentation.dropout(x, probability, key, first, out);
  }

  @Override
  public final void groupNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd) {
    groupNorms.groupNormForward(x, gamma, beta, eps, relu, y, mean, invStd);
  }

  @Override
  public final void groupNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    groupNorms.groupNormBackward(x, dy, gamma, mean, invStd, dx, dgamma, dbeta);
  }

  @Override
  public final void crop(Tensor source, Tensor target, int channelOffset) {
    irn.crop(source, target, channelOffset);
  }

  @Override
  public final void cropBackward(Tensor dTarget, int channelOffset, Tensor dSource) {
    irn.cropBackward(dTarget, channelOffset, dSource);
  }

  @Override
  public final void sigmoid(Tensor x, float scale, Tensor out) {
    irn.sigmoid(x, scale, out);
  }

  @Override
  public final void sigmoidBackward(Tensor y, Tensor dy, float scale, Tensor dx) {
    irn.sigmoidBackward(y, dy, scale, dx);
  }

  @Override
  public final void pairCounts(Tensor label, PathIndex paths, int classes, Tensor counts) {
    irn.pairCounts(label, paths, classes, counts);
  }

  @Override
  public final void pathAffinityLoss(
      Tensor boundary,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dBoundary) {
    irn.pathAffinityLoss(boundary, label, paths, classes, weights, losses, dBoundary);
  }

  @Override
  public final void displacementLoss(
      Tensor displacement,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dDisplacement) {
    irn.displacementLoss(displacement, label, paths, classes, weights, losses, dDisplacement);
  }

  @Override
  public final void randomWalk(
      Tensor boundary, Tensor maps, PathIndex paths, float beta, int steps, Tensor out) {
    irn.randomWalk(boundary, maps, paths, beta, steps, out);
  }
}
