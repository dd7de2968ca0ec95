package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.backend.benchmark.KernelBenchmark;
import dev.wisp.backend.benchmark.KernelBenchmarks;
import dev.wisp.common.WispException;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Recipe;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp bench}. */
@Command(
    name = "bench",
    description = {
      "Time a device's kernels at the paper's sizes, then training steps of a recipe.",
      "Where the device's peak is known, each time is compared with the least that memory and"
          + " arithmetic allow."
    },
    footer = {"", "Example: wisp bench --device cpu --only pamr --kernels"})
final class BenchCommand extends Task {
  private static final int MOST_BATCH = 256;
  private static final int MOST_REPEATS = 1000;

  @Mixin private DeviceOptions device = new DeviceOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Images of a kernel's call (default: ${DEFAULT-VALUE}).")
  private int batch = 1;

  @Option(
      names = "--repeats",
      paramLabel = "N",
      description = "Measurements of each; the median counts (default: ${DEFAULT-VALUE}).")
  private int repeats = 5;

  @Option(
      names = "--only",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "Only the kernels whose name contains this.")
  private String only = "";

  @Option(names = "--kernels", description = "Leave the training steps out.")
  private boolean kernels;

  @Override
  int run() {
    requireRange("--batch", batch, 1, MOST_BATCH);
    requireRange("--repeats", repeats, 1, MOST_REPEATS);
    List<KernelBenchmark> chosen =
        KernelBenchmarks.all(batch).stream()
            .filter(
                benchmark ->
                    benchmark
                        .operation()
                        .toLowerCase(Locale.ROOT)
                        .contains(only.toLowerCase(Locale.ROOT)))
            .toList();
    if (chosen.isEmpty()) {
      throw new WispException("--only %s: no kernel has such a name".formatted(only));
    }
    Recipe values = recipe.load();
    try (Backend backend = Devices.open(device.device, device.threads)) {
      out().printf("wisp %s; %s%n", Main.Version.number(), backend.describe());
      BenchReport report = new BenchReport(out(), backend, repeats);
      report.kernels(chosen);
      if (!kernels) {
        report.training(values);
      }
    }
    return ExitCodes.OK;
  }
}
