package dev.wisp.cli;

import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Training;
import dev.wisp.pipeline.TrainingResult;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp train}. */
@Command(
    name = "train",
    description = {
      "Train AE-SIPE on images with image-level labels.",
      "Several devices (--device cuda:0,cuda:1) share each batch equally."
    },
    footer = {"", "Example: wisp train --data VOC2012 --weights resnet101.pth --run runs/voc"})
final class TrainCommand extends Task {
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private RunOptions run = new RunOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--weights",
      required = true,
      paramLabel = "FILE",
      description = "The encoder's weights: torchvision's .pth, or .safetensors.")
  private Path weights = Path.of("");

  @Option(
      names = "--val-list",
      paramLabel = "NAME|FILE",
      description = "Score on this list, which needs masks, after each epoch.")
  private @Nullable String validation;

  @Option(
      names = "--select-with-masks",
      description = "Keep the epoch that scores best; this leaks supervision.")
  private boolean selectWithMasks;

  @Override
  int run() {
    Dataset dataset = data.open("train");
    Training.Request request =
        new Training.Request(
            run.run,
            run.recipe(recipe),
            run.existing(),
            run.acceptOlder,
            weights,
            dataset,
            validation == null ? null : Datasets.open(data.data, validation),
            selectWithMasks);
    try (Devices.Group devices = Devices.openAll(device.device, device.threads)) {
      TrainingResult result =
          Training.run(devices.backends(), request, ConsoleProgress.onTerminal());
      out().println(result.weights());
      return Skips.report(err(), result.skipped());
    }
  }
}
