package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.WispException;

/** Opens the device that a user names. */
public final class Devices {
  private Devices() {}

  /**
   * Opens a backend; the caller closes it.
   *
   * @param device {@code auto}, {@code cpu} or {@code cuda}
   * @param threads of the cpu; 0 for one per core
   * @throws WispException if the name is unknown or the device cannot be used
   */
  public static Backend open(String device, int threads) {
    if (threads < 0 || threads > 4096) {
      throw new WispException("--threads is %d; give 0..4096".formatted(threads));
    }
    return switch (device) {
      case "auto", "cpu" -> CpuBackend.open(CpuOptions.standard().withThreads(threads));
      case "cuda" ->
          throw new WispException(
              "--device cuda: this version computes on the cpu only; use --device cpu");
      default ->
          throw new WispException("--device is '%s'; give auto, cpu or cuda".formatted(device));
    };
  }
}
