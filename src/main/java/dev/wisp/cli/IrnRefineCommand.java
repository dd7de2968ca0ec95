package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.data.Dataset;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.IrnRefinement;
import dev.wisp.pipeline.Recipe;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp irn refine}. */
@Command(
    name = "refine",
    description = "Make pseudo-labels (labels/ID.png) of maps that end at class boundaries.",
    footer = {
      "",
      "Example: wisp irn refine --data shapes --maps out/maps --weights irn.safetensors --out fine"
    })
final class IrnRefineCommand extends Task {
  @Mixin private LabellingOptions labelling = new LabellingOptions();

  @Option(
      names = "--maps",
      required = true,
      paramLabel = "FOLDER",
      description = "Folder of maps, as wisp label writes it.")
  private Path maps = Path.of("");

  @Option(names = "--force", description = "Label again what other weights have labelled.")
  private boolean force;

  @Override
  int run() {
    Dataset dataset = labelling.data.open("train");
    Recipe chosen = labelling.recipe();
    try (Backend backend = Devices.open(labelling.device.device, labelling.device.threads)) {
      IrnRefinement.Result result =
          IrnRefinement.run(
              backend,
              new IrnRefinement.Request(
                  chosen, labelling.weights, dataset, maps, labelling.folder, force),
              ConsoleProgress.onTerminal());
      out()
          .printf(
              "%d images labelled, %d were already; labels in %s%n",
              result.refined(), result.already(), labelling.folder.resolve("labels"));
      return Skips.report(err(), result.skipped());
    }
  }
}
