package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import java.util.List;

/**
 * Which images each stage of {@code wisp pipeline} works on, and what it passes on.
 *
 * @param trainList list that is trained on and labelled
 * @param scoreList part of it with masks, on which pseudo-labels are scored
 * @param evalList list with masks on which the segmentation network is scored
 * @param pretrain whether the encoder is trained by the pipeline instead of given as weights
 * @param labels whose labels the segmentation network learns: {@code label}, {@code crf} or {@code
 *     irn}; stages that this does not need are left out
 * @param synthetic images to draw where no dataset is given
 */
public record PipelineRecipe(
    String trainList,
    String scoreList,
    String evalList,
    boolean pretrain,
    String labels,
    Synthetic synthetic) {
  /**
   * Sizes of a drawn dataset; nothing is drawn for 0 training images.
   *
   * @param train number of training images
   * @param scored number of images to evaluate on
   */
  public record Synthetic(int train, int scored) {
    public Synthetic {
      if (train < 0 || scored < 0 || (train > 0) != (scored > 0)) {
        throw new WispException(
            "recipe: pipeline.synthetic draws %d and %d images; give two numbers above 0, or 0"
                .formatted(train, scored));
      }
    }
  }

  public PipelineRecipe {
    if (!List.of(PipelineStages.LABEL, PipelineStages.CRF, PipelineStages.IRN).contains(labels)) {
      throw new WispException(
          "recipe: pipeline.labels is '%s'; give label, crf or irn".formatted(labels));
    }
  }
}
