package dev.wisp.cli;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import java.nio.file.Files;
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
      description = "List of images in VOC layout (default: train; eval: val).")
  @Nullable String list;

  /**
   * Opens it; refuses an empty one.
   *
   * @param standard the list to take in VOC layout when none is named
   */
  Dataset open(@Nullable String standard) {
    boolean lists = Files.isDirectory(data.resolve("JPEGImages"));
    String chosen = list == null && lists ? standard : list;
    Dataset dataset = Datasets.open(data, chosen);
    if (dataset.samples().isEmpty()) {
      throw new WispException(dataset.name() + ": lists no image");
    }
    return dataset;
  }
}
