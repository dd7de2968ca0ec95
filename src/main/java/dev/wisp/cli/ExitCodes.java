package dev.wisp.cli;

/** The process's exit codes; they are part of the interface. */
final class ExitCodes {
  /** Done. */
  static final int OK = 0;

  /** A fault of the program. */
  static final int INTERNAL = 1;

  /** A user's error: one line on the error stream says what to do. */
  static final int USER = 2;

  /** Done, but some inputs were named and skipped. */
  static final int SKIPPED = 3;

  private ExitCodes() {}
}
