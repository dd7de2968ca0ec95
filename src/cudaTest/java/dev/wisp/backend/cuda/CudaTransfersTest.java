package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies between the host and the device, through a pinned buffer of two halves of 2 MB. */
class CudaTransfersTest {
  private static CudaBackend backend;

  @BeforeAll
  static void open() {
    backend = CudaBackend.open(CudaOptions.standard().withCacheBytes(0));
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
  }

  /** Computes in between, on the other stream, on memory that the upload overwrites. */
  @Test
  void whatIsCopiedAheadArrivesWhateverIsComputedMeanwhile() {
    inScope(
        scope -> {
          float[] next = ramp(1_500_000, 1);
          Tensor target = scope.f32(next.length);
          Tensor sum = scope.f32(next.length);
          for (int step = 0; step < 3; step++) {
            float[] values = next;
            backend.upload(values, target);
            backend.fill(sum, 0);
            backend.addScaled(2, target, sum);
            next = ramp(values.length, step + 2);
            backend.prefetch(next);
            backend.addScaled(1, target, sum);
            assertThat(backend.floats(sum)[7]).isEqualTo(3 * values[7]);
          }
        });
    assertThat(backend.memoryStatistics().used()).isZero();
  }

  @Test
  void onlyTheArrayThatWasCopiedAheadIsTakenAndOnce() {
    inScope(
        scope -> {
          Tensor target = scope.f32(1000);
          float[] ahead = ramp(1000, 3);
          backend.prefetch(ahead);
          backend.upload(ramp(1000, 4), target);
          assertThat(backend.floats(target)).isEqualTo(ramp(1000, 4));
          backend.upload(ahead, target);
          assertThat(backend.floats(target)).isEqualTo(ramp(1000, 3));
          ahead[0] = 70;
          backend.upload(ahead, target);
          assertThat(backend.floats(target)).isEqualTo(ahead);
        });
  }

  @Test
  void whatNobodyTakesGivesItsPlaceToALargerArray() {
    inScope(
        scope -> {
          backend.prefetch(ramp(10, 1));
          float[] large = ramp(900_000, 2);
          backend.prefetch(large);
          Tensor target = scope.f32(large.length);
          backend.upload(large, target);
          assertThat(backend.floats(target)).isEqualTo(large);
          backend.prefetch(new float[0]);
        });
  }

  /** More than are under way at a time; each has the value of its moment. */
  @Test
  void readingsAskedForLateHaveTheValuesOfTheirTime() {
    List<Supplier<float[]>> readings = new ArrayList<>();
    inScope(
        scope -> {
          Tensor one = scope.f32(1);
          Tensor x = scope.f32(1);
          backend.fill(one, 1);
          backend.fill(x, 0);
          for (int i = 0; i < 150; i++) {
            backend.addScaled(1, one, x);
            readings.add(backend.read(x));
          }
        });
    for (int i = 0; i < readings.size(); i++) {
      assertThat(readings.get(i).get()).containsExactly(i + 1);
    }
  }

  private static float[] ramp(int length, float step) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = step * i;
    }
    return values;
  }

  /** Around nothing, one element, an alignment of 256 bytes, a half, the buffer, and beyond. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 63, 64, 65, 524287, 524288, 524289, 1048576, 1048577, 2_500_000})
  void floatsReturnAsTheyWere(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = i * 0.37f - 1000;
    }
    inScope(
        scope -> {
          Tensor first = scope.f32(length);
          Tensor second = scope.f32(length);
          backend.upload(values, first);
          backend.upload(new float[length], second);
          assertThat(backend.floats(first)).isEqualTo(values);
          assertThat(backend.floats(second)).isEqualTo(new float[length]);
        });
  }

  @Test
  void intsAndBytesReturnAsTheyWere() {
    inScope(
        scope -> {
          Tensor ints = scope.i32(3, 5);
          int[] values = {
            1, -2, 3, Integer.MAX_VALUE, Integer.MIN_VALUE, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
          };
          backend.upload(values, ints);
          assertThat(backend.ints(ints)).isEqualTo(values);
          Tensor bytes = scope.allocate(DType.U8, Shape.of(4));
          backend.upload(new byte[] {1, -1, 127, -128}, bytes);
          CudaPointer memory =
              Objects.requireNonNull(backend.context().pool().memory(bytes.storage()));
          byte[] back = new byte[4];
          backend.context().transfers().download(memory, 0, MemorySegment.ofArray(back));
          assertThat(back).containsExactly(1, -1, 127, -128);
        });
  }

  /** So many that the buffer is filled several times over before anybody waits for the stream. */
  @Test
  void manySmallUploadsInARowDoNotOverwriteEachOther() {
    inScope(
        scope -> {
          int count = 600;
          int length = 5000;
          Tensor[] targets = new Tensor[count];
          for (int i = 0; i < count; i++) {
            targets[i] = scope.i32(length);
            backend.upload(pattern(i, length), targets[i]);
          }
          for (int i = 0; i < count; i++) {
            assertThat(backend.ints(targets[i])).isEqualTo(pattern(i, length));
          }
        });
  }

  private static int[] pattern(int seed, int length) {
    int[] values = new int[length];
    for (int i = 0; i < length; i++) {
      values[i] = seed * 31 + i;
    }
    return values;
  }

  @Test
  void anotherLengthIsRefused() {
    inScope(
        scope ->
            assertThatThrownBy(() -> backend.upload(new float[3], scope.f32(2, 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("upload: target must have 3 elements (target F32[2, 2])"));
  }
}
