package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.backend.reference.ReferenceBackend;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The backends that the kernel-level golden vectors are held against: the reference and the cpu, or
 * the devices that the system property {@value #DEVICES} lists.
 */
final class KernelBackends {
  static final String DEVICES = "wisp.golden.devices";

  private static final String REFERENCE = "reference";

  private KernelBackends() {}

  static Map<String, Supplier<Backend>> all() {
    Map<String, Supplier<Backend>> backends = new LinkedHashMap<>();
    for (String name : System.getProperty(DEVICES, REFERENCE + ",cpu").split(",")) {
      backends.put(name, () -> open(name));
    }
    return backends;
  }

  private static Backend open(String name) {
    return name.equals(REFERENCE)
        ? new ReferenceBackend()
        : Backends.open(name, CpuOptions.standard().withPoison(true));
  }
}
