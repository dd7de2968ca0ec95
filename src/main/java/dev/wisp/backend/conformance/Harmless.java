package dev.wisp.backend.conformance;

import java.util.function.Function;

/**
 * A call that looks hostile or is plainly valid: a backend must neither refuse it nor crash. What
 * it computes is the business of {@link ConformanceCase}.
 *
 * @param operation name of the SPI method
 * @param text what is special about it, one line; unique within the operation
 * @param body makes the arguments and returns the call
 */
public record Harmless(String operation, String text, Function<Trial, Runnable> body) {
  /** Operation and text. */
  public String name() {
    return operation + ": " + text;
  }
}
