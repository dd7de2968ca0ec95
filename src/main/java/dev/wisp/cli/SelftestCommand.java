package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.backend.conformance.ConformanceCase;
import dev.wisp.backend.conformance.ConformanceResult;
import dev.wisp.backend.conformance.ConformanceSuite;
import dev.wisp.common.WispException;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Progress;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp selftest}. */
@Command(
    name = "selftest",
    description = "Check every operation of a device against the float64 reference.",
    footer = {"", "Example: wisp selftest --device cpu --only pamr"})
final class SelftestCommand extends Task {
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Option(
      names = "--only",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "Only the operations whose name contains this.")
  private String only = "";

  @Override
  int run() {
    List<ConformanceCase> cases =
        ConformanceSuite.cases().stream()
            .filter(
                test ->
                    test.operation()
                        .toLowerCase(Locale.ROOT)
                        .contains(only.toLowerCase(Locale.ROOT)))
            .toList();
    if (cases.isEmpty()) {
      throw new WispException("--only %s: no operation has such a name".formatted(only));
    }
    Progress progress = ConsoleProgress.onTerminal();
    int failed = 0;
    try (Backend backend = Devices.open(device.device, device.threads)) {
      out().println(backend.describe());
      progress.begin("selftest", 0, cases.size());
      for (int i = 0; i < cases.size(); i++) {
        ConformanceResult result = ConformanceSuite.run(cases.get(i), backend);
        if (!result.pass()) {
          failed++;
          out().println(result);
        } else if (verbose()) {
          out().println(result);
        }
        progress.advance(i + 1L, cases.get(i).operation());
      }
    } finally {
      progress.end();
    }
    out().printf("%d of %d cases passed%n", cases.size() - failed, cases.size());
    return failed == 0 ? ExitCodes.OK : ExitCodes.INTERNAL;
  }
}
