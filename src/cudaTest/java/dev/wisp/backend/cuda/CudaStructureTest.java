package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.conformance.ConformanceCase;
import dev.wisp.backend.conformance.ConformanceResult;
import dev.wisp.backend.conformance.ConformanceSuite;
import dev.wisp.backend.cuda.CudaStructure.Products;
import dev.wisp.common.WispException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The structure analysis where {@link CudaConformanceTest}, which runs float32 for the Titan X and
 * mma.m16n8k8 for the Titan RTX, does not reach.
 */
class CudaStructureTest {
  private static final List<ConformanceCase> CASES =
      ConformanceSuite.cases().stream()
          .filter(test -> test.operation().equals("structureSeeds"))
          .toList();

  @BeforeEach
  @AfterEach
  void clear() {
    System.clearProperty(CudaStructure.PRODUCTS);
  }

  private static CudaOptions options(String code) {
    return CudaOptions.standard().withCacheBytes(0).withCode(code);
  }

  @Test
  void theArchitectureChoosesWhereTheProductsAreMade() {
    assertThat(CudaStructure.products(52)).isEqualTo(Products.FLOAT32);
    assertThat(CudaStructure.products(61)).isEqualTo(Products.FLOAT32);
    assertThat(CudaStructure.products(70)).isEqualTo(Products.M8N8K4);
    assertThat(CudaStructure.products(75)).isEqualTo(Products.M16N8K8);
    assertThat(CudaStructure.products(90)).isEqualTo(Products.M16N8K8);
    System.setProperty(CudaStructure.PRODUCTS, "float32");
    assertThat(CudaStructure.products(75)).isEqualTo(Products.FLOAT32);
    System.setProperty(CudaStructure.PRODUCTS, "fp16");
    assertThatThrownBy(() -> CudaStructure.products(75))
        .isInstanceOf(WispException.class)
        .hasMessage("-Dwisp.cuda.structure is 'fp16'; give float32, or leave it out");
  }

  @TestFactory
  Stream<DynamicTest> everyCaseOnTheTensorCoresOfTheTitanV() {
    return onEveryCase(CudaBackend.open(options("ptx:70")));
  }

  @TestFactory
  Stream<DynamicTest> everyCaseInFloat32OnCodeForTheTitanRtx() {
    System.setProperty(CudaStructure.PRODUCTS, "float32");
    return onEveryCase(CudaBackend.open(options("ptx:75")));
  }

  @TestFactory
  Stream<DynamicTest> everyCaseByTheJudgeOfTheTensorCores() {
    return onEveryCase(CudaBackend.open(options("ptx:75").withNaive(true)));
  }

  private static Stream<DynamicTest> onEveryCase(CudaBackend backend) {
    return CASES.stream()
        .map(
            test ->
                DynamicTest.dynamicTest(
                    test.name(),
                    () -> {
                      ConformanceResult result = ConformanceSuite.run(test, backend);
                      assertThat(result.pass()).as(result.toString()).isTrue();
                    }))
        .onClose(backend::close);
  }
}
