package dev.wisp.cli;

import static dev.wisp.cli.CliSupport.TINY;
import static dev.wisp.cli.CliSupport.wisp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.Backend;
import dev.wisp.backend.DevicePeak;
import dev.wisp.backend.benchmark.KernelBenchmark;
import dev.wisp.backend.benchmark.KernelBenchmarks;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchTest {
  @Test
  void theReportHasALineForEveryKernelAndOneForTraining() {
    String out = wisp(TINY, "bench", "--device=cpu", "--repeats=1").ok().out();
    assertThat(out).startsWith("wisp ").contains("cpu: ").contains("peak: unknown");
    for (KernelBenchmark benchmark : KernelBenchmarks.all(1)) {
      assertThat(out).contains("| %s | %s |".formatted(benchmark.operation(), benchmark.sizes()));
    }
    assertThat(out)
        .containsPattern("training, recipe demo, demo, batch 4, crops of 48: [0-9.]+ ms");
  }

  @Test
  void aBenchmarkLeavesNoMemoryInUse() {
    try (Backend backend = CpuBackend.open(CpuOptions.standard().withThreads(1))) {
      for (KernelBenchmark benchmark : KernelBenchmarks.all(2)) {
        if (List.of("pamrSteps", "prototypes", "convForward").contains(benchmark.operation())) {
          assertThat(benchmark.seconds(backend, 1)).isPositive();
          assertThat(backend.memoryStatistics().used()).isZero();
        }
      }
    }
  }

  @Test
  void theBoundIsTheSlowerOfMemoryAndArithmetic() {
    DevicePeak peak = new DevicePeak(100, 1000);
    assertThat(peak.bound(200, 10)).isCloseTo(2, within(1e-12));
    assertThat(peak.bound(1, 5000)).isCloseTo(5, within(1e-12));
  }
}
