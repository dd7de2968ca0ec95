package dev.wisp;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;

/**
 * The process-wide CPU engine behind the operations on arrays, opened at first use and never
 * closed: its compute thread is a daemon and its pool is bounded.
 */
final class SharedEngine {
  private SharedEngine() {}

  private static final class Holder {
    static final Backend BACKEND = CpuBackend.open(CpuOptions.standard());
  }

  static Backend backend() {
    return Holder.BACKEND;
  }
}
