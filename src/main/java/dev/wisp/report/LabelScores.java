package dev.wisp.report;

import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.pipeline.Bootstrap;
import dev.wisp.pipeline.Confusion;
import dev.wisp.pipeline.Evaluation;
import dev.wisp.pipeline.Progress;
import dev.wisp.report.ReportData.Score;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Scores of the label files of one folder: all together and one by one. Images that have no file
 * yet do not count, so a labelling can be looked at while it runs.
 *
 * @param score over all scored images
 * @param images mean IoU by image, over the classes in its truth or label, 0..1
 * @param skipped images whose files cannot be used, with the reason
 */
record LabelScores(Score score, Map<String, Double> images, Map<String, String> skipped) {
  /**
   * Scores a folder.
   *
   * @param shownData the dataset's name for people
   * @param seed of the resampling behind the interval
   * @return empty if no image has both a mask and a label file
   * @throws dev.wisp.common.WispException if there are such images and none can be scored
   */
  static Optional<LabelScores> of(
      Dataset data, String shownData, RunLayout.Source source, long seed) {
    List<Sample> samples =
        data.samples().stream()
            .filter(sample -> sample.mask().isPresent())
            .filter(sample -> Files.isRegularFile(file(source.folder(), sample)))
            .toList();
    if (samples.isEmpty()) {
      return Optional.empty();
    }
    Dataset scored = new Dataset(data.name(), data.classNames(), samples, data.upright());
    Bootstrap.Images each = new Bootstrap.Images(samples.size(), data.classCount() + 1);
    Map<String, Double> images = new HashMap<>();
    Evaluation.Report report =
        Evaluation.labels(
            scored,
            source.folder(),
            Progress.NONE,
            (sample, confusion) -> {
              images.put(sample.id(), confusion.meanIou(Confusion.Convention.VOC));
              each.add(confusion);
            });
    Confusion confusion = report.confusion();
    return Optional.of(
        new LabelScores(
            new Score(
                source.name(),
                shownData,
                report.scored(),
                each.interval(confusion, seed),
                Optional.empty(),
                Arrays.stream(confusion.iou(Confusion.Convention.VOC)).boxed().toList(),
                Optional.of(confusion)),
            images,
            report.skipped()));
  }

  static Path file(Path folder, Sample sample) {
    return folder.resolve(sample.id() + ".png");
  }
}
