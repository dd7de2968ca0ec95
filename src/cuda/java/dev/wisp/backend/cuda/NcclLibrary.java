package dev.wisp.backend.cuda;

import dev.wisp.backend.support.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds NCCL 2 where the dynamic linker searches, in an installed CUDA 12, or on the class path. It
 * is opened here first: the preset finds what is open by name, and its classes, which fail for the
 * life of the JVM if they fail once, are not touched before.
 */
final class NcclLibrary {
  static final String NAME = "libnccl.so.2";

  /** 2.10: the first that averages. */
  static final int OLDEST = 21_000;

  /** Until 2.8 a version had a digit less. */
  private static final int LONG_NUMBERS = 10_000;

  private NcclLibrary() {}

  /**
   * Searches. Opens a library, touches no class of a preset.
   *
   * @return null if NCCL can be used, else in one line why not and what to do
   */
  static @Nullable String missing() {
    List<String> tried = new ArrayList<>();
    SharedLibrary library = SharedLibrary.open(NAME, tried);
    for (Path folder : CudnnLibrary.toolkits()) {
      if (library == null) {
        library = SharedLibrary.open(folder.resolve(NAME).toString(), tried);
      }
    }
    if (library != null) {
      return refusal(number(library));
    }
    return CudnnLibrary.onClassPath(NAME)
        ? null // JavaCPP extracts and opens it.
        : "NCCL 2 was not found (%s): install NCCL 2 for CUDA 12".formatted(tried.getFirst());
  }

  /** Why a version cannot be used; null if it can. */
  static @Nullable String refusal(int number) {
    return number >= OLDEST
        ? null
        : "NCCL %s is too old: install %s or newer for CUDA 12"
            .formatted(version(number), version(OLDEST));
  }

  /** {@code 2.23.4} for 22304, {@code 2.8.4} for 2804. */
  static String version(int number) {
    int major = number / (number >= LONG_NUMBERS ? LONG_NUMBERS : LONG_NUMBERS / 10);
    return "%d.%d.%d"
        .formatted(major, number / 100 % (number >= LONG_NUMBERS ? 100 : 10), number % 100);
  }

  private static int number(SharedLibrary library) {
    long function = library.address("ncclGetVersion");
    if (function == 0) {
      return 0;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(ValueLayout.JAVA_INT);
      int status =
          (int)
              Linker.nativeLinker()
                  .downcallHandle(
                      MemorySegment.ofAddress(function),
                      FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
                  .invokeExact(result);
      return status == 0 ? result.get(ValueLayout.JAVA_INT, 0) : 0;
    } catch (Throwable impossible) {
      throw new AssertionError("ncclGetVersion", impossible);
    }
  }
}
