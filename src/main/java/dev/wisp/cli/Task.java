package dev.wisp.cli;

import dev.wisp.common.WispException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every command has. */
abstract class Task implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = {"-v", "--verbose"},
      description = "Say more, and print stack traces.")
  private boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  boolean verbose() {
    return verbose;
  }

  PrintWriter out() {
    return spec.commandLine().getOut();
  }

  PrintWriter err() {
    return spec.commandLine().getErr();
  }

  @Override
  public final Integer call() {
    if (verbose) {
      Logging.verbose();
    }
    return run();
  }

  /**
   * Checks a whole number that an option was given.
   *
   * @throws WispException that names the option and the range, if it lies outside
   */
  static void requireRange(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new WispException("%s is %d; give %d..%d".formatted(option, value, least, most));
    }
  }

  /** Does it and returns the exit code. */
  abstract int run();
}
