package dev.wisp.backend.conformance;

import java.util.function.Consumer;

/**
 * One operation on one kind of input.
 *
 * @param operation name of the SPI method that is judged
 * @param text sizes and what is special about the input, one line; unique within the operation
 * @param body makes the inputs, runs the operation and hands its outputs over; runs on the judged
 *     backend and on the reference alike, and must do the same each time
 */
public record ConformanceCase(String operation, String text, Consumer<Trial> body) {
  /** Operation and text. */
  public String name() {
    return operation + ": " + text;
  }
}
