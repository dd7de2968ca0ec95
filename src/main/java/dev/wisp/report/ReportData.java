package dev.wisp.report;

import dev.wisp.pipeline.Bootstrap;
import dev.wisp.pipeline.Confusion;
import dev.wisp.pipeline.MetricSeries;
import dev.wisp.pipeline.ResultTable;
import dev.wisp.pipeline.Showcase;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything a report shows. What a run lacks is empty and left out of the page.
 *
 * @param title the run's name
 * @param made when this was collected, for people
 * @param highlights the few numbers a reader wants first
 * @param classNames names by class id, the background first; empty where no dataset is known
 * @param scores of maps and labels, in the order of the stages
 * @param trainings metrics of each training, in the order in which they began
 * @param gallery chosen images
 * @param tables the paper's, with what the run measured
 * @param facts recipe, machine, seconds, memory
 * @param skipped images that could not be used, with the reason
 */
public record ReportData(
    String title,
    String made,
    List<Highlight> highlights,
    List<String> classNames,
    List<Score> scores,
    List<Training> trainings,
    Gallery gallery,
    List<ResultTable> tables,
    List<FactGroup> facts,
    Map<String, String> skipped) {

  /** A number in large letters: what it is, and what it is measured on. */
  public record Highlight(String value, String label, String note) {}

  /** Facts of one kind. */
  public record FactGroup(String title, List<Fact> facts) {}

  /** A name and its value. */
  public record Fact(String name, String value) {}

  /** Metrics of one training. */
  public record Training(String stage, MetricSeries metrics) {}

  /**
   * The score of one stage's maps or labels.
   *
   * @param name of the stage
   * @param data name of the scored dataset
   * @param images number of scored images
   * @param miou 0..1; its interval's ends are NaN where nobody made one
   * @param upperBound the score at the background factor that is best on these very images
   * @param iou by class id, NaN for a class in neither truth nor labels; may be empty
   * @param confusion pixel counts, where label files were scored
   */
  public record Score(
      String name,
      String data,
      int images,
      Bootstrap.Interval miou,
      Optional<UpperBound> upperBound,
      List<Double> iou,
      Optional<Confusion> confusion) {}

  /** A background factor chosen on the scored images themselves, and the score there, 0..1. */
  public record UpperBound(double factor, double miou) {}

  /**
   * Chosen images.
   *
   * @param pictures in the order in which they are shown
   * @param of how many images they were chosen from
   * @param leftOut how many were left out to keep the page small
   */
  public record Gallery(List<Picture> pictures, int of, int leftOut) {
    /** No images. */
    public static final Gallery EMPTY = new Gallery(List.of(), 0, 0);

    /** Bytes of all encoded layers. */
    public long bytes() {
      return pictures.stream().mapToLong(Picture::bytes).sum();
    }
  }

  /**
   * One image.
   *
   * @param why it was chosen
   * @param classes names of the classes it shows; empty where nobody said
   * @param score mean IoU of its label over the classes in truth or label, 0..1, or NaN
   * @param layers all of the same size, the photograph first
   */
  public record Picture(
      Showcase.Why why,
      String id,
      List<String> classes,
      double score,
      int width,
      int height,
      List<Layer> layers) {
    long bytes() {
      return layers.stream().mapToLong(layer -> layer.jpeg().length).sum();
    }
  }

  /** What one stage made of an image, drawn over it, as a JPEG. */
  @SuppressWarnings("ArrayRecordComponent")
  public record Layer(String name, byte[] jpeg) {}
}
