package dev.wisp.backend.cuda;

import dev.wisp.common.WispException;
import dev.wisp.tensor.WispOutOfMemory;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Turns the driver's status codes into exceptions, for one backend: {@link WispOutOfMemory} where
 * the device has no memory left, else {@link WispException}, with the function, what it was to do,
 * the driver's words, and the operation with its shapes. After an error that leaves the device's
 * context unusable every later call says so at once.
 */
final class CudaStatus {
  private static final int OUT_OF_MEMORY = 2;

  /** Errors after which the driver refuses everything in the same process (cuda.h). */
  private static final Set<Integer> STICKY =
      Set.of(
          46, // device unavailable
          214, // uncorrectable memory error
          220, // uncorrectable link error
          226, // contained error
          700, // illegal address
          702, // launch timeout
          709, // context destroyed
          710, // assertion
          714, // hardware stack error
          715, // illegal instruction
          716, // misaligned address
          717, // invalid address space
          718, // invalid program counter
          719, // launch failure
          999); // unknown

  private @Nullable String broken;
  private @Nullable Supplier<String> during;

  /** Names the operation that runs from now on; null at its end. */
  void during(@Nullable Supplier<String> operation) {
    during = operation;
  }

  /** What names the operation that runs now; null outside of any. */
  @Nullable Supplier<String> during() {
    return during;
  }

  /**
   * Refuses a failed call.
   *
   * @param status what the driver returned
   * @param function of the driver
   * @param what it was to do
   */
  void check(int status, String function, String what) {
    if (status != 0) {
      throw failure(status, function, what);
    }
  }

  /** The exception for a failed call, to be thrown by a caller that must not build its text. */
  RuntimeException failure(int status, String function, String what) {
    String text = text(function, what, CudaDriverApi.describe(status));
    if (status == OUT_OF_MEMORY) {
      return exhausted(text);
    }
    return STICKY.contains(status) ? lost(text) : new WispException(text);
  }

  /**
   * What a failed call is about, on one line: the operation with its shapes, the function, what it
   * was to do, the words for its status, and the software device's report if there is one.
   */
  String text(String function, String what, String words) {
    StringBuilder message = new StringBuilder("cuda: ");
    if (during != null) {
      message.append(during.get()).append(": ");
    }
    message.append("%s of %s failed: %s".formatted(function, what, words));
    String report = CudaLibrary.refereeReport();
    if (!report.isEmpty()) {
      message.append(": ").append(report);
    }
    return message.toString();
  }

  /** The exception for a call that found no memory. */
  static WispOutOfMemory exhausted(String text) {
    return new WispOutOfMemory(text + "; " + REMEDY);
  }

  /** The exception for a call that lost the device: from now on every operation is refused. */
  WispException lost(String text) {
    if (broken == null) {
      broken = "the device was lost in an earlier call (" + text + ")";
    }
    return new WispException(
        text + "; the device cannot be used any more in this process: start it again");
  }

  /** What to change when the device's memory does not suffice. */
  static final String REMEDY =
      "lower training.batch, training.crop or labelling.maxPixels, or end other programs on the"
          + " card";

  /** Refuses an operation on a device that an earlier one has lost. */
  void requireUsable(String operation) {
    if (broken != null) {
      throw new WispException("%s: %s; start the process again".formatted(operation, broken));
    }
  }

  /** Whether an earlier error has made the device unusable. */
  boolean isBroken() {
    return broken != null;
  }
}
