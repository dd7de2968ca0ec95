package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.data.Dataset;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Labelling;
import dev.wisp.pipeline.ProcessMemory;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Recipes;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp label}. */
@Command(
    name = "label",
    description = "Make localisation maps (maps/ID.npz) and pseudo-labels (labels/ID.png).",
    footer = {"", "Example: wisp label --data photos --weights final.safetensors --out labelled"})
final class LabelCommand extends Task {
  @Mixin private LabellingOptions labelling = new LabellingOptions();

  @Option(
      names = "--max-pixels",
      paramLabel = "N",
      description = "Larger images are labelled at reduced size (default: 1500000).")
  private @Nullable Long maxPixels;

  @Option(names = "--force", description = "Label again what other weights have labelled.")
  private boolean force;

  @Override
  int run() {
    Dataset dataset = labelling.data.open("train");
    Recipe base = labelling.recipe();
    Recipe chosen =
        maxPixels == null ? base : Recipes.with(base, List.of("labelling.maxPixels=" + maxPixels));
    try (Backend backend = Devices.open(labelling.device.device, labelling.device.threads)) {
      Labelling.Result result =
          Labelling.run(
              backend,
              new Labelling.Request(labelling.weights, labelling.folder, chosen, dataset, force),
              ConsoleProgress.onTerminal());
      out()
          .printf(
              "%d images labelled, %d were already; labels in %s%n",
              result.labelled(), result.already(), labelling.folder.resolve("labels"));
      out().printf("peak memory: %d MB%n", ProcessMemory.peakMb());
      return Skips.report(err(), result.skipped());
    }
  }
}
