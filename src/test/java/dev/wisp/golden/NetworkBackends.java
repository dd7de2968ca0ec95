package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.cpu.CpuOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The backends that the whole-network golden vectors are held against: those that users choose, or
 * the devices of {@link KernelBackends#DEVICES}. The reference would take minutes for each step of
 * depth 101.
 */
final class NetworkBackends {
  private NetworkBackends() {}

  static Map<String, Supplier<Backend>> all() {
    Map<String, Supplier<Backend>> backends = new LinkedHashMap<>();
    for (String name : System.getProperty(KernelBackends.DEVICES, "cpu").split(",")) {
      backends.put(name, () -> Backends.open(name, CpuOptions.standard()));
    }
    return backends;
  }
}
