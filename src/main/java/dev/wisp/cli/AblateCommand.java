package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.pipeline.Ablation;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Labelling;
import dev.wisp.pipeline.Recipe;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp ablate}. */
@Command(
    name = "ablate",
    description = "Run the paper's Tables 2 and 3 on a dataset with masks.",
    footer = {"", "Example: wisp ablate --data shapes --weights final.safetensors --out ablation"})
final class AblateCommand extends Task {
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--weights",
      required = true,
      paramLabel = "FILE",
      description = "A trained network; with --retrain the encoder to start each row from.")
  private Path weights = Path.of("");

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Gets ablation.md and ablation.csv, and the runs of retrained rows.")
  private Path folder = Path.of("");

  @Option(
      names = "--retrain",
      description = "Train every row with its own switches; goes on where it was interrupted.")
  private boolean retrain;

  @Option(
      names = "--train-list",
      defaultValue = "train",
      paramLabel = "NAME|FILE",
      description = "List to retrain on in VOC layout (default: train).")
  private String trainList = "train";

  @Override
  int run() {
    Dataset scored = data.open("val");
    if (scored.samples().stream().noneMatch(sample -> sample.mask().isPresent())) {
      throw new WispException(scored.name() + ": has no masks to score with");
    }
    Recipe chosen = Labelling.recipe(weights).map(recipe::over).orElseGet(recipe::load);
    Optional<Dataset> training =
        retrain ? Optional.of(Datasets.open(data.data, trainList)) : Optional.empty();
    try (Backend backend = Devices.open(device.device, device.threads)) {
      Ablation.Report report =
          Ablation.run(
              backend,
              new Ablation.Request(folder, chosen, weights, scored, training),
              ConsoleProgress.onTerminal());
      out().print(Ablation.markdown(report.rows()));
      out().flush();
      return Skips.report(err(), report.skipped());
    }
  }
}
