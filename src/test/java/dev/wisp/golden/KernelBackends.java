package dev.wisp.golden;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.backend.reference.ReferenceBackend;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** The backends that the kernel-level golden vectors are held against. */
final class KernelBackends {
  private KernelBackends() {}

  static Map<String, Supplier<Backend>> all() {
    Map<String, Supplier<Backend>> backends = new LinkedHashMap<>();
    backends.put("reference", ReferenceBackend::new);
    backends.put("cpu", () -> CpuBackend.open(CpuOptions.standard().withPoison(true)));
    return backends;
  }
}
