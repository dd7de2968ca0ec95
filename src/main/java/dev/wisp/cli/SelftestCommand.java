package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.backend.conformance.ConformanceCase;
import dev.wisp.backend.conformance.ConformanceResult;
import dev.wisp.backend.conformance.ConformanceSuite;
import dev.wisp.backend.conformance.Refusal;
import dev.wisp.backend.conformance.Refusal.Kind;
import dev.wisp.backend.conformance.Refusals;
import dev.wisp.common.WispException;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Progress;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp selftest}. */
@Command(
    name = "selftest",
    description =
        "Check every operation of a device against the float64 reference, and that it refuses"
            + " wrong calls.",
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
        ConformanceSuite.cases().stream().filter(test -> chosen(test.operation())).toList();
    // A call after closing needs a device of its own; the tests make those.
    List<Refusal> refusals =
        Refusals.all().stream()
            .filter(refusal -> chosen(refusal.operation()) && refusal.kind() != Kind.CLOSED)
            .toList();
    if (cases.isEmpty()) {
      throw new WispException("--only %s: no operation has such a name".formatted(only));
    }
    Progress progress = ConsoleProgress.onTerminal();
    int failed = 0;
    int taken = 0;
    try (Backend backend = Devices.open(device.device, device.threads)) {
      out().println(backend.describe());
      progress.begin("selftest", 0, cases.size());
      for (int i = 0; i < cases.size(); i++) {
        ConformanceResult result = ConformanceSuite.run(cases.get(i), backend);
        if (!result.pass()) {
          failed++;
        }
        if (!result.pass() || verbose()) {
          out().println(result);
        }
        progress.advance(i + 1L, cases.get(i).operation());
      }
      for (Refusal refusal : refusals) {
        Optional<String> fault = Refusals.check(refusal, backend);
        if (fault.isPresent()) {
          taken++;
          out().println("FAIL " + fault.get());
        }
      }
    } finally {
      progress.end();
    }
    out().printf("%d of %d cases passed%n", cases.size() - failed, cases.size());
    out().printf("%d of %d wrong calls refused%n", refusals.size() - taken, refusals.size());
    return failed + taken == 0 ? ExitCodes.OK : ExitCodes.INTERNAL;
  }

  private boolean chosen(String operation) {
    return operation.toLowerCase(Locale.ROOT).contains(only.toLowerCase(Locale.ROOT));
  }
}
