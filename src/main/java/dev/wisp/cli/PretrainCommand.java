package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Pretraining;
import dev.wisp.pipeline.TrainingResult;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp pretrain}. */
@Command(
    name = "pretrain",
    description = "Train the encoder as a classifier, for data without ImageNet weights.",
    footer = {"", "Example: wisp pretrain --data shapes --run runs/encoder --recipe demo"})
final class PretrainCommand extends Task {
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private RunOptions run = new RunOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--val-list",
      paramLabel = "NAME|FILE",
      description = "Measure on this list after each epoch.")
  private @Nullable String validation;

  @Override
  int run() {
    Dataset dataset = data.open("train");
    Pretraining.Request request =
        new Pretraining.Request(
            run.run,
            run.recipe(recipe),
            run.existing(),
            run.acceptOlder,
            dataset,
            validation == null ? null : Datasets.open(data.data, validation));
    try (Backend backend = Devices.open(device.device, device.threads)) {
      TrainingResult result = Pretraining.run(backend, request, ConsoleProgress.onTerminal());
      out().println(result.weights());
      return Skips.report(err(), result.skipped());
    }
  }
}
