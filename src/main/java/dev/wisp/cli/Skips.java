package dev.wisp.cli;

import java.io.PrintWriter;
import java.util.Map;

/** Lists what a command could not use. */
final class Skips {
  private Skips() {}

  /** Prints the list and returns the exit code that goes with it. */
  static int report(PrintWriter err, Map<String, String> skipped) {
    if (skipped.isEmpty()) {
      return ExitCodes.OK;
    }
    err.printf("wisp: %d images were skipped:%n", skipped.size());
    skipped.forEach((image, reason) -> err.printf("  %s: %s%n", image, reason));
    return ExitCodes.SKIPPED;
  }
}
