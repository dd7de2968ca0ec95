package dev.wisp.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wisp irn}: pseudo-labels that end at class boundaries. */
@Command(
    name = "irn",
    synopsisSubcommandLabel = "COMMAND",
    description = "Learn class boundaries from maps and refine pseudo-labels by them (IRN).",
    footer = {"", "Example: wisp irn labels --data VOC2012 --maps labelled/maps --out irn-labels"},
    subcommands = {IrnLabelsCommand.class, IrnTrainCommand.class, IrnRefineCommand.class})
final class IrnCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "give a command: wisp irn labels, train or refine");
  }
}
