package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.SoftAssertions.assertSoftly;

import dev.wisp.backend.cuda.CountedCall.CountedKernel;
import dev.wisp.backend.cuda.CountedCall.Operands;
import dev.wisp.backend.cuda.CountsPage.Budget;
import dev.wisp.backend.cuda.CountsPage.Key;
import dev.wisp.backend.cuda.CountsPage.Row;
import dev.wisp.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Launches and bytes of every kernel at the method's sizes, held to those of {@link #PAGE}, which
 * {@code -Dwisp.cuda.counts=write} writes anew.
 */
class CudaCountsTest {
  private static final Path PAGE = Path.of("docs/cuda-counts.md");
  private static final Pattern DEFINITION =
      Pattern.compile("__global__\\s+void\\s+(?:__launch_bounds__\\([^)]*\\)\\s+)?(wisp_\\w+)\\(");

  private static final List<Row> ROWS = new ArrayList<>();

  @BeforeAll
  static void count() throws IOException {
    Map<String, List<CountedCall>> byCode =
        Stream.of(
                CountedPointwiseCalls.all(),
                CountedMethodCalls.all(),
                CountedNetworkCalls.all(),
                CountedLayoutCalls.all(),
                CountedHalfCalls.all(),
                CountedSegmentationCalls.all(),
                CountedIrnCalls.all(),
                CountedCrfCalls.all())
            .flatMap(List::stream)
            .collect(Collectors.groupingBy(CountedCall::code));
    byCode.forEach(CudaCountsTest::countAll);
    ROWS.sort(
        Comparator.comparing((Row row) -> row.kernel().name())
            .thenComparing(row -> row.call().size()));
    if ("write".equals(System.getProperty("wisp.cuda.counts"))) {
      Files.writeString(PAGE, CountsPage.text(ROWS));
    }
  }

  @AfterAll
  static void forget() {
    ROWS.clear();
  }

  private static void countAll(String code, List<CountedCall> calls) {
    // The project's convolutions, not cuDNN's, and every launch done when its operation returns.
    CudnnOptions plain = CudnnOptions.standard().withUse(CudnnOptions.Use.PLAIN);
    try (CudaBackend backend =
        CudaBackend.open(
            CudaOptions.standard()
                .withCacheBytes(0)
                .withCode(code)
                .withGraphs(CudaOptions.Graphs.OFF)
                .withCudnn(plain))) {
      calls.forEach(call -> backend.run(() -> countOne(backend, call)));
    }
  }

  private static void countOne(CudaBackend backend, CountedCall call) {
    try (Scope scope = backend.scope()) {
      Runnable counted = call.preparation().prepare(backend, new Operands(backend, scope));
      Referee.resetCounts();
      counted.run();
      Map<String, KernelCounts> counts = KernelCounts.counted();
      assertThat(counts.keySet())
          .as(call.size())
          .containsExactlyInAnyOrderElementsOf(
              call.kernels().stream().map(CountedKernel::name).toList());
      for (CountedKernel kernel : call.kernels()) {
        KernelCounts of = counts.get(kernel.name());
        if (of != null) {
          ROWS.add(new Row(call, kernel, of));
        }
      }
    }
  }

  @Test
  void everyKernelKeepsToTheLaunchesAndBytesOfThePage() throws IOException {
    Map<Key, Budget> budgets = CountsPage.budgets(Files.readString(PAGE));
    String hint = "changed on purpose? " + CountsPage.COMMAND;
    assertThat(budgets.keySet())
        .as(hint)
        .isEqualTo(ROWS.stream().map(Row::key).collect(Collectors.toSet()));
    assertSoftly(
        all -> {
          for (Row row : ROWS) {
            Budget budget = budgets.getOrDefault(row.key(), new Budget(0, 0, 0));
            KernelCounts counts = row.counts();
            all.assertThat(counts.launches())
                .as("launches of %s; %s", row.key(), hint)
                .isEqualTo(budget.launches());
            all.assertThat(counts.bytes())
                .as("bytes of %s; %s", row.key(), hint)
                .isLessThanOrEqualTo(budget.bytes());
            all.assertThat(counts.sectorBytes())
                .as("bytes of the sectors of %s; %s", row.key(), hint)
                .isLessThanOrEqualTo(budget.sectorBytes());
          }
        });
  }

  @Test
  void aKernelThatMovesMoreThanTwiceItsLeastSaysWhy() {
    for (Row row : ROWS) {
      assertThat(row.ratio() > CountsPage.PLAIN)
          .as("%s moves %.2f times its least", row.key(), row.ratio())
          .isEqualTo(!row.kernel().note().isEmpty());
    }
  }

  /** Otherwise the least would be more than what the formula asks for. */
  @Test
  void noKernelMovesLessThanItsLeast() {
    for (Row row : ROWS) {
      assertThat(row.counts().bytes())
          .as("bytes of %s", row.key())
          .isGreaterThanOrEqualTo(row.kernel().least().bytes());
    }
  }

  @Test
  void everyKernelButTheNaiveOnesIsCounted() throws IOException {
    Set<String> defined = new TreeSet<>();
    try (Stream<Path> files = Files.list(Path.of("cuda"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".cu")).toList()) {
        Matcher definition = DEFINITION.matcher(Files.readString(file));
        while (definition.find()) {
          if (!definition.group(1).endsWith("_naive")) {
            defined.add(definition.group(1));
          }
        }
      }
    }
    assertThat(ROWS.stream().map(row -> row.kernel().name()).collect(Collectors.toSet()))
        .containsExactlyInAnyOrderElementsOf(defined);
  }
}
