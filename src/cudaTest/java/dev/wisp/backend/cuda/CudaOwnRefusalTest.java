package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.CrfOptions;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import dev.wisp.tensor.WispOutOfMemory;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What a card refuses beyond the list that all backends share: sizes that its kernels cannot
 * number, and its own reading and copying ahead. Each time it goes on.
 */
class CudaOwnRefusalTest {
  private static final PathIndex PATHS = PathIndex.of(3);
  private static final long HUGE = 1L << 31;

  /** A side of a map of more positions than 32 bits number. */
  private static final long SIDE = 1 << 16;

  private static CudaBackend backend;

  private static CudaBackend fresh() {
    return CudaBackend.open(CudaOptions.standard().withCacheBytes(0));
  }

  @BeforeAll
  static void open() {
    backend = fresh();
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private static void inScope(Consumer<Scope> body) {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            body.accept(scope);
          }
        });
    assertThat(backend.memoryStatistics().used()).isZero();
  }

  private static void goesOn(Scope scope) {
    Tensor x = scope.f32(3);
    backend.fill(x, 2);
    assertThat(backend.read(x).get()).containsExactly(2, 2, 2);
  }

  /** A call of too large sizes. Batches of nothing have them without taking memory. */
  private record Huge(String operation, String problem, Consumer<Scope> call) {}

  private static List<Huge> huge() {
    String maps = "takes at most 65535 maps of 2147483391 positions";
    String walked = "takes at most 262140 maps of 2147483391 positions";
    String size = "a size of 2^31 or more";
    return List.of(
        new Huge(
            "pairCounts",
            maps,
            s -> backend.pairCounts(s.i32(65536, 1, 1), PATHS, 2, s.f32(65536, 3))),
        new Huge(
            "pairCounts",
            maps,
            s -> backend.pairCounts(s.i32(0, SIDE, SIDE), PATHS, 2, s.f32(0, 3))),
        new Huge(
            "pairCounts", maps, s -> backend.pairCounts(s.i32(2, HUGE, 0), PATHS, 2, s.f32(2, 3))),
        new Huge(
            "pathAffinityLoss",
            maps,
            s ->
                backend.pathAffinityLoss(
                    s.f32(65536, 1, 1),
                    s.i32(65536, 1, 1),
                    PATHS,
                    2,
                    new float[3],
                    s.f32(65536, 3),
                    null)),
        new Huge(
            "pathAffinityLoss",
            maps,
            s ->
                backend.pathAffinityLoss(
                    s.f32(0, SIDE, SIDE),
                    s.i32(0, SIDE, SIDE),
                    PATHS,
                    2,
                    new float[3],
                    s.f32(0, 3),
                    s.f32(0, SIDE, SIDE))),
        new Huge(
            "displacementLoss",
            maps,
            s ->
                backend.displacementLoss(
                    s.f32(0, 1, HUGE, 2),
                    s.i32(0, 1, HUGE),
                    PATHS,
                    2,
                    new float[2],
                    s.f32(0, 2),
                    s.f32(0, 1, HUGE, 2))),
        new Huge(
            "latticeFilter",
            "the image has too many pixels",
            s -> backend.latticeFilter(null, 3, 1, s.f32(0, SIDE, SIDE), s.f32(0, SIDE, SIDE))),
        new Huge(
            "latticeFilter",
            size,
            s -> backend.latticeFilter(null, 3, 1, s.f32(HUGE, 0, 2), s.f32(HUGE, 0, 2))),
        new Huge(
            "denseCrf",
            size,
            s ->
                backend.denseCrf(
                    s.f32(HUGE, 0, 2), s.f32(0, 2, 3), CrfOptions.standard(), s.f32(HUGE, 0, 2))),
        new Huge("randomWalk", walked, s -> walk(s, 262141, 1, 1)),
        new Huge("randomWalk", walked, s -> walk(s, 2, HUGE, 0)),
        new Huge(
            "pixelCrossEntropy",
            size,
            s ->
                backend.pixelCrossEntropy(
                    s.f32(0, HUGE, 2, 3), bytes(s, 0, 4, 4), s.f32(1), s.f32(0, HUGE, 2, 3))),
        new Huge(
            "pixelCrossEntropy",
            size,
            s ->
                backend.pixelCrossEntropy(s.f32(0, 2, 2, 3), bytes(s, 0, 4, HUGE), s.f32(1), null)),
        new Huge(
            "addProbabilities",
            size,
            s -> backend.addProbabilities(s.f32(0, 2, HUGE, 3), s.f32(0, 4, 4, 3))),
        new Huge(
            "argmaxLogits", size, s -> backend.argmaxLogits(s.f32(0, 2, 2, HUGE), s.i32(0, 4, 4))));
  }

  private static Tensor bytes(Scope scope, long... sizes) {
    return scope.allocate(DType.U8, Shape.of(sizes));
  }

  private static void walk(Scope scope, long maps, long h, long w) {
    backend.randomWalk(scope.f32(h, w), scope.f32(maps, h, w), PATHS, 10, 1, scope.f32(maps, h, w));
  }

  @TestFactory
  Stream<DynamicTest> sizesThatAKernelCannotNumberAreRefusedBeforeItIsLaunched() {
    return huge().stream()
        .map(
            huge ->
                DynamicTest.dynamicTest(
                    huge.operation,
                    () ->
                        inScope(
                            scope -> {
                              assertThatThrownBy(() -> huge.call.accept(scope))
                                  .isInstanceOf(IllegalArgumentException.class)
                                  .hasMessageStartingWith(huge.operation + ": " + huge.problem)
                                  .hasMessageContaining("[")
                                  .hasMessageNotContaining("\n");
                              goesOn(scope);
                            })));
  }

  /** Their workspace is far larger than their operands. */
  @Test
  void aWalkWhoseAffinitiesDoNotFitIsOutOfMemoryAndLeavesNothingBehind() {
    CudaOptions small = CudaOptions.standard().withCacheBytes(0).withLimitBytes(1 << 20);
    try (CudaBackend full = CudaBackend.open(small)) {
      full.run(
          () -> {
            try (Scope scope = full.scope()) {
              Tensor boundary = scope.f32(100, 100);
              Tensor maps = scope.f32(1, 100, 100);
              Tensor out = scope.f32(1, 100, 100);
              full.fill(boundary, 0);
              full.fill(maps, 1);
              long used = full.memoryStatistics().used();
              PathIndex wide = PathIndex.of(10);
              assertThatThrownBy(() -> full.randomWalk(boundary, maps, wide, 10, 1, out))
                  .isInstanceOf(WispOutOfMemory.class)
                  .hasMessageNotContaining("\n");
              assertThat(full.memoryStatistics().used()).isEqualTo(used);
              full.randomWalk(boundary, maps, PathIndex.of(2), 10, 0, out);
              assertThat(full.floats(out)).containsOnly(1);
            }
          });
    }
  }

  /** Few values, which are read by and by, and more than are. */
  private static final int[] LENGTHS = {1, CudaReadings.MOST, CudaReadings.MOST + 1};

  @Test
  void whatIsGoneOrNoFloatsIsNotRead() {
    inScope(
        scope -> {
          for (int length : LENGTHS) {
            Tensor released = scope.f32(length);
            released.release();
            assertThatThrownBy(() -> backend.read(released))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("read: source %s was released or its scope is closed", released);
            Scope inner = backend.scope();
            Tensor lost = inner.f32(length);
            inner.close();
            assertThatThrownBy(() -> backend.read(lost))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("read: source %s was released or its scope is closed", lost);
            Tensor ints = scope.i32(length);
            assertThatThrownBy(() -> backend.read(ints))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("read: source is I32[%1$d], expected F32[%1$d]", length);
            Tensor bytes = bytes(scope, length);
            assertThatThrownBy(() -> backend.read(bytes))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("read: source is U8[%1$d], expected F32[%1$d]", length);
            goesOn(scope);
          }
        });
  }

  @Test
  void memoryOfAnotherBackendIsNotRead() {
    try (CudaBackend other = fresh()) {
      inScope(
          scope -> {
            for (int length : LENGTHS) {
              Tensor foreign = scope.f32(length);
              assertThatThrownBy(() -> other.run(() -> other.read(foreign)))
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessage("read: source F32[%d] belongs to another backend", length);
            }
          });
    }
  }

  @Test
  void readingAndCopyingAheadOffTheComputeThreadAreRefused() {
    Scope scope = backend.compute(backend::scope);
    for (int length : LENGTHS) {
      Tensor x = backend.compute(() -> scope.f32(length));
      assertThatThrownBy(() -> backend.read(x))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("read")
          .hasMessageContaining("call it inside Backend.compute");
    }
    assertThatThrownBy(() -> backend.prefetch(new float[3]))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("prefetch")
        .hasMessageContaining("call it inside Backend.compute");
    backend.run(scope::close);
    inScope(CudaOwnRefusalTest::goesOn);
  }

  @Test
  void aClosedBackendNeitherReadsNorCopiesAheadNorGivesWhatWasBegun() {
    CudaBackend own = fresh();
    own.run(
        () -> {
          Tensor one = own.scope().f32(1);
          Tensor many = own.scope().f32(CudaReadings.MOST + 1);
          own.fill(one, 1);
          Supplier<float[]> begun = own.read(one);
          own.close();
          for (Tensor x : List.of(one, many)) {
            assertThatThrownBy(() -> own.read(x))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("read")
                .hasMessageContaining("closed");
          }
          assertThatThrownBy(() -> own.prefetch(new float[3]))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageStartingWith("prefetch")
              .hasMessageContaining("closed");
          assertThatThrownBy(begun::get)
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("closed");
        });
  }
}
