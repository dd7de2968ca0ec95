package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import java.util.List;

/**
 * Section {@code segmentation} of a {@link Recipe}: DeepLabV3, trained on label files and used on
 * images (method.md section 11). Training scales an image by a random factor.
 *
 * @param backbone {@code resnet50}, {@code resnet101} or {@code demo}
 * @param outputStride image pixels per score, 8 or 16
 * @param norms {@code live}, trained with each batch's statistics, or {@code fixed}
 * @param dropout probability, in [0, 1)
 * @param steps of the training
 * @param crop side of the square crops in pixels
 * @param scaleLow smallest factor
 * @param scaleHigh largest
 * @param mirror probability
 * @param rate learning rate of the encoder
 * @param newRate learning rate of the layers over it
 * @param power of the polynomial schedule
 * @param clip largest norm of the gradient; infinity for none
 * @param checkpointEvery steps between checkpoints
 * @param scales factors of the image size at which an image is segmented
 * @param flip whether each scale's mirror image counts as well
 * @param crf whether the dense CRF follows
 * @param maxPixels larger images are segmented at a reduced size
 */
public record SegmentationRecipe(
    String backbone,
    int outputStride,
    String norms,
    double dropout,
    long steps,
    int batch,
    int crop,
    double scaleLow,
    double scaleHigh,
    double mirror,
    double rate,
    double newRate,
    double momentum,
    double weightDecay,
    double power,
    double clip,
    int checkpointEvery,
    List<Double> scales,
    boolean flip,
    boolean crf,
    long maxPixels) {
  private static final int LARGEST_FACTOR = 8;

  /** Checks every value. */
  public SegmentationRecipe {
    scales = List.copyOf(scales);
    Recipe.oneOf("segmentation.backbone", backbone, List.of("resnet50", "resnet101", "demo"));
    Recipe.oneOf("segmentation.norms", norms, List.of("live", "fixed"));
    if (outputStride != 8 && outputStride != 16) {
      throw new WispException(
          "recipe: segmentation.outputStride is %d; give 8 or 16".formatted(outputStride));
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new WispException(
          "recipe: segmentation.dropout is %s; give a probability below 1".formatted(dropout));
    }
    Recipe.atLeast("segmentation.steps", steps, 1);
    Recipe.atLeast("segmentation.batch", batch, 1);
    Recipe.atLeast("segmentation.crop", crop, 16);
    Recipe.positive("segmentation.scaleLow", scaleLow);
    Recipe.atLeast("segmentation.scaleHigh", scaleHigh, scaleLow);
    if (!(scaleHigh <= LARGEST_FACTOR)) {
      throw new WispException(
          "recipe: segmentation.scaleHigh is %s; give at most %d"
              .formatted(scaleHigh, LARGEST_FACTOR));
    }
    Recipe.probability("segmentation.mirror", mirror);
    Recipe.atLeast("segmentation.rate", rate, 0);
    Recipe.atLeast("segmentation.newRate", newRate, 0);
    Recipe.checkOptimizer("segmentation", momentum, weightDecay, power, clip);
    Recipe.atLeast("segmentation.checkpointEvery", checkpointEvery, 1);
    Recipe.factors("segmentation.scales", scales);
    Recipe.atLeast("segmentation.maxPixels", maxPixels, 1);
  }

  boolean liveNorms() {
    return norms.equals("live");
  }
}
