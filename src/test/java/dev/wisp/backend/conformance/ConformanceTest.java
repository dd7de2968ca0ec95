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
    return onEveryCase(
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
    return CASES.stream()
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
    assertThat(operations).as("operations without a conformance case").isEmpty();
  }

  private static Backend recording(Set<String> called) {
    return proxy(new ReferenceBackend(), (method, result) -> called.add(method.getName()));
  }

  /** A suite that passes everything proves nothing: each case must notice a small error. */
  @Test
  void everyCaseNoticesASmallError() {
    List<ConformanceResult> unnoticed = new ArrayList<>();
    for (ConformanceCase test : CASES) {
      ConformanceSuite.Expectation expected =
          EXPECTED.computeIfAbsent(test, ConformanceSuite::expect);
      if (expected.hasValues()) {
        ConformanceResult result = ConformanceSuite.run(expected, disturbed(expected.hasFloats()));
        assertThat(result.maxAbsError()).isNotNaN();
        if (result.pass()) {
          unnoticed.add(result);
        }
      }
    }
    assertThat(unnoticed).isEmpty();
  }

  /**
   * Its largest float is 1e-3 too large, or 1e-4 where that is more; in cases of ids alone, an id
   * is one too large.
   */
  private static Backend disturbed(boolean floats) {
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
            values[largest] += Math.max(1e-4f, 1e-3f * Math.abs(values[largest]));
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
    assertThat(CASES).extracting(ConformanceCase::name).doesNotHaveDuplicates();
  }
}
