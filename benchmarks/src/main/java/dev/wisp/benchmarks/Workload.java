package dev.wisp.benchmarks;

import java.util.Map;

/** One thing to time in one engine, its inputs already in the engine's memory. */
public interface Workload extends AutoCloseable {
  /** Computes once, to the end: no work is left running when it returns. */
  void run();

  /**
   * Runs once and returns what was computed, in an order that all engines share; planar maps are
   * {@code [N, classes, H, W]} with zeros for absent classes.
   */
  Map<String, float[]> values();

  @Override
  void close();
}
