package dev.wisp.cli;

import dev.wisp.common.WispException;
import dev.wisp.tensor.WispOutOfMemory;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.IVersionProvider;

/** Entry point of {@code wisp}. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    Logging.configure();
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int code = run(out, err, arguments);
    out.flush();
    err.flush();
    System.exit(code);
  }

  /** Runs one command and returns its exit code. */
  static int run(PrintWriter out, PrintWriter err, String... arguments) {
    CommandLine line = new CommandLine(new WispCommand());
    line.setOut(out).setErr(err);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpAutoWidth(true);
    line.setParameterExceptionHandler(Main::refuse);
    line.setExecutionExceptionHandler(Main::fail);
    GroupedHelp.install(line);
    return line.execute(arguments);
  }

  private static int refuse(CommandLine.ParameterException wrong, String[] arguments) {
    CommandLine command = wrong.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    command
        .getErr()
        .println(
            "wisp: " + oneLine(String.valueOf(wrong.getMessage())) + "; see " + name + " --help");
    return ExitCodes.USER;
  }

  private static int fail(Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
    PrintWriter err = command.getErr();
    boolean verbose =
        parsed.asCommandLineList().getLast().getCommand() instanceof Task task && task.verbose();
    if (failure instanceof WispException || failure instanceof WispOutOfMemory) {
      err.println("wisp: " + oneLine(String.valueOf(failure.getMessage())));
      if (verbose) {
        failure.printStackTrace(err);
      }
      return ExitCodes.USER;
    }
    err.println("wisp: this is a fault of the program: " + oneLine(failure.toString()));
    if (verbose) {
      failure.printStackTrace(err);
    } else {
      err.println("wisp: run the command again with -v and report it with the output of doctor");
    }
    return ExitCodes.INTERNAL;
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\s*\\R\\s*", " ");
  }

  /** The version in the manifest, or that of a working copy. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"wisp " + number()};
    }

    static String number() {
      String version = Main.class.getPackage().getImplementationVersion();
      return version == null ? "(working copy)" : version;
    }
  }
}
