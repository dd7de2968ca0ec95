package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * A call that every backend must refuse before it reaches native code.
 *
 * @param operation name of the SPI method, or of the type of argument that refuses
 * @param text what is wrong, one line; unique within the operation
 * @param kind why it is refused: decides the exception and where the call is made
 * @param mentions what the message must contain
 * @param body makes the arguments and returns the bad call
 */
public record Refusal(
    String operation, String text, Kind kind, String mentions, Function<Trial, Runnable> body) {
  /** Why a call is refused. */
  public enum Kind {
    /** Sizes that do not fit each other or the operation. */
    SHAPE(IllegalArgumentException.class),
    /** Another element type than documented. */
    TYPE(IllegalArgumentException.class),
    /** A number out of its range. */
    VALUE(IllegalArgumentException.class),
    /** An output in the memory of another operand. */
    OVERLAP(IllegalArgumentException.class),
    /** Memory or weights of another backend. */
    FOREIGN(IllegalArgumentException.class),
    /** A tensor, scope or holder that is gone, or a holder that is empty. */
    STATE(IllegalStateException.class),
    /** A call from another thread than the backend's own. */
    THREAD(IllegalStateException.class),
    /** A call, on the right thread, of a backend that is closed. */
    CLOSED(IllegalStateException.class);

    private final Class<? extends RuntimeException> expected;

    Kind(Class<? extends RuntimeException> expected) {
      this.expected = expected;
    }

    /** The exception that the SPI promises. */
    public Class<? extends RuntimeException> expected() {
      return expected;
    }
  }

  /** A refusal whose message begins with the operation's name. */
  Refusal(String operation, String text, Kind kind, Function<Trial, Runnable> body) {
    this(operation, text, kind, operation, body);
  }

  /** One that needs no preparation but fresh tensors. */
  static Refusal of(String operation, String text, Kind kind, BiConsumer<Backend, Trial> call) {
    return new Refusal(operation, text, kind, t -> () -> call.accept(t.backend(), t));
  }

  /** Operation and text. */
  public String name() {
    return operation + ": " + text;
  }
}
