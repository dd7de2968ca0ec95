package dev.wisp.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.Backend;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CpuBackendTest {
  private static CpuBackend backend;

  @BeforeAll
  static void open() {
    backend = CpuBackend.open(CpuOptions.standard().withPoison(true));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  @Test
  void uploadedValuesComeBackAndAKernelSeesThem() {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor x = scope.f32(2, 3);
            Tensor y = scope.f32(2, 3);
            backend.upload(new float[] {-1, 2, Float.NaN, -0.0f, 5, -6}, x);
            backend.relu(x, y);
            assertThat(backend.floats(y)).containsExactly(0, 2, Float.NaN, 0, 5, 0);
            Tensor ids = scope.i32(3);
            backend.upload(new int[] {7, -1, 9}, ids);
            assertThat(backend.ints(ids)).containsExactly(7, -1, 9);
          }
        });
  }

  @Test
  void aPartOfATensorIsReplacedAndReadOnEveryBackend() {
    try (Backend reference = new ReferenceBackend()) {
      for (Backend any : List.of(backend, reference)) {
        any.run(
            () -> {
              try (Scope scope = any.scope()) {
                Tensor x = scope.f32(2, 3);
                any.upload(new float[] {0, 1, 2, 3, 4, 5}, x);
                any.upload(new float[] {-2, -3, -4}, 2, x, 2);
                assertThat(any.floats(x)).containsExactly(0, 1, -2, -3, 4, 5);
                float[] part = {7, 7, 7, 7};
                any.download(x, 3, part, 3);
                assertThat(part).containsExactly(-3, 4, 5, 7);
                any.download(x, 6, part, 0);
                for (long[] bad : new long[][] {{4, 3}, {-1, 2}, {0, -1}, {1, 5}}) {
                  int count = (int) bad[1];
                  assertThatThrownBy(() -> any.download(x, bad[0], part, count))
                      .isInstanceOf(IllegalArgumentException.class)
                      .hasMessageStartingWith("download: " + count + " elements from " + bad[0]);
                  assertThatThrownBy(() -> any.upload(part, count, x, bad[0]))
                      .isInstanceOf(IllegalArgumentException.class)
                      .hasMessageStartingWith("upload: " + count + " elements from " + bad[0]);
                }
                assertThatThrownBy(() -> any.download(scope.i32(4), 0, part, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("expected F32");
              }
            });
      }
    }
  }

  @Test
  void anOperationOffTheComputeThreadIsRefusedByName() {
    Scope scope = backend.compute(backend::scope);
    Tensor x = backend.compute(() -> scope.f32(4));
    assertThatThrownBy(() -> backend.relu(x, x))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("relu was called on thread")
        .hasMessageContaining("Backend.compute");
    backend.run(scope::close);
  }

  @Test
  void anExceptionOfATaskArrivesAsItIs() {
    IOException failure = new IOException("as it is");
    assertThatThrownBy(
            () ->
                backend.compute(
                    () -> {
                      throw failure;
                    }))
        .isSameAs(failure);
  }

  @Test
  void aTaskInsideATaskRunsAtOnce() {
    assertThat(backend.<Integer>compute(() -> backend.compute(() -> 42))).isEqualTo(42);
  }

  @Test
  void anInterruptedCallerStillGetsItsResultAndKeepsItsInterrupt() throws InterruptedException {
    AtomicReference<Object> seen = new AtomicReference<>();
    Thread caller =
        new Thread(
            () -> {
              Thread.currentThread().interrupt();
              int result = backend.compute(() -> 3);
              seen.set(result + (Thread.currentThread().isInterrupted() ? " kept" : " lost"));
            });
    caller.start();
    caller.join();
    assertThat(seen).hasValue("3 kept");
  }

  @Test
  void severalBackendsWorkAtTheSameTimeAndAfterEachOther() {
    try (CpuBackend one = CpuBackend.open(CpuOptions.standard().withThreads(1));
        CpuBackend two = CpuBackend.open(CpuOptions.standard().withThreads(2))) {
      assertThat(sumOfFill(one)).isEqualTo(sumOfFill(two)).isEqualTo(300_000);
    }
    try (CpuBackend later = CpuBackend.open(CpuOptions.standard())) {
      assertThat(sumOfFill(later)).isEqualTo(300_000);
    }
  }

  private static double sumOfFill(CpuBackend backend) {
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor x = scope.f32(100_000);
            backend.fill(x, 3);
            double sum = 0;
            for (float value : backend.floats(x)) {
              sum += value;
            }
            return sum;
          }
        });
  }

  @Test
  void aTensorOfAnotherBackendIsRefused() {
    try (CpuBackend other = CpuBackend.open(CpuOptions.standard())) {
      Tensor foreign = other.compute(() -> other.scope().f32(4));
      backend.run(
          () ->
              assertThatThrownBy(() -> backend.fill(foreign, 1))
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessageContaining("belongs to another backend"));
    }
  }

  @Test
  void aClosedBackendRefusesAndClosingTwiceIsHarmless() {
    CpuBackend closed = CpuBackend.open(CpuOptions.standard());
    Tensor x = closed.compute(() -> closed.scope().f32(4));
    closed.close();
    closed.close();
    assertThatThrownBy(() -> closed.compute(() -> 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> closed.fill(x, 1)).isInstanceOf(IllegalStateException.class);
    x.release();
  }

  @Test
  void describesProcessorInstructionSetAndThreads() {
    assertThat(backend.describe())
        .matches("cpu: .+, (portable|avx2|avx512) kernels, oneDNN [.0-9]+, \\d+ threads");
  }

  @Test
  void aRefusalSaysWhatWasExpectedAndWhatCameBefore() {
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor x = scope.f32(2, 3);
            Tensor gone = scope.f32(2, 3);
            gone.release();
            assertThatThrownBy(() -> backend.relu(x, gone))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("relu: out F32[2, 3] (released) was released or its scope is closed");
            assertThatThrownBy(() -> backend.relu(x, scope.i32(2, 3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("relu: out is I32[2, 3], expected F32[2, 3] (x F32[2, 3])");
            assertThatThrownBy(() -> backend.addScaled(1, x, x.reshape(6)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                    "addScaled: target F32[6] shares memory with source (source F32[2, 3])");
          }
        });
  }

  @Test
  void ourKernelsGiveTheSameBitsOnAnyNumberOfThreads() {
    float[][] results = new float[3][];
    int[] threads = {1, 2, 5};
    for (int i = 0; i < threads.length; i++) {
      try (CpuBackend other = CpuBackend.open(CpuOptions.standard().withThreads(threads[i]))) {
        results[i] =
            other.compute(
                () -> {
                  try (Scope scope = other.scope()) {
                    Tensor x = scope.f32(1, 151, 101, 17);
                    float[] values = new float[151 * 101 * 17];
                    for (int k = 0; k < values.length; k++) {
                      values[k] = (float) Math.sin(k * 0.37);
                    }
                    other.upload(values, x);
                    Tensor norm = scope.f32(1);
                    other.gradientNorm(List.of(x), norm);
                    Tensor mean = scope.f32(17);
                    Tensor deviation = scope.f32(17);
                    Tensor gamma = scope.f32(17);
                    other.fill(gamma, 1.5f);
                    Tensor y = scope.f32(1, 151, 101, 17);
                    other.batchNormForward(x, gamma, gamma, 1e-5f, null, false, y, mean, deviation);
                    Tensor small = scope.f32(1, 13, 7, 17);
                    other.resizeBilinear(y, small, 0, false);
                    float[] all = Arrays.copyOf(other.floats(small), 13 * 7 * 17 + 1);
                    all[all.length - 1] = other.floats(norm)[0];
                    return all;
                  }
                });
      }
    }
    assertThat(results[1]).isEqualTo(results[0]);
    assertThat(results[2]).isEqualTo(results[0]);
  }
}
