package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.f64;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.support.CacheFolders;
import dev.wisp.backend.support.ComputeThread;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CudaBackendTest {
  private static CudaBackend open(long cacheBytes) {
    return CudaBackend.open(CudaOptions.standard().withCacheBytes(cacheBytes));
  }

  private static void inScope(CudaBackend backend, Consumer<Scope> body) {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            body.accept(scope);
          }
        });
  }

  /** x * factor on the device. */
  private static float[] scaled(CudaContext context, CudaBackend backend, Scope scope, float by) {
    Tensor x = scope.f32(3);
    backend.upload(new float[] {1, 2, 3}, x);
    Tensor out = scope.f32(3);
    CudaCall call = context.call("scaled");
    long from = call.in("x", x, 3);
    long to = call.out("out", out, 3);
    CudaKernel kernel =
        context.kernel(
            "test_launch",
            "wisp_test_affine",
            pointer("x"),
            pointer("out"),
            i64("n"),
            i32("rows"),
            f32("factor"),
            f64("offset"));
    call.run(() -> kernel.pointer(from).pointer(to).i64(3).i32(0).f32(by).f64(0).launch(1, 32, 0));
    return backend.floats(out);
  }

  @Test
  void twoCardsComputeSideBySideEachWithItsOwnCode() {
    CudaOptions options = CudaOptions.standard().withCode(null);
    try (CudaBackend first = CudaBackend.open(options);
        CudaBackend second = CudaBackend.open(options.withDevice(1))) {
      assertThat(first.describe()).contains("compute capability 7.5").contains("ptx:75");
      assertThat(second.describe()).contains("compute capability 5.2").contains("ptx:52");
      for (CudaBackend backend : List.of(first, second, first)) {
        float factor = backend == first ? 2 : 5;
        inScope(
            backend,
            scope ->
                assertThat(scaled(backend.context(), backend, scope, factor))
                    .containsExactly(factor, 2 * factor, 3 * factor));
      }
    }
  }

  /** Graphs are of use only where the same work finds the same memory. */
  @Test
  void equalRequestsFindTheSameMemoryInWhateverOrderItCameBack() {
    try (CudaBackend backend = open(1 << 20)) {
      inScope(
          backend,
          scope -> {
            List<Tensor> first = Stream.generate(() -> scope.f32(1000)).limit(4).toList();
            List<Long> addresses = first.stream().map(x -> address(backend, x)).toList();
            for (int released : new int[] {2, 0, 3, 1}) {
              first.get(released).release();
            }
            List<Tensor> second = Stream.generate(() -> scope.f32(1000)).limit(4).toList();
            assertThat(second.stream().map(x -> address(backend, x)).toList()).isEqualTo(addresses);
          });
    }
  }

  private static long address(CudaBackend backend, Tensor tensor) {
    return backend.context().call("address").memory(tensor).address();
  }

  @Test
  void aTensorOfAnotherBackendIsRefusedByName() {
    try (CudaBackend first = open(0);
        CudaBackend second = open(0)) {
      inScope(
          first,
          scope -> {
            Tensor x = scope.f32(3);
            assertThatThrownBy(() -> second.run(() -> second.floats(x)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("floats: source F32[3] belongs to another backend");
          });
    }
  }

  @Test
  void aCardThatDoesNotExistIsRefusedWithTheirNumber() {
    assertThatThrownBy(() -> CudaBackend.open(CudaOptions.standard().withDevice(7)))
        .isInstanceOf(WispException.class)
        .hasMessage("cuda:7 does not exist; this machine has 3, counted from 0");
  }

  @Test
  void anOperationOffTheComputeThreadOrAfterTheEndIsRefused() {
    CudaBackend backend = open(0);
    Scope scope = backend.compute(backend::scope);
    Tensor x = backend.compute(() -> scope.f32(3));
    assertThatThrownBy(() -> backend.floats(x))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("call it inside Backend.compute");
    backend.close();
    backend.close();
    assertThatThrownBy(() -> backend.run(() -> backend.floats(x)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThat(backend.memoryStatistics()).isEqualTo(new MemoryStatistics(0, 0, 12));
  }

  @Test
  void openingAndClosingManyTimesKeepsNothing() {
    for (int i = 0; i < 20; i++) {
      try (CudaBackend backend = open(1 << 20)) {
        inScope(
            backend,
            scope ->
                assertThat(scaled(backend.context(), backend, scope, 2)).containsExactly(2, 4, 6));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1 << 20})
  void statisticsReturnToZeroAndWhatIsKeptStaysWithinItsBound(long cache) {
    try (CudaBackend backend = open(cache)) {
      for (int i = 1; i <= 100; i++) {
        int n = i * 1000;
        inScope(
            backend,
            scope -> {
              scope.f32(n);
              CudaCall call = backend.context().call("workspace");
              call.run(
                  () -> {
                    call.workspace(n);
                    call.longs(1, 2, 3);
                    call.ints(new int[n]);
                    call.floats(0.5f);
                  });
            });
        assertThat(backend.memoryStatistics().used()).isZero();
        assertThat(backend.memoryStatistics().cached()).isBetween(0L, cache);
      }
      assertThat(backend.memoryStatistics().peak()).isGreaterThanOrEqualTo(900_000);
    }
  }

  @Test
  void workspaceGoesBackWhenAKernelIsRefused() {
    try (CudaBackend backend = open(0)) {
      inScope(
          backend,
          scope -> {
            CudaCall call = backend.context().call("refused");
            assertThatThrownBy(
                    () ->
                        call.run(
                            () -> {
                              call.workspace(1000);
                              throw new IllegalStateException("no such kernel");
                            }))
                .hasMessage("no such kernel");
            assertThatThrownBy(() -> call.workspace(1000))
                .hasMessage("refused: workspace outside of run");
          });
      assertThat(backend.memoryStatistics().used()).isZero();
    }
  }

  @Test
  void rowTablesArriveAndTheLatestOfThemAreKept() {
    try (CudaBackend backend = open(0)) {
      List<ClassRows> batches = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        batches.add(ClassRows.present(new int[][] {{2, 7}, {}, {i + 1}}, 200));
      }
      inScope(
          backend,
          scope -> {
            for (int round = 0; round < 2; round++) {
              for (int i = 0; i < batches.size(); i++) {
                assertThat(rowValues(backend, scope, batches.get(i)))
                    .containsExactly(3, 23, 73, 1001, 2002, 2002 + 10 * (i + 1));
              }
            }
            ClassRows last = batches.getLast();
            assertThat(backend.context().rows(last)).isSameAs(backend.context().rows(last));
          });
      long table = (4 + 2 * 6) * Integer.BYTES;
      assertThat(backend.memoryStatistics().used()).isZero();
      assertThat(backend.memoryStatistics().cached()).isEqualTo(32 * table);
    }
  }

  /** 1000 * image + 10 * id + rows of the image, of each row, read from the table on the device. */
  private static int[] rowValues(CudaBackend backend, Scope scope, ClassRows classes) {
    CudaContext context = backend.context();
    try (Scope inner = backend.scope()) {
      Tensor out = inner.i32(classes.rows());
      CudaCall call = context.call("rows");
      long to = call.outInts("out", out, classes.rows());
      CudaKernel kernel =
          context.kernel(
              "test_launch",
              "wisp_test_rows",
              pointer("offsets"),
              pointer("ids"),
              pointer("images"),
              pointer("out"),
              i32("rows"));
      call.run(
          () -> {
            CudaClassRows.Rows rows = context.rows(classes);
            kernel
                .pointer(rows.offsets())
                .pointer(rows.ids())
                .pointer(rows.images())
                .pointer(to)
                .i32(classes.rows())
                .launchOver(classes.rows(), 32);
          });
      return backend.ints(out);
    }
  }

  @Test
  void poisonShowsInEveryTensorThatNobodyWrote() {
    try (CudaBackend backend =
        CudaBackend.open(CudaOptions.standard().withCacheBytes(1 << 20).withPoison(true))) {
      for (int round = 0; round < 2; round++) {
        inScope(
            backend,
            scope -> {
              Tensor x = scope.f32(1000);
              assertThat(backend.floats(x)).containsOnly(Float.NaN);
              backend.upload(new float[1000], x);
            });
      }
    }
  }

  @Test
  void aCardWithoutAStreamOrderedAllocatorIsServedByThePlainOne() {
    CudaDevice found = CudaSession.devices().getFirst();
    CudaDevice plain =
        new CudaDevice(
            found.index(),
            found.name(),
            found.capability(),
            found.memoryBytes(),
            found.multiprocessors(),
            found.sharedBytes(),
            false,
            found.driver(),
            found.referee());
    CudaCompiler compiler =
        new CudaCompiler(
            NvrtcLibrary.load(),
            CudaCode.parse("ptx:52"),
            CudaCompiler.OPTIONS,
            CacheFolders.candidates());
    ComputeThread thread = new ComputeThread("plain");
    CudaContext context =
        thread.call(
            () ->
                CudaContext.open(
                    thread, plain, CudaOptions.standard().withCacheBytes(1 << 20), compiler));
    thread.call(
        () -> {
          for (int i = 1; i <= 100; i++) {
            context.pool().allocate(i * 1000L).free();
          }
          assertThat(context.statistics().used()).isZero();
          assertThat(context.statistics().cached()).isPositive();
          return null;
        });
    thread.close(context::close);
    assertThat(context.statistics().cached()).isZero();
  }

  @Test
  void theLimitOfTensorsTogetherIsKept() {
    try (CudaBackend backend =
        CudaBackend.open(CudaOptions.standard().withCacheBytes(0).withLimitBytes(10_000))) {
      inScope(
          backend,
          scope -> {
            scope.f32(2000);
            assertThatThrownBy(() -> scope.f32(1000))
                .hasMessage("4000 bytes do not fit: 8000 of at most 10000 bytes are in use");
          });
    }
  }
}
