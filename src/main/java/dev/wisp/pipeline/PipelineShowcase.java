package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.method.AeSipeNet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a report shows of a few images beside what the stages left of all: the maps before the final
 * ones, {@code stages/CAM/ID.npz} and {@code stages/IS-CAM/ID.npz}, and the segmentation network's
 * {@code labels/ID.png}. The images are those that {@link Showcase} chooses by their pseudo-labels.
 */
final class PipelineShowcase {
  private PipelineShowcase() {}

  /**
   * What to show.
   *
   * @param data the images to choose from
   * @param labels folder of their pseudo-labels
   * @param weights of the network that made the maps
   * @param segmentation weights of the segmentation network
   */
  record Request(
      Recipe recipe, Dataset data, Path labels, Path weights, Path segmentation, Path out) {}

  /** Writes the files; returns images that could not be shown, with the reason. */
  static Map<String, String> run(Backend backend, Request request, Progress progress) {
    Dataset data = request.data();
    List<Sample> chosen = choose(data, request.labels());
    Map<String, String> skipped = new TreeMap<>();
    progress.begin("showcase", 0, chosen.size());
    try (AeSipeNet network =
        new AeSipeNet(backend, Models.method(request.recipe(), data.classCount()))) {
      Weights.loadFrozen(network, request.weights());
      int done = 0;
      for (Sample sample : chosen) {
        try {
          PreparedImage image =
              PreparedImage.of(sample.id(), data.image(sample), request.recipe().labelling());
          StageGallery.write(
              request.out(), sample.id(), StageMaps.of(network, image.scales(), sample.classes()));
        } catch (WispException unusable) {
          skipped.put(sample.id(), String.valueOf(unusable.getMessage()));
        }
        progress.advance(++done, sample.id());
      }
    } finally {
      progress.end();
    }
    Dataset few = new Dataset(data.name(), data.classNames(), chosen, data.upright());
    skipped.putAll(
        Segmentation.run(
                backend,
                new Segmentation.Request(
                    request.segmentation(), request.out(), request.recipe(), few, List.of(), null),
                progress)
            .skipped());
    return skipped;
  }

  private static List<Sample> choose(Dataset data, Path labels) {
    Showcase<Sample> showcase = new Showcase<>(Showcase.STANDARD);
    for (Sample sample : data.samples()) {
      showcase.add(sample.id(), score(data, sample, labels), sample);
    }
    return showcase.shown().stream().map(Showcase.Shown::value).toList();
  }

  private static double score(Dataset data, Sample sample, Path labels) {
    Path file = LabelFiles.of(labels, sample);
    if (sample.mask().isEmpty() || !Files.exists(file)) {
      return Double.NaN;
    }
    try {
      Mask truth = Evaluation.truth(data, sample);
      Mask label = ImageCodec.readMask(file);
      LabelFiles.requireSize(file, label, "mask", truth.width(), truth.height());
      Confusion confusion = new Confusion(data.classCount() + 1);
      confusion.add(truth.index(), label.index());
      return confusion.meanIou(Confusion.Convention.VOC);
    } catch (WispException unusable) {
      return Double.NaN;
    }
  }
}
