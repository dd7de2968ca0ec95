package dev.wisp.cli;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A run that is looked at, and the dataset that it labelled. */
final class ShownRun {
  @Parameters(
      paramLabel = "RUN",
      description = "Folder of a demo, a pipeline, a training, a labelling or an ablation.")
  Path folder = Path.of("");

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description = "Dataset that the run labelled (default: the run's own, of a demo).")
  private @Nullable Path data;

  @Option(
      names = "--list",
      paramLabel = "NAME|FILE",
      description = "List of the labelled images in VOC or COCO layout (default: val).")
  private @Nullable String list;

  /** The dataset, or null for the run's own. */
  @Nullable Dataset dataset() {
    if (data == null) {
      if (list != null) {
        throw new WispException("--list belongs to --data; name the dataset too");
      }
      return null;
    }
    return Datasets.open(data, list == null && Datasets.hasLists(data) ? "val" : list);
  }
}
