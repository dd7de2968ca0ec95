package dev.wisp.cli;

import dev.wisp.common.WispException;
import dev.wisp.tensor.WispOutOfMemory;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
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
        .println("wisp: " + oneLine(explain(wrong, command)) + "; see " + name + " --help");
    return ExitCodes.USER;
  }

  /** picocli's message in a user's words. */
  private static String explain(CommandLine.ParameterException wrong, CommandLine command) {
    if (wrong instanceof CommandLine.UnmatchedArgumentException unmatched
        && !unmatched.isUnknownOption()
        && !command.getSubcommands().isEmpty()) {
      return "there is no command '%s'; choose one of %s"
          .formatted(
              unmatched.getUnmatched().getFirst(),
              String.join(", ", command.getSubcommands().keySet()));
    }
    return String.valueOf(wrong.getMessage())
        .replaceFirst("^Error: ", "")
        .replaceFirst(" is not an? (int|long)$", " is not a whole number");
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

  /** The version, and the commit it was built from where the build knew it. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"wisp " + number()};
    }

    static String number() {
      try (InputStream in = Main.class.getResourceAsStream("version.txt")) {
        if (in == null) {
          return "of an unknown build";
        }
        String[] parts = new String(in.readAllBytes(), StandardCharsets.UTF_8).strip().split(" ");
        return parts.length > 1 ? parts[0] + ", commit " + parts[1] : parts[0];
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
