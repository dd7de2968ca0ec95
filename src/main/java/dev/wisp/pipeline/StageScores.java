package dev.wisp.pipeline;

import dev.wisp.data.Dataset;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Scores of a pipeline's label files, stage by stage, in {@code scores.json}.
 *
 * @param scores in the stages' order; empty where the dataset has no masks
 */
public record StageScores(List<Score> scores) {
  /** Stage whose labels are predictions, on a list of their own. */
  public static final String SEGMENTATION = PipelineStages.SEGMENTATION;

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  public StageScores {
    scores = List.copyOf(scores);
  }

  /**
   * One stage's labels against masks.
   *
   * @param stage that wrote the labels
   * @param list on which they were scored
   * @param dataset its name, for people
   * @param images number scored
   * @param meanIou 0..1
   * @param low lower end of its 95 % interval; null where it was not resampled
   * @param high upper end
   * @param classes names, the background first
   * @param iou 0..1 in the order of the classes; null for a class in neither truth nor prediction
   * @param confusion pixels by true class (row) and predicted one; the last column is what was
   *     predicted as no class
   */
  public record Score(
      String stage,
      String list,
      String dataset,
      int images,
      double meanIou,
      @Nullable Double low,
      @Nullable Double high,
      List<String> classes,
      List<@Nullable Double> iou,
      List<List<Long>> confusion) {}

  /** The score of a folder of label files on a list with masks. */
  static Score score(
      String stage,
      String list,
      Dataset data,
      Evaluation.Report report,
      Bootstrap.Interval meanIou) {
    Confusion confusion = report.confusion();
    int classes = confusion.classes();
    List<@Nullable Double> iou = new ArrayList<>();
    for (double value : confusion.iou(Confusion.Convention.VOC)) {
      iou.add(unlessNaN(value));
    }
    return new Score(
        stage,
        list,
        data.title(),
        report.scored(),
        meanIou.value(),
        unlessNaN(meanIou.low()),
        unlessNaN(meanIou.high()),
        IntStream.range(0, classes).mapToObj(data::className).toList(),
        iou,
        IntStream.range(0, classes)
            .mapToObj(
                row ->
                    Arrays.stream(IntStream.rangeClosed(0, classes).toArray())
                        .mapToObj(column -> confusion.count(row, column))
                        .toList())
            .toList());
  }

  /** JSON has no NaN. */
  private static @Nullable Double unlessNaN(double value) {
    return Double.isNaN(value) ? null : value;
  }

  void write(Path file) {
    AtomicFiles.writeString(file, JSON.writeValueAsString(this));
  }

  /**
   * Reads what a pipeline wrote.
   *
   * @throws dev.wisp.common.WispException naming the file, if it is missing or damaged
   */
  public static StageScores read(Path file) {
    try {
      return JSON.readValue(Files.readString(file), StageScores.class);
    } catch (JacksonException damaged) {
      throw FileErrors.of(file, "is damaged", damaged);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }
}
