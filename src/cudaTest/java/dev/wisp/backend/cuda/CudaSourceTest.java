package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.f64;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class CudaSourceTest {
  private static CudaSource source(String text) {
    return new CudaSource("sample", text);
  }

  @Test
  void theParametersOfADefinitionAreReadInOrder() {
    CudaSource source =
        source(
            """
            /* extern "C" __global__ void wisp_scale(int old) { */
            extern "C" __global__ void __launch_bounds__(256, 2)
            wisp_scale(const float* __restrict__ x, // the input
                       float *out, const long long n, unsigned int rows, unsigned long long size,
                       unsigned flags, float factor /* times */, double sum) {
            }
            extern "C" __global__ void wisp_scale_naive(int n) {}
            """);
    assertThat(source.parameters("wisp_scale"))
        .containsExactly(
            pointer("x"),
            pointer("out"),
            i64("n"),
            i32("rows"),
            i64("size"),
            i32("flags"),
            f32("factor"),
            f64("sum"));
    assertThat(source.parameters("wisp_scale_naive")).containsExactly(i32("n"));
  }

  @Test
  void aKernelWithoutParametersHasNone() {
    assertThat(source("extern \"C\" __global__ void wisp_nothing() {}").parameters("wisp_nothing"))
        .isEmpty();
  }

  @Test
  void aKernelThatIsOnlyDeclaredOrCalledIsNotFound() {
    CudaSource source =
        source("__global__ void wisp_late(int n);\n__device__ void f() { wisp_late(3); }");
    assertThat(source.parameters("wisp_late")).isNull();
    assertThat(source.parameters("wisp_lat")).isNull();
  }

  @Test
  void aStructByValueIsRefusedWithItsName() {
    CudaSource source = source("extern \"C\" __global__ void wisp_bad(int n, Sizes sizes) {}");
    assertThatThrownBy(() -> source.parameters("wisp_bad"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("sample.cu: wisp_bad has a parameter 'Sizes sizes'");
  }

  @Test
  void aParameterBlockHasNaturalAlignment() {
    assertThat(
            CudaParameter.offsets(
                List.of(i32("a"), pointer("b"), f32("c"), i32("d"), f32("e"), f64("f"))))
        .containsExactly(0, 8, 16, 20, 24, 32);
  }
}
