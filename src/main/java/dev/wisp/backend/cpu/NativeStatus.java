package dev.wisp.backend.cpu;

import dev.wisp.tensor.WispOutOfMemory;
import java.util.function.Supplier;

/** Turns a status of the C ABI into an exception: operation, native text, shapes. */
final class NativeStatus {
  private static final int OK = 0;
  private static final int BAD_ARGUMENT = 1;
  private static final int OUT_OF_MEMORY = 2;

  private NativeStatus() {}

  static void check(int status, String operation, Supplier<String> shapes) {
    if (status == OK) {
      return;
    }
    String message = operation + ": " + NativeKernels.errorMessage() + shapes.get();
    throw switch (status) {
      case BAD_ARGUMENT -> new IllegalArgumentException(message);
      case OUT_OF_MEMORY -> new WispOutOfMemory(message);
      default -> new IllegalStateException(message);
    };
  }
}
