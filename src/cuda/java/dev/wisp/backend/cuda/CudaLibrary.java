package dev.wisp.backend.cuda;

import dev.wisp.backend.support.SharedLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
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

  /**
   * What the software device found wrong since the last question, on one line; empty on a card or
   * if nothing.
   */
  static String refereeReport() {
    long report = address(REFEREE_SYMBOL);
    long clear = address("softgpu_clear_report");
    if (report == 0 || clear == 0) {
      return "";
    }
    Linker linker = Linker.nativeLinker();
    MethodHandle copy =
        linker.downcallHandle(
            MemorySegment.ofAddress(report),
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    MethodHandle forget =
        linker.downcallHandle(MemorySegment.ofAddress(clear), FunctionDescriptor.ofVoid());
    try (Arena arena = Arena.ofConfined()) {
      long length = (long) copy.invokeExact(MemorySegment.NULL, 0L);
      MemorySegment text = arena.allocate(length + 1);
      long copied = (long) copy.invokeExact(text, length + 1);
      forget.invokeExact();
      return copied == 0 ? "" : text.getString(0).replaceAll("\\s+", " ").strip();
    } catch (Throwable impossible) {
      throw new AssertionError(REFEREE_SYMBOL, impossible);
    }
  }
}
