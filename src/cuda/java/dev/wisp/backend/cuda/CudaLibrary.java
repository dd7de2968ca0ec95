package dev.wisp.backend.cuda;

import dev.wisp.backend.support.SharedLibrary;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * NVIDIA's driver library, asked for before any class that cannot live without it is touched: a
 * static initialiser that failed once fails for the life of the JVM.
 */
final class CudaLibrary {
  static final String NAME = "libcuda.so.1";

  /** Exported by the software CUDA device alone. */
  private static final String REFEREE_SYMBOL = "softgpu_last_report";

  private static @Nullable SharedLibrary opened;

  private CudaLibrary() {}

  /** Opens the library; null with the linker's words in {@code tried} if there is none. */
  static synchronized @Nullable SharedLibrary open(List<String> tried) {
    if (opened == null) {
      opened = SharedLibrary.open(NAME, tried);
    }
    return opened;
  }

  /**
   * The address of a function.
   *
   * @return 0 if the driver has none of that name
   * @throws IllegalStateException if there is no driver
   */
  static long address(String function) {
    List<String> tried = new ArrayList<>();
    SharedLibrary library = open(tried);
    if (library == null) {
      throw new IllegalStateException("no NVIDIA driver: " + String.join("; ", tried));
    }
    return library.address(function);
  }

  /** Whether the driver is the software CUDA device, which executes kernels to check them. */
  static boolean isReferee() {
    return address(REFEREE_SYMBOL) != 0;
  }

  /** What the software device found wrong last, on one line; empty on a card or if nothing. */
  static String refereeReport() {
    long function = address(REFEREE_SYMBOL);
    if (function == 0) {
      return "";
    }
    try {
      MemorySegment text =
          (MemorySegment)
              Linker.nativeLinker()
                  .downcallHandle(
                      MemorySegment.ofAddress(function), FunctionDescriptor.of(ValueLayout.ADDRESS))
                  .invokeExact();
      return text.address() == 0
          ? ""
          : text.reinterpret(Long.MAX_VALUE).getString(0).replaceAll("\\s+", " ").strip();
    } catch (Throwable impossible) {
      throw new AssertionError(REFEREE_SYMBOL, impossible);
    }
  }
}
