package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.data.Dataset;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Labelling;
import dev.wisp.pipeline.ProcessMemory;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Recipes;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp label}. */
@Command(
    name = "label",
    description = "Make localisation maps and pseudo-labels; goes on where it was interrupted.",
    footer = {"", "Example: wisp label --data photos --weights final.safetensors --out labelled"})
final class LabelCommand extends Task {
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--weights",
      required = true,
      paramLabel = "FILE",
      description = "Weights of a trained network; a recipe stored in them is the default.")
  private Path weights = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Gets maps/ID.npz and labels/ID.png.")
  private Path folder = Path.of("");

  @Option(
      names = "--max-pixels",
      paramLabel = "N",
      description = "Larger images are labelled at reduced size (default: 1500000).")
  private @Nullable Long maxPixels;

  @Option(names = "--force", description = "Label again what other weights have labelled.")
  private boolean force;

  @Override
  int run() {
    Dataset dataset = data.open("train");
    Recipe base = Labelling.recipe(weights).map(recipe::over).orElseGet(recipe::load);
    Recipe chosen =
        maxPixels == null ? base : Recipes.with(base, List.of("labelling.maxPixels=" + maxPixels));
    try (Backend backend = Devices.open(device.device, device.threads)) {
      Labelling.Result result =
          Labelling.run(
              backend,
              new Labelling.Request(weights, folder, chosen, dataset, force),
              ConsoleProgress.onTerminal());
      out()
          .printf(
              "%d images labelled, %d were already; labels in %s%n",
              result.labelled(), result.already(), folder.resolve("labels"));
      out().printf("peak memory: %d MB%n", ProcessMemory.peakMb());
      return Skips.report(err(), result.skipped());
    }
  }
}
