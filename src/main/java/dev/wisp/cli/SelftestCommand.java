package dev.wisp.cli;

import dev.wisp.backend.Backend;
import dev.wisp.backend.benchmark.KernelBenchmarks;
import dev.wisp.backend.conformance.ConformanceCase;
import dev.wisp.backend.conformance.ConformanceResult;
import dev.wisp.backend.conformance.ConformanceSuite;
import dev.wisp.backend.conformance.Refusal;
import dev.wisp.backend.conformance.Refusal.Kind;
import dev.wisp.backend.conformance.Refusals;
import dev.wisp.common.WispException;
import dev.wisp.golden.GoldenFile;
import dev.wisp.golden.GoldenFolder;
import dev.wisp.golden.GoldenMismatch;
import dev.wisp.golden.GoldenSubject;
import dev.wisp.io.FileErrors;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Doctor;
import dev.wisp.pipeline.Progress;
import dev.wisp.pipeline.Recipe;
import dev.wisp.tensor.WispOutOfMemory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code wisp selftest}. */
@Command(
    name = "selftest",
    description = {
      "Check every operation of a device against the float64 reference, and that it refuses wrong"
          + " calls.",
      "With --golden and --bench the output is what a report about a card should hold."
    },
    footer = {
      "",
      "Example: wisp selftest --device cpu --only pamr",
      "Example: wisp selftest --device cuda --golden vectors --bench > report.txt"
    })
final class SelftestCommand extends Task {
  private static final int REPEATS = 5;

  @Mixin private DeviceOptions device = new DeviceOptions();
  @Mixin private RecipeOptions recipe = new RecipeOptions();

  @Option(
      names = "--only",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "Only the operations, vectors and kernels whose name contains this.")
  private String only = "";

  @Option(
      names = "--golden",
      paramLabel = "FOLDER",
      description = "Compare with the golden vectors in this folder too.")
  private @Nullable Path golden;

  @Option(
      names = "--bench",
      description = "Then time the kernels, and training steps of --recipe, as wisp bench does.")
  private boolean bench;

  @Override
  int run() {
    Recipe values = recipe.load();
    List<ConformanceCase> cases = chosen(ConformanceSuite.cases());
    List<ConformanceCase> halfCases = chosen(ConformanceSuite.halfCases());
    if (cases.isEmpty() && halfCases.isEmpty() && golden == null) {
      throw new WispException("--only %s: no operation has such a name".formatted(only));
    }
    int failed = 0;
    try (Backend backend = Devices.open(device.device, device.threads)) {
      heading(backend);
      failed += conformance(backend, cases);
      if (backend.takesF16()) {
        out().print("with float16 tensors: ");
        failed += conformance(backend, halfCases);
      }
      failed += refusals(backend);
      if (golden != null) {
        failed += golden(backend, golden);
      }
      if (bench) {
        out().println();
        BenchReport report = new BenchReport(out(), backend, REPEATS);
        report.kernels(
            KernelBenchmarks.all(1).stream().filter(each -> chosen(each.operation())).toList());
        if (only.isEmpty()) {
          report.training(values);
        }
      }
    }
    return failed == 0 ? ExitCodes.OK : ExitCodes.INTERNAL;
  }

  private void heading(Backend backend) {
    if (bench || golden != null) {
      Doctor.examine(Main.Version.number(), device.device, device.threads)
          .facts()
          .forEach((name, value) -> out().printf("%-14s %s%n", name + ":", value));
    } else {
      out().println(backend.describe());
    }
    out().flush();
  }

  private List<ConformanceCase> chosen(List<ConformanceCase> cases) {
    return cases.stream().filter(test -> chosen(test.operation())).toList();
  }

  /** Returns how many cases failed. */
  private int conformance(Backend backend, List<ConformanceCase> cases) {
    Progress progress = ConsoleProgress.onTerminal();
    int failed = 0;
    progress.begin("selftest", 0, cases.size());
    try {
      for (int i = 0; i < cases.size(); i++) {
        ConformanceResult result = ConformanceSuite.run(cases.get(i), backend);
        failed += result.pass() ? 0 : 1;
        if (!result.pass() || verbose()) {
          out().println(result);
        }
        progress.advance(i + 1L, cases.get(i).operation());
      }
    } finally {
      progress.end();
    }
    out().printf("%d of %d cases passed%n", cases.size() - failed, cases.size());
    return failed;
  }

  /** Returns how many wrong calls were taken. */
  private int refusals(Backend backend) {
    // A call after closing needs a device of its own; the tests make those.
    List<Refusal> refusals =
        Stream.concat(
                Refusals.all().stream(),
                backend.takesF16() ? Refusals.ofHalves().stream() : Stream.empty())
            .filter(refusal -> chosen(refusal.operation()) && refusal.kind() != Kind.CLOSED)
            .toList();
    int taken = 0;
    for (Refusal refusal : refusals) {
      Optional<String> fault = Refusals.check(refusal, backend);
      if (fault.isPresent()) {
        taken++;
        out().println("FAIL " + fault.get());
      }
    }
    out().printf("%d of %d wrong calls refused%n", refusals.size() - taken, refusals.size());
    return taken;
  }

  /** Returns how many cases of the vectors are outside their tolerances. */
  private int golden(Backend backend, Path root) {
    int run = 0;
    int failed = 0;
    for (GoldenSubject subject : GoldenSubject.ALL) {
      GoldenFolder folder = new GoldenFolder(root.resolve(subject.folder()));
      for (String stem : folder.stems(subject.files())) {
        if (chosen(stem)) {
          try (GoldenFile file = folder.file(stem)) {
            for (String name : subject.cases(file)) {
              run++;
              failed += golden(backend, subject, folder, file, name) ? 0 : 1;
            }
          }
        }
      }
    }
    if (run == 0) {
      boolean there =
          GoldenSubject.ALL.stream()
              .anyMatch(subject -> Files.isDirectory(root.resolve(subject.folder())));
      throw FileErrors.of(
          root,
          there && !only.isEmpty()
              ? "holds no golden vectors whose name contains '" + only + "'"
              : "holds no golden vectors (no folder ae_sipe with *.safetensors)");
    }
    out().printf("%d of %d golden cases passed%n", run - failed, run);
    return failed;
  }

  private boolean golden(
      Backend backend, GoldenSubject subject, GoldenFolder folder, GoldenFile file, String name) {
    try {
      String line =
          file.start(name, backend.name()).run(report -> subject.check(folder, report, backend));
      out().println(line);
      out().flush();
      return true;
    } catch (GoldenMismatch | WispOutOfMemory failure) {
      out().println("FAIL " + failure.getMessage());
      out().flush();
      return false;
    }
  }

  private boolean chosen(String operation) {
    return operation.toLowerCase(Locale.ROOT).contains(only.toLowerCase(Locale.ROOT));
  }
}
