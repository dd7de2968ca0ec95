package dev.wisp.golden;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A case is outside its tolerances, or its files are not what they should be. */
public final class GoldenMismatch extends RuntimeException {
  private static final long serialVersionUID = 1;

  GoldenMismatch(String line, List<String> failures, @Nullable Throwable cause) {
    super(line + "\n" + String.join("\n", failures), cause);
  }

  /**
   * Checks what a comparison takes for granted.
   *
   * @param format of the message, with its values
   */
  static void require(boolean condition, String format, Object... values) {
    if (!condition) {
      throw new GoldenMismatch("not as expected", List.of(format.formatted(values)), null);
    }
  }
}
