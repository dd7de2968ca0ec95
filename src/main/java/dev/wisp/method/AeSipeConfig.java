package dev.wisp.method;

import dev.wisp.backend.PamrOptions;
import dev.wisp.nn.ResNetConfig;
import java.util.List;

/**
 * Every switch of the method (method.md sections 1-6).
 *
 * @param encoder the residual network
 * @param foreground K, the number of foreground classes
 * @param sideChannels outputs of the side layers over x1..x4; their sum is the feature's size
 * @param seedFeature what structure analysis compares
 * @param sequence the steps after structure analysis
 * @param normalization of the final maps
 * @param pamr parameters of the refinement
 * @param guideStride PAMR works on the image reduced by this factor
 * @param growthLimit share 0..1 (exclusive) of its map's maximum before PAMR that a class must
 *     reach where it is a seed after PAMR; 0 for no limit
 */
public record AeSipeConfig(
    ResNetConfig encoder,
    int foreground,
    List<Integer> sideChannels,
    SeedFeature seedFeature,
    MapSequence sequence,
    MapNormalization normalization,
    PamrOptions pamr,
    int guideStride,
    double growthLimit) {

  /** What structure analysis compares in training; labelling compares the hierarchical feature. */
  public enum SeedFeature {
    /** The hierarchical feature: the paper. */
    HIERARCHICAL,
    /** x4: the baseline. */
    SEMANTIC
  }

  /** What is done to the final maps of a scale. */
  public enum MapNormalization {
    /** Nothing: the SIPE baseline, whose scales are summed as they are. */
    NONE,
    /** {@code x / (max + eps)}: the release. */
    MAX,
    /** {@code (x - min) / (max - min + eps)}: the paper. */
    MIN_MAX
  }

  public AeSipeConfig {
    sideChannels = List.copyOf(sideChannels);
    if (foreground < 1
        || guideStride < 1
        || !(growthLimit >= 0 && growthLimit < 1)
        || sideChannels.size() != 4
        || sideChannels.stream().anyMatch(channels -> channels < 1)) {
      throw new IllegalArgumentException(
          "AE-SIPE with %d classes, side channels %s, guide stride %d, growth limit %s"
              .formatted(foreground, sideChannels, guideStride, growthLimit));
    }
  }

  /** AE-SIPE as released, over an ImageNet encoder. */
  public static AeSipeConfig aeSipe(ResNetConfig encoder, int foreground) {
    return new AeSipeConfig(
        encoder,
        foreground,
        List.of(128, 128, 256, 256),
        SeedFeature.HIERARCHICAL,
        MapSequence.AE,
        MapNormalization.MAX,
        PamrOptions.standard(),
        4,
        0);
  }

  /** The SIPE baseline as released: semantic seeds in training, maps as they are. */
  public static AeSipeConfig sipe(ResNetConfig encoder, int foreground) {
    return aeSipe(encoder, foreground)
        .withSeedFeature(SeedFeature.SEMANTIC)
        .withSequence(MapSequence.SIPE)
        .withNormalization(MapNormalization.NONE);
  }

  /** AE-SIPE over the demonstration's encoder, with a finer guide. */
  public static AeSipeConfig demo(int foreground) {
    return aeSipe(ResNetConfig.demo(), foreground)
        .withSideChannels(List.of(32, 32, 64, 64))
        .withGuideStride(2);
  }

  public AeSipeConfig withSideChannels(List<Integer> value) {
    return new AeSipeConfig(
        encoder,
        foreground,
        value,
        seedFeature,
        sequence,
        normalization,
        pamr,
        guideStride,
        growthLimit);
  }

  public AeSipeConfig withSeedFeature(SeedFeature value) {
    return new AeSipeConfig(
        encoder,
        foreground,
        sideChannels,
        value,
        sequence,
        normalization,
        pamr,
        guideStride,
        growthLimit);
  }

  public AeSipeConfig withSequence(MapSequence value) {
    return new AeSipeConfig(
        encoder,
        foreground,
        sideChannels,
        seedFeature,
        value,
        normalization,
        pamr,
        guideStride,
        growthLimit);
  }

  public AeSipeConfig withNormalization(MapNormalization value) {
    return new AeSipeConfig(
        encoder,
        foreground,
        sideChannels,
        seedFeature,
        sequence,
        value,
        pamr,
        guideStride,
        growthLimit);
  }

  public AeSipeConfig withPamr(PamrOptions value) {
    return new AeSipeConfig(
        encoder,
        foreground,
        sideChannels,
        seedFeature,
        sequence,
        normalization,
        value,
        guideStride,
        growthLimit);
  }

  public AeSipeConfig withGuideStride(int value) {
    return new AeSipeConfig(
        encoder,
        foreground,
        sideChannels,
        seedFeature,
        sequence,
        normalization,
        pamr,
        value,
        growthLimit);
  }

  public AeSipeConfig withGrowthLimit(double value) {
    return new AeSipeConfig(
        encoder,
        foreground,
        sideChannels,
        seedFeature,
        sequence,
        normalization,
        pamr,
        guideStride,
        value);
  }
}
