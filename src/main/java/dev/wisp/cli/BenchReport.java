package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.backend.DevicePeak;
import dev.wisp.backend.benchmark.KernelBenchmark;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Throughput;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;

/** Prints the times of a device's kernels and of training steps. */
final class BenchReport {
  private final PrintWriter out;
  private final Backend backend;
  private final int repeats;

  /**
   * A report.
   *
   * @param repeats measurements of each; the median counts
   */
  BenchReport(PrintWriter out, Backend backend, int repeats) {
    this.out = out;
    this.backend = backend;
    this.repeats = repeats;
  }

  /**
   * A table of kernels: time, throughput, and the share of the device's bound where it is known.
   */
  void kernels(List<KernelBenchmark> chosen) {
    Optional<DevicePeak> peak = backend.peak();
    out.println(
        peak.map(
                p ->
                    "peak, calculated: %.0f GB/s, %.1f TFLOP/s"
                        .formatted(p.bytesPerSecond() * 1e-9, p.operationsPerSecond() * 1e-12))
            .orElse("peak: unknown"));
    out.println();
    out.println("| kernel | sizes | ms | GB/s | GFLOP/s | of the bound |");
    out.println("|---|---|---|---|---|---|");
    for (KernelBenchmark benchmark : chosen) {
      kernel(benchmark, benchmark.seconds(backend, repeats), peak);
    }
  }

  private void kernel(KernelBenchmark benchmark, double seconds, Optional<DevicePeak> peak) {
    out.printf(
        "| %s | %s | %.4f | %.1f | %.1f | %s |%n",
        benchmark.operation(),
        benchmark.sizes(),
        1e3 * seconds,
        1e-9 * benchmark.bytes() / seconds,
        1e-9 * benchmark.operations() / seconds,
        peak.map(
                p ->
                    "%.0f %%"
                        .formatted(
                            100 * p.bound(benchmark.bytes(), benchmark.operations()) / seconds))
            .orElse("-"));
    out.flush();
  }

  /** A line about training steps of a recipe. */
  void training(Recipe recipe) {
    Throughput.Result training = Throughput.measure(backend, recipe, repeats);
    out.printf(
        "%ntraining, recipe %s, %s, batch %d, crops of %d: %.1f ms a step, %.2f images/s,"
            + " %d MB of device memory%n",
        recipe.name(),
        recipe.network().backbone(),
        recipe.training().batch(),
        recipe.training().crop(),
        1e3 * training.seconds(),
        training.imagesPerSecond(),
        training.peakBytes() >> 20);
  }
}
