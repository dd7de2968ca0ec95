package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.data.Dataset;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.IrLabels;
import dev.wisp.pipeline.Recipe;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp irn labels}. */
@Command(
    name = "labels",
    description = {
      "Make the labels that IRN learns from: classes and background where the CRF is sure.",
      "Values: irn.backgroundFactor and the recipe's section crf."
    },
    footer = {"", "Example: wisp irn labels --data shapes --maps out/maps --out out/ir"})
final class IrnLabelsCommand extends Task {
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--maps",
      required = true,
      paramLabel = "FOLDER",
      description = "Folder of maps, as wisp label writes it.")
  private Path maps = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Gets the labels, palette PNGs with 255 where nothing is sure.")
  private Path folder = Path.of("");

  @Override
  int run() {
    Dataset dataset = data.open("train");
    Recipe values = recipe.load();
    try (Backend backend = Devices.open(device.device, device.threads)) {
      IrLabels.Result result =
          IrLabels.run(
              backend,
              new IrLabels.Request(
                  dataset,
                  maps,
                  folder,
                  values.irn().backgroundFactor(),
                  values.crf().certainty(),
                  values.crf().options()),
              ConsoleProgress.onTerminal());
      out().printf("%d images labelled; labels in %s%n", result.done(), folder);
      return Skips.report(err(), result.skipped());
    }
  }
}
