package dev.wisp.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;

/** Asks for NVIDIA's driver library before any class that needs it is touched. */
final class CudaDriver {
  private CudaDriver() {}

  static boolean isPresent() {
    try (Arena arena = Arena.ofConfined()) {
      return SymbolLookup.libraryLookup("libcuda.so.1", arena).find("cuInit").isPresent();
    } catch (IllegalArgumentException | IllegalCallerException absentOrDenied) {
      return false;
    }
  }
}
