package dev.wisp.common;

/**
 * A user's error: its message is one line that says what is wrong, where (file or option), and what
 * to do. The command line prints it and ends with exit code 2.
 */
public final class WispException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public WispException(String message) {
    super(message);
  }

  public WispException(String message, Throwable cause) {
    super(message, cause);
  }
}
