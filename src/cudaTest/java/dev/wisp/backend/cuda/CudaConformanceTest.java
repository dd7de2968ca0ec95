package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.conformance.ConformanceCase;
import dev.wisp.backend.conformance.ConformanceResult;
import dev.wisp.backend.conformance.ConformanceSuite;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every operation against the float64 reference, executed on the software device: as compiled for
 * the oldest and the newest Titan, blocks and warps in their plain order and in a random one, and
 * the naive kernels that judge the others.
 */
class CudaConformanceTest {
  private static final List<ConformanceCase> CASES =
      Stream.of(ConformanceSuite.cases(), ConformanceSuite.halfCases())
          .flatMap(List::stream)
          .toList();

  /** The reference's results serve all runs. */
  private static final Map<ConformanceCase, ConformanceSuite.Expectation> EXPECTED =
      new HashMap<>();

  @AfterAll
  static void forget() {
    EXPECTED.clear();
    Referee.plainOrder();
  }

  @TestFactory
  Stream<DynamicTest> everyCaseOnCodeForTheTitanXInPlainOrder() {
    return onEveryCase("ptx:52", false, Referee::plainOrder);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseOnCodeForTheTitanXInRandomOrder() {
    return onEveryCase("ptx:52", false, () -> Referee.randomOrder(SEED));
  }

  @TestFactory
  Stream<DynamicTest> everyCaseOnCodeForTheTitanRtxInPlainOrder() {
    return onEveryCase("ptx:75", false, Referee::plainOrder);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseOnCodeForTheTitanRtxInRandomOrder() {
    return onEveryCase("ptx:75", false, () -> Referee.randomOrder(SEED));
  }

  @TestFactory
  Stream<DynamicTest> everyCaseByTheNaiveKernels() {
    return onEveryCase("ptx:52", true, Referee::plainOrder);
  }

  private static final long SEED = 20_260_701;

  private static Stream<DynamicTest> onEveryCase(String code, boolean naive, Runnable order) {
    CudaBackend backend =
        CudaBackend.open(CudaOptions.standard().withCacheBytes(0).withCode(code).withNaive(naive));
    return CASES.stream()
        .map(
            test ->
                DynamicTest.dynamicTest(
                    test.name(),
                    () -> {
                      order.run();
                      check(test, backend);
                    }))
        .onClose(backend::close);
  }

  private static void check(ConformanceCase test, CudaBackend backend) {
    ConformanceResult result =
        ConformanceSuite.run(EXPECTED.computeIfAbsent(test, ConformanceSuite::expect), backend);
    assertThat(result.pass()).as(result.toString()).isTrue();
    assertThat(backend.memoryStatistics().used()).isZero();
  }
}
