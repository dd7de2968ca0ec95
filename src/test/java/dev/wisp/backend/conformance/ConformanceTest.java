package dev.wisp.backend.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvolutionOps;
import dev.wisp.backend.CrfOps;
import dev.wisp.backend.GroupNormOps;
import dev.wisp.backend.IrnOps;
import dev.wisp.backend.MapOps;
import dev.wisp.backend.NormOps;
import dev.wisp.backend.OptimizerOps;
import dev.wisp.backend.PamrOps;
import dev.wisp.backend.PointwiseOps;
import dev.wisp.backend.ResizeOps;
import dev.wisp.backend.SeedOps;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.backend.reference.ReferenceBackend;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class ConformanceTest {
  private static final List<ConformanceCase> CASES = ConformanceSuite.cases();
  private static final List<ConformanceCase> HALF_CASES = ConformanceSuite.halfCases();

  /** The reference's results serve all backends. */
  private static final Map<ConformanceCase, ConformanceSuite.Expectation> EXPECTED =
      new HashMap<>();

  @AfterAll
  static void forget() {
    EXPECTED.clear();
  }

  /** Also proves that each case calls the operation it names. */
  @TestFactory
  Stream<DynamicTest> theReferenceBackendIsWithinTheToleranceThatItSets() {
    Set<String> called = new HashSet<>();
    Backend backend = recording(called);
    return onEach(
        Stream.of(CASES, HALF_CASES).flatMap(List::stream),
        backend,
        test -> {
          called.clear();
          check(test, backend);
          assertThat(called).contains(test.operation());
        });
  }

  @TestFactory
  Stream<DynamicTest> theCpuBackendIsWithinTheToleranceOfEveryCase() {
    Backend backend = CpuBackend.open(CpuOptions.standard().withPoison(true));
    return onEveryCase(backend, test -> check(test, backend));
  }

  private static Stream<DynamicTest> onEveryCase(Backend backend, Consumer<ConformanceCase> body) {
    return onEach(CASES.stream(), backend, body);
  }

  private static Stream<DynamicTest> onEach(
      Stream<ConformanceCase> cases, Backend backend, Consumer<ConformanceCase> body) {
    return cases
        .map(test -> DynamicTest.dynamicTest(test.name(), () -> body.accept(test)))
        .onClose(backend::close);
  }

  private static void check(ConformanceCase test, Backend backend) {
    ConformanceResult result =
        ConformanceSuite.run(EXPECTED.computeIfAbsent(test, ConformanceSuite::expect), backend);
    assertThat(result.pass()).as(result.toString()).isTrue();
  }

  @Test
  void everyOperationOfTheInterfaceHasACase() {
    Set<String> operations =
        Stream.of(
                ConvolutionOps.class,
                NormOps.class,
                ResizeOps.class,
                PointwiseOps.class,
                MapOps.class,
                SeedOps.class,
                PamrOps.class,
                CrfOps.class,
                GroupNormOps.class,
                IrnOps.class,
                OptimizerOps.class)
            .flatMap(group -> Stream.of(group.getDeclaredMethods()))
            .map(Method::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(operations).hasSizeGreaterThan(30);
    CASES.forEach(test -> operations.remove(test.operation()));
    HALF_CASES.forEach(test -> operations.remove(test.operation()));
    assertThat(operations).as("operations without a conformance case").isEmpty();
  }

  private static Backend recording(Set<String> called) {
    return proxy(new ReferenceBackend(), (method, result) -> called.add(method.getName()));
  }

  /** A suite that passes everything proves nothing: each case must notice a small error. */
  @Test
  void everyCaseNoticesASmallError() {
    assertThat(unnoticed(CASES, 1e-3f)).isEmpty();
  }

  /** Float16 rounds by up to 2^-11, and some results twice. */
  @Test
  void everyCaseWithFloat16TensorsNoticesASmallError() {
    assertThat(unnoticed(HALF_CASES, 5e-3f)).isEmpty();
  }

  private static List<ConformanceResult> unnoticed(List<ConformanceCase> cases, float error) {
    List<ConformanceResult> unnoticed = new ArrayList<>();
    for (ConformanceCase test : cases) {
      ConformanceSuite.Expectation expected =
          EXPECTED.computeIfAbsent(test, ConformanceSuite::expect);
      if (expected.hasValues()) {
        ConformanceResult result =
            ConformanceSuite.run(expected, disturbed(expected.hasFloats(), error));
        assertThat(result.maxAbsError()).isNotNaN();
        if (result.pass()) {
          unnoticed.add(result);
        }
      }
    }
    return unnoticed;
  }

  /**
   * Its largest float is too large by a share of itself, or 1e-4 where that is more; in cases of
   * ids alone, an id is one too large.
   */
  private static Backend disturbed(boolean floats, float error) {
    return proxy(
        new ReferenceBackend(),
        (method, result) -> {
          if (floats && result instanceof float[] values && values.length > 0) {
            int largest = 0;
            for (int i = 1; i < values.length; i++) {
              if (Float.isFinite(values[i])
                  && (!Float.isFinite(values[largest])
                      || Math.abs(values[i]) > Math.abs(values[largest]))) {
                largest = i;
              }
            }
            values[largest] += Math.max(1e-4f, error * Math.abs(values[largest]));
          } else if (!floats && result instanceof int[] values && values.length > 0) {
            values[values.length / 2]++;
          }
        });
  }

  private static Backend proxy(Backend backend, BiConsumer<Method, Object> seen) {
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, method, arguments) -> {
              try {
                Object result = method.invoke(backend, arguments);
                seen.accept(method, result);
                return result;
              } catch (InvocationTargetException failure) {
                throw failure.getCause();
              }
            });
  }

  @Test
  void caseNamesAreUnique() {
    assertThat(Stream.of(CASES, HALF_CASES).flatMap(List::stream))
        .extracting(ConformanceCase::name)
        .doesNotHaveDuplicates();
  }
}
