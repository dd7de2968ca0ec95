package dev.wisp.tensor;

/** The device has no memory left for an allocation; the message says how much was asked for. */
public final class WispOutOfMemory extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public WispOutOfMemory(String message) {
    super(message);
  }
}
