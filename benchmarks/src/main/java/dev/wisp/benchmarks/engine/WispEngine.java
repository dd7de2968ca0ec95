package dev.wisp.benchmarks.engine;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.benchmarks.Engine;
import dev.wisp.benchmarks.Setting;
import dev.wisp.benchmarks.Task;
import dev.wisp.benchmarks.Workload;

/** Wisp on one backend. */
public final class WispEngine implements Engine {
  private final Backend backend;

  /** Wisp on the CPU, all cores. */
  public WispEngine() {
    this(CpuBackend.open(CpuOptions.standard()));
  }

  private WispEngine(Backend backend) {
    this.backend = backend;
  }

  /** Wisp's float64 reference: computes the same slowly, a third witness for the values. */
  public static WispEngine reference() {
    return new WispEngine(new ReferenceBackend());
  }

  @Override
  public String describe() {
    return backend.describe();
  }

  @Override
  public Workload open(Task task, Setting setting) {
    return switch (task) {
      case PAMR -> new WispPamr(backend, setting);
      case STRUCTURE -> new WispStructure(backend, setting);
      case REACTIVATION -> new WispReactivation(backend, setting);
      case NETWORK -> new WispNetwork(backend);
    };
  }

  @Override
  public void close() {
    backend.close();
  }
}
