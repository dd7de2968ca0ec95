package dev.wisp.pipeline;

import java.util.List;
import java.util.Optional;

/**
 * The figures that the AE-SIPE paper (2024) prints in its Tables 1 to 3, for comparison with what a
 * run measures: mIoU in percent on PASCAL VOC 2012, from ImageNet weights and image-level labels.
 */
public final class PublishedResults {
  /** What Table 1 is measured on. */
  public static final String SEGMENTATION_DATA = "PASCAL VOC 2012";

  /** What Tables 2 and 3 are measured on. */
  public static final String SEED_DATA = "PASCAL VOC 2012 train";

  /** Where the figures come from. */
  public static final String SOURCE = "the AE-SIPE paper (2024), Tables 1 to 3";

  private PublishedResults() {}

  /**
   * A row of Table 1: segmentation networks trained on pseudo-labels.
   *
   * @param venue where the model was published
   * @param val mIoU in percent on VOC 2012 val
   * @param test on VOC 2012 test
   */
  public record Segmentation(
      String model, String venue, String backbone, double val, double test) {}

  /**
   * A row of Table 2 or 3: pseudo-labels of the training images.
   *
   * @param table 2 or 3
   * @param row as {@link Ablation.Row} names it
   * @param train mIoU in percent of the labels
   * @param crf after the dense CRF
   */
  public record Seeds(int table, String row, double train, double crf) {}

  /** Table 1 in the paper's order. */
  public static final List<Segmentation> SEGMENTATION =
      List.of(
          new Segmentation("SSWS", "CVPR 2020", "WideResNet-38", 62.7, 64.3),
          new Segmentation("SEAM", "CVPR 2020", "ResNet-38", 64.5, 65.7),
          new Segmentation("AdvCAM", "CVPR 2021", "ResNet-101", 68.1, 68.0),
          new Segmentation("CSE", "ICCV 2021", "ResNet-38", 68.4, 68.2),
          new Segmentation("CPN", "ICCV 2021", "ResNet-38", 67.8, 68.5),
          new Segmentation("PPC", "CVPR 2022", "ResNet-38", 67.7, 67.4),
          new Segmentation("AMN", "CVPR 2022", "ResNet-101", 69.5, 69.6),
          new Segmentation("RecurSeed", "arXiv 2022", "ResNet-101", 72.8, 72.8),
          new Segmentation("SIPE", "CVPR 2022", "ResNet-38", 68.2, 69.5),
          new Segmentation("SIPE", "CVPR 2022", "ResNet-101", 68.8, 69.7),
          new Segmentation("AE-SIPE", "the paper", "ResNet-101", 71.0, 71.1));

  /** Tables 2 and 3 in the order of {@link Ablation#rows}. */
  public static final List<Seeds> SEEDS =
      List.of(
          new Seeds(2, "baseline (SIPE)", 58.6, 64.7),
          new Seeds(2, "+ AE", 64.2, 66.6),
          new Seeds(2, "+ HF", 65.4, 66.9),
          new Seeds(2, "+ normalisation", 65.4, 66.9),
          new Seeds(2, "+ rescaling", 65.8, 67.8),
          new Seeds(3, "pr,is", 58.6, 64.7),
          new Seeds(3, "pr,is,pr,is", 59.5, 65.1),
          new Seeds(3, "pr,is,pr,is,pamr,pr,is", 56.6, 58.7),
          new Seeds(3, "pr,is,pamr,pr,is,pr,is", 62.3, 65.4),
          new Seeds(3, "pr,is,pamr,pr,is", 64.2, 66.6));

  /** What the paper prints for a row of Table 2 or 3. */
  public static Optional<Seeds> seeds(Ablation.Row row) {
    return SEEDS.stream()
        .filter(seeds -> seeds.table() == row.table() && seeds.row().equals(row.name()))
        .findFirst();
  }
}
