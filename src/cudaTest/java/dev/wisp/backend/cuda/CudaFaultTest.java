package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.pointer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.ConvSpec;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import dev.wisp.tensor.WispOutOfMemory;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What goes wrong on a device ends in one clear line, and a lost device says so from then on. */
class CudaFaultTest {
  private static CudaBackend open() {
    return CudaBackend.open(CudaOptions.standard().withCacheBytes(0));
  }

  @AfterEach
  void failNoMore() {
    Referee.fail("");
  }

  /** Launches so many threads over tensors of {@code n} elements, without a guard. */
  private static void unguarded(CudaBackend backend, Scope scope, int n, int threads) {
    Tensor x = scope.f32(n);
    backend.upload(new float[n], x);
    Tensor out = scope.f32(n);
    CudaContext context = backend.context();
    CudaCall call = context.call("unguarded");
    long from = call.in("x", x, n);
    long to = call.out("out", out, n);
    CudaKernel kernel =
        context.kernel("test_launch", "wisp_test_unguarded", pointer("x"), pointer("out"));
    call.run(() -> kernel.pointer(from).pointer(to).launch(1, threads, 0));
    backend.floats(out);
  }

  private static void inScope(CudaBackend backend, Consumer<Scope> body) {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            body.accept(scope);
          }
        });
  }

  @Test
  void aReadPastTheEndNamesOperationKernelAndSourceLine() {
    try (CudaBackend backend = open()) {
      inScope(
          backend,
          scope ->
              assertThatThrownBy(() -> unguarded(backend, scope, 31, 32))
                  .isInstanceOf(WispException.class)
                  .hasMessageStartingWith("cuda: unguarded (x F32[31], out F32[31]): ")
                  .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS")
                  .hasMessageContaining("wisp_test_unguarded")
                  .hasMessageContaining("test_launch.cu")
                  .hasMessageContaining("start it again")
                  .hasMessageNotContaining("\n"));
    }
  }

  @Test
  void afterAFaultEveryCallSaysSoAtOnceAndClosingStillWorks() {
    CudaBackend backend = open();
    inScope(
        backend,
        scope -> {
          Tensor x = scope.f32(4);
          assertThatThrownBy(() -> unguarded(backend, scope, 31, 32))
              .isInstanceOf(WispException.class);
          for (ThrowingCallable later :
              new ThrowingCallable[] {
                () -> backend.upload(new float[4], x), () -> backend.floats(x)
              }) {
            assertThatThrownBy(later)
                .isInstanceOf(WispException.class)
                .hasMessageContaining("the device was lost in an earlier call")
                .hasMessageContaining("wisp_test_unguarded")
                .hasMessageContaining("start the process again");
          }
        });
    assertThat(backend.memoryStatistics().used()).isZero();
    backend.close();
    backend.close();
  }

  @Test
  void anotherBackendOnTheSameCardWorksAfterTheFaultyOneIsClosed() {
    try (CudaBackend faulty = open()) {
      inScope(
          faulty,
          scope ->
              assertThatThrownBy(() -> unguarded(faulty, scope, 31, 32))
                  .isInstanceOf(WispException.class));
    }
    try (CudaBackend backend = open()) {
      inScope(backend, scope -> unguarded(backend, scope, 32, 32));
    }
  }

  @Test
  void aRefusedLaunchEndsInOneLineWithKernelAndGrid() {
    try (CudaBackend backend = open()) {
      inScope(
          backend,
          scope -> {
            Referee.fail("launch:1");
            assertThatThrownBy(() -> unguarded(backend, scope, 32, 32))
                .isInstanceOf(WispException.class)
                .hasMessageContaining(
                    "cuLaunchKernel of wisp_test_unguarded as 1 x 1 x 1 blocks of 32 x 1 threads"
                        + " failed: CUDA_ERROR_LAUNCH_FAILED")
                .hasMessageNotContaining("\n");
          });
    }
  }

  /** On a pretend card of its own: one that is lost stays so for the life of the process. */
  @Test
  void aDeviceThatIsLostEndsInOneLine() {
    try (CudaBackend backend =
        CudaBackend.open(CudaOptions.standard().withCacheBytes(0).withDevice(2))) {
      inScope(
          backend,
          scope -> {
            Referee.fail("lost@2:1");
            assertThatThrownBy(() -> unguarded(backend, scope, 32, 32))
                .isInstanceOf(WispException.class)
                .hasMessageContaining("the device cannot be used any more in this process")
                .hasMessageNotContaining("\n");
          });
    }
    assertThatThrownBy(() -> CudaBackend.open(CudaOptions.standard().withDevice(2)))
        .isInstanceOf(WispException.class)
        .hasMessageNotContaining("\n");
    try (CudaBackend other = open()) {
      inScope(other, scope -> unguarded(other, scope, 32, 32));
    }
  }

  @Test
  void memoryThatRanOutSaysWhatToChangeAndTheBackendGoesOn() {
    try (CudaBackend backend = open()) {
      inScope(
          backend,
          scope -> {
            // Asked for, again after waiting for what is to be freed.
            Referee.fail("alloc:1,alloc:1");
            assertThatThrownBy(() -> scope.f32(1000))
                .isInstanceOf(WispOutOfMemory.class)
                .hasMessageContaining("has no 4000 bytes left (0 in use by tensors)")
                .hasMessageContaining("lower training.batch")
                .hasMessageNotContaining("\n");
            unguarded(backend, scope, 32, 32);
          });
      assertThat(backend.memoryStatistics().used()).isZero();
    }
  }

  @Test
  void memoryThatRunsOutInPassingIsAskedForAgain() {
    try (CudaBackend backend = open()) {
      inScope(
          backend,
          scope -> {
            Referee.fail("alloc:1");
            assertThat(scope.f32(1000).isAlive()).isTrue();
          });
    }
  }

  @Test
  void moreThanTheCardHasIsOutOfMemory() {
    try (CudaBackend backend = open()) {
      inScope(
          backend,
          scope ->
              assertThatThrownBy(() -> scope.f32(1L << 40)).isInstanceOf(WispOutOfMemory.class));
    }
  }

  private static CudaBackend convolving() {
    return CudaBackend.open(
        CudaOptions.standard()
            .withCacheBytes(0)
            .withCudnn(CudnnOptions.standard().withUse(CudnnOptions.Use.CUDNN)));
  }

  /**
   * Fails cuDNN's calls one after the other: while algorithms are tried, then with a plan at hand.
   */
  @Test
  void aFailureOfCudnnEndsInOneLineAndEverythingIsGivenBack() {
    ConvSpec spec = new ConvSpec(5, 6, 3, 1, 1, 1);
    for (boolean planned : new boolean[] {false, true}) {
      for (int call = 1; call <= 3; call++) {
        CudaBackend backend = convolving();
        if (planned) {
          CudnnConvolutionsTest.step(backend, spec, 4, 5);
        }
        Referee.fail("cudnn:" + call);
        int width = planned ? 5 : 10 * call;
        assertThatThrownBy(() -> CudnnConvolutionsTest.step(backend, spec, 4, width))
            .isInstanceOf(WispException.class)
            .hasMessageStartingWith("cuda: conv")
            .hasMessageContaining("F32[2, 4, ")
            .hasMessageContaining(" of 5->6 kernel 3 stride 1 padding 1 dilation 1, input 2x4x")
            .hasMessageContaining("failed: CUDNN_STATUS_EXECUTION_FAILED (")
            .hasMessageContaining("a planned failure); the device cannot be used any more")
            .hasMessageNotContaining("\n");
        Referee.fail("");
        assertThatThrownBy(() -> CudnnConvolutionsTest.step(backend, spec, 4, 5))
            .isInstanceOf(WispException.class)
            .hasMessageContaining("the device was lost in an earlier call")
            .hasMessageContaining("start the process again");
        assertThat(backend.memoryStatistics().used()).isZero();
        backend.close();
        assertThat(backend.memoryStatistics().cached()).isZero();
      }
    }
  }
}
