package dev.wisp.cli;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which images a command works on. */
final class DataOptions {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "FOLDER",
      description = "Dataset: VOC layout, COCO layout, or a folder with a labels.csv.")
  Path data = Path.of("");

  @Option(
      names = "--list",
      paramLabel = "NAME|FILE",
      description =
          "VOC layout: list of images (default: train; eval and ablate: val). COCO layout: NAME of"
              + " instances_NAME.json, or its beginning.")
  @Nullable String list;

  /**
   * Opens it; refuses an empty one.
   *
   * @param standard the list to take in VOC or COCO layout when none is named
   */
  Dataset open(@Nullable String standard) {
    String chosen = list == null && Datasets.hasLists(data) ? standard : list;
    Dataset dataset = Datasets.open(data, chosen);
    if (dataset.samples().isEmpty()) {
      throw new WispException(dataset.name() + ": lists no image");
    }
    return dataset;
  }
}
