package dev.wisp.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code wisp} itself: only its subcommands do something. */
@Command(
    name = "wisp",
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Segments images from image-level labels alone (AE-SIPE).",
    },
    footer = {
      "",
      "Begin with: wisp demo",
      "Each command explains itself: wisp COMMAND --help",
      "Exit codes: 0 done, 1 fault of the program, 2 wrong input or option, 3 done but",
      "some inputs were named and skipped."
    },
    subcommands = {
      DemoCommand.class,
      DoctorCommand.class,
      SelftestCommand.class,
      BenchCommand.class,
      SynthCommand.class,
      ConvertCommand.class,
      PretrainCommand.class,
      TrainCommand.class,
      LabelCommand.class,
      CrfCommand.class,
      DeepLabCommand.class,
      SegmentCommand.class,
      IrnCommand.class,
      EvalCommand.class,
      AblateCommand.class,
      PipelineCommand.class,
      ReportCommand.class,
      ServeCommand.class
    })
final class WispCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version.")
  private boolean version;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "give a command");
  }
}
