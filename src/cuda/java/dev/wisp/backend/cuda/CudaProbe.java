package dev.wisp.backend.cuda;

import dev.wisp.common.WispException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Asks, without JCuda, whether there is a driver, new enough, with a card. */
final class CudaProbe {
  /** CUDA 12.0: what the compiler's machine code and JCuda need. */
  static final int OLDEST_DRIVER = 12_000;

  private static final int NO_DEVICE = 100;

  private CudaProbe() {}

  /**
   * Refuses a machine whose driver cannot be used.
   *
   * @throws WispException that says what is missing
   */
  static void requireDriver() {
    List<String> tried = new ArrayList<>();
    if (CudaLibrary.open(tried) == null) {
      throw new WispException(
          "no NVIDIA driver was found (%s); install 525 or newer"
              .formatted(String.join("; ", tried)));
    }
    try (Arena arena = Arena.ofConfined()) {
      int status =
          (int)
              Linker.nativeLinker()
                  .downcallHandle(
                      function("cuInit"),
                      FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT))
                  .invokeExact(0);
      if (status == NO_DEVICE) {
        throw new WispException("the NVIDIA driver finds no card");
      }
      refuse(status, "cuInit");
      requireVersion(number("cuDriverGetVersion", arena));
      if (number("cuDeviceGetCount", arena) == 0) {
        throw new WispException("the NVIDIA driver finds no card");
      }
    } catch (WispException missing) {
      throw missing;
    } catch (Throwable impossible) {
      throw new AssertionError("cuInit", impossible);
    }
  }

  /** Refuses a driver for too old a CUDA. */
  static void requireVersion(int version) {
    if (version < OLDEST_DRIVER) {
      throw new WispException(
          "the NVIDIA driver is for CUDA %s, %s or newer is needed: update the driver to 525 or newer"
              .formatted(CudaDevice.version(version), CudaDevice.version(OLDEST_DRIVER)));
    }
  }

  /** Calls a function whose one parameter receives an int. */
  private static int number(String name, Arena arena) throws Throwable {
    MemorySegment result = arena.allocate(ValueLayout.JAVA_INT);
    refuse(
        (int)
            Linker.nativeLinker()
                .downcallHandle(
                    function(name),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
                .invokeExact(result),
        name);
    return result.get(ValueLayout.JAVA_INT, 0);
  }

  private static MemorySegment function(String name) {
    long address = CudaLibrary.address(name);
    if (address == 0) {
      throw new WispException(
          "%s is no NVIDIA driver: it has no %s".formatted(CudaLibrary.NAME, name));
    }
    return MemorySegment.ofAddress(address);
  }

  private static void refuse(int status, String function) {
    if (status != 0) {
      throw new WispException(
          "the NVIDIA driver does not start: %s failed: %s"
              .formatted(function, CudaDriverApi.describe(status)));
    }
  }
}
