package dev.wisp.cli;

import dev.wisp.data.Dataset;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.IrnTraining;
import dev.wisp.pipeline.TrainingResult;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp irn train}. */
@Command(
    name = "train",
    description = {
      "Train IRN's boundary and displacement branches on the labels of wisp irn labels.",
      "Several devices (--device cuda:0,cuda:1) share each batch equally."
    },
    footer = {
      "",
      "Example: wisp irn train --data VOC2012 --labels out/ir --weights resnet50.pth --run runs/irn"
    })
final class IrnTrainCommand extends Task {
  @Mixin private DataOptions data = new DataOptions();
  @Mixin private RunOptions run = new RunOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--labels",
      required = true,
      paramLabel = "FOLDER",
      description = "Folder of labels, as wisp irn labels writes it.")
  private Path labels = Path.of("");

  @Option(
      names = "--weights",
      required = true,
      paramLabel = "FILE",
      description = "The frozen encoder's weights (irn.backbone): .pth or .safetensors.")
  private Path weights = Path.of("");

  @Override
  int run() {
    Dataset dataset = data.open("train");
    IrnTraining.Request request =
        new IrnTraining.Request(
            run.run, run.recipe(recipe), run.existing(), run.acceptOlder, weights, dataset, labels);
    try (Devices.Group devices = Devices.openAll(device.device, device.threads)) {
      TrainingResult result =
          IrnTraining.run(devices.backends(), request, ConsoleProgress.onTerminal());
      out().println(result.weights());
      return Skips.report(err(), result.skipped());
    }
  }
}
