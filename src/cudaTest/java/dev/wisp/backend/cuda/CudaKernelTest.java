package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.f64;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.lang.management.ManagementFactory;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CudaKernelTest {
  private static final String FILE = "test_launch";

  private static CudaBackend backend;

  @BeforeAll
  static void open() {
    backend = CudaBackend.open(CudaOptions.standard().withCacheBytes(0));
  }

  @AfterAll
  static void close() {
    assertThat(backend.memoryStatistics().used()).isZero();
    backend.close();
  }

  /** Runs on the compute thread, with a scope of its own. */
  private static void inScope(BiConsumer<CudaContext, Scope> body) {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            body.accept(backend.context(), scope);
          }
        });
  }

  private static CudaKernel affine(CudaContext context) {
    return context.kernel(
        FILE,
        "wisp_test_affine",
        pointer("x"),
        pointer("out"),
        i64("n"),
        i32("rows"),
        f32("factor"),
        f64("offset"));
  }

  private static Tensor ramp(Scope scope, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = i;
    }
    Tensor x = scope.f32(n);
    backend.upload(values, x);
    return x;
  }

  @Test
  void everyKindOfArgumentArrives() {
    inScope(
        (context, scope) -> {
          Tensor x = ramp(scope, 1000);
          Tensor out = scope.f32(1000);
          CudaCall call = context.call("affine");
          long from = call.in("x", x, 1000);
          long to = call.out("out", out, 1000);
          CudaKernel kernel = affine(context);
          call.run(
              () ->
                  kernel
                      .pointer(from)
                      .pointer(to)
                      .i64(1000)
                      .i32(7)
                      .f32(0.5f)
                      .f64(0.25)
                      .launchOver(1000, 128));
          float[] values = backend.floats(out);
          for (int i = 0; i < values.length; i++) {
            assertThat(values[i]).isEqualTo(0.5f * i + 7.25f);
          }
        });
  }

  @Test
  void anArgumentOfAnotherKindIsRefusedWithTheParameter() {
    inScope(
        (context, scope) -> {
          CudaKernel kernel = affine(context);
          assertThatThrownBy(() -> kernel.pointer(0).i64(3))
              .isInstanceOf(IllegalStateException.class)
              .hasMessage("wisp_test_affine takes POINTER out as argument 1, I64 was given");
          assertThatThrownBy(() -> kernel.pointer(0).pointer(0).launch(1, 32, 0))
              .hasMessage("wisp_test_affine takes 6 arguments, 2 were given");
          assertThatThrownBy(() -> kernel.pointer(0).pointer(0).i64(0).i32(0).f32(0).f64(0).i32(0))
              .hasMessage("wisp_test_affine takes 6 arguments, one more was given");
        });
  }

  @Test
  void aDeclarationInAnotherOrderIsRefusedThoughItsSizesAgree() {
    inScope(
        (context, scope) -> {
          CudaKernel swapped =
              context.kernel(
                  FILE,
                  "wisp_test_affine",
                  pointer("out"),
                  pointer("x"),
                  i64("n"),
                  i32("rows"),
                  f32("factor"),
                  f64("offset"));
          assertThatThrownBy(
                  () -> swapped.pointer(0).pointer(0).i64(1).i32(1).f32(1).f64(1).launch(1, 32, 0))
              .isInstanceOf(IllegalStateException.class)
              .hasMessage(
                  "test_launch.cu: parameter 0 of wisp_test_affine is POINTER x, but POINTER out is"
                      + " passed");
        });
  }

  @Test
  void aDeclarationOfAnotherKindIsRefusedWithKernelAndParameter() {
    inScope(
        (context, scope) -> {
          CudaKernel wrong =
              context.kernel(FILE, "wisp_test_reverse", pointer("x"), pointer("out"), f32("n"));
          assertThatThrownBy(() -> wrong.pointer(0).pointer(0).f32(1).launch(1, 32, 0))
              .hasMessage(
                  "test_launch.cu: parameter 2 of wisp_test_reverse is I32 n, but F32 n is passed");
          CudaKernel shorter =
              context.kernel(FILE, "wisp_test_reverse", pointer("x"), pointer("out"));
          assertThatThrownBy(() -> shorter.pointer(0).pointer(0).launch(1, 32, 0))
              .hasMessage(
                  "test_launch.cu: parameter 2 of wisp_test_reverse is I32 n, but nothing is"
                      + " passed");
        });
  }

  @Test
  void theCompiledParameterBlockIsComparedToo() {
    inScope(
        (context, scope) -> {
          CudaKernel hidden =
              context.kernel(FILE, "wisp_test_hidden", pointer("out"), i64("n"), i32("flag"));
          assertThatThrownBy(() -> hidden.pointer(0).i64(1).i32(1).launch(1, 32, 0))
              .isInstanceOf(IllegalStateException.class)
              .hasMessage(
                  "parameter 1 of wisp_test_hidden has 4 bytes at offset 8, but I64 n has 8 at 8");
          CudaKernel longer = context.kernel(FILE, "wisp_test_longer", pointer("out"));
          assertThatThrownBy(() -> longer.pointer(0).launch(1, 32, 0))
              .hasMessage("wisp_test_longer has more than the 1 parameters declared");
        });
  }

  @Test
  void whatTheFileDoesNotDefineIsNamed() {
    inScope(
        (context, scope) -> {
          CudaKernel absent = context.kernel(FILE, "wisp_test_absent");
          assertThatThrownBy(() -> absent.launch(1, 32, 0))
              .hasMessage("test_launch.cu does not define wisp_test_absent in plain text");
          CudaKernel nowhere = context.kernel("test_nowhere", "wisp_test_nowhere");
          assertThatThrownBy(() -> nowhere.launch(1, 32, 0))
              .hasMessage("the class path has no /dev/wisp/cuda/test_nowhere.cu");
          CudaKernel broken = context.kernel("test_broken", "wisp_test_broken", pointer("out"));
          assertThatThrownBy(() -> broken.pointer(0).launch(1, 32, 0))
              .isInstanceOf(WispException.class)
              .hasMessageContaining("test_broken.cu(1): error");
        });
  }

  @Test
  void anEmptyGridLaunchesNothingAndAnImpossibleOneIsRefused() {
    inScope(
        (context, scope) -> {
          CudaKernel kernel =
              context.kernel(FILE, "wisp_test_reverse", pointer("x"), pointer("out"), i32("n"));
          kernel.pointer(0).pointer(0).i32(1).launch(0, 32, 0);
          kernel.pointer(0).pointer(0).i32(1).launchOver(0, 32);
          assertThatThrownBy(() -> kernel.pointer(0).pointer(0).i32(1).launch(1, 1025, 0))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("cannot be launched as 1 x 1 x 1 blocks of 1025 x 1 threads");
          assertThatThrownBy(
                  () -> kernel.pointer(0).pointer(0).i32(1).launch(1, 65536, 1, 32, 1, 0))
              .hasMessageContaining("cannot be launched");
          assertThatThrownBy(() -> kernel.pointer(0).pointer(0).i32(1).launch(1L << 31, 32, 0))
              .hasMessageContaining("cannot be launched");
        });
  }

  @Test
  void dynamicSharedMemoryAboveTheUnaskedLimitIsAskedFor() {
    inScope(
        (context, scope) -> {
          int n = context.sharedBytes() / Float.BYTES;
          assertThat(n * Float.BYTES).isGreaterThan(48 << 10);
          Tensor x = ramp(scope, n);
          Tensor out = scope.f32(n);
          CudaCall call = context.call("reverse");
          long from = call.in("x", x, n);
          long to = call.out("out", out, n);
          CudaKernel kernel =
              context.kernel(FILE, "wisp_test_reverse", pointer("x"), pointer("out"), i32("n"));
          call.run(() -> kernel.pointer(from).pointer(to).i32(n).launch(1, 256, n * Float.BYTES));
          float[] values = backend.floats(out);
          for (int i = 0; i < n; i++) {
            assertThat(values[i]).isEqualTo(n - 1 - i);
          }
        });
  }

  @Test
  void aLaunchAllocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int launches = 2000;
    inScope(
        (context, scope) -> {
          Tensor x = ramp(scope, 32);
          Tensor out = scope.f32(32);
          CudaCall call = context.call("affine");
          long from = call.in("x", x, 32);
          long to = call.out("out", out, 32);
          CudaKernel kernel = affine(context);
          long least = Long.MAX_VALUE;
          for (int round = 0; round < 15; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < launches; i++) {
              kernel
                  .pointer(from)
                  .pointer(to)
                  .i64(32)
                  .i32(i)
                  .f32(1)
                  .f64(0)
                  .launch(1, 1, 1, 32, 1, 0);
            }
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
          }
          assertThat(least / launches).isZero();
        });
  }
}
