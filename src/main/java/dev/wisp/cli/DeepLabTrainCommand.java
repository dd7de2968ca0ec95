package dev.wisp.cli;

import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.SegmentationTraining;
import dev.wisp.pipeline.TrainingResult;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp deeplab train}. */
@Command(
    name = "train",
    description = {
      "Train DeepLabV3 on label files, such as those of wisp label.",
      "Its numbers are the recipe's section 'segmentation'.",
      "Several devices (--device cuda:0,cuda:1) share each batch equally."
    },
    footer = {
      "",
      "Example: wisp deeplab train --data VOC2012 --labels labelled/labels",
      "           --weights resnet101.pth --run runs/deeplab"
    })
final class DeepLabTrainCommand extends Task {
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private RunOptions run = new RunOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--weights",
      required = true,
      paramLabel = "FILE",
      description = "Weights to begin with: an encoder's, or a whole DeepLabV3's.")
  private Path weights = Path.of("");

  @Option(
      names = "--labels",
      required = true,
      paramLabel = "FOLDER",
      description = "Folder of palette PNGs, one per image; 255 is no label.")
  private Path labels = Path.of("");

  @Option(
      names = "--val-list",
      paramLabel = "NAME|FILE",
      description = "Score on this list, which needs masks, after each epoch.")
  private @Nullable String validation;

  @Override
  int run() {
    Dataset dataset = data.open("train");
    SegmentationTraining.Request request =
        new SegmentationTraining.Request(
            run.run,
            run.recipe(recipe),
            run.existing(),
            run.acceptOlder,
            weights,
            dataset,
            labels,
            validation == null ? null : Datasets.open(data.data, validation));
    try (Devices.Group devices = Devices.openAll(device.device, device.threads)) {
      TrainingResult result =
          SegmentationTraining.run(devices.backends(), request, ConsoleProgress.onTerminal());
      out().println(result.weights());
      return Skips.report(err(), result.skipped());
    }
  }
}
