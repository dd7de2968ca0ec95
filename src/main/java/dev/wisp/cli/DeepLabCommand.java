package dev.wisp.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wisp deeplab}: a segmentation network from labels. */
@Command(
    name = "deeplab",
    synopsisSubcommandLabel = "COMMAND",
    description = "Train a segmentation network (DeepLabV3) on label files.",
    footer = {
      "",
      "Example: wisp deeplab train --data VOC2012 --labels irn/labels --weights resnet101.pth"
          + " --run runs/deeplab"
    },
    subcommands = {DeepLabTrainCommand.class})
final class DeepLabCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "give a command: wisp deeplab train");
  }
}
