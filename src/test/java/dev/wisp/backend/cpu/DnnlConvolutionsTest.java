package dev.wisp.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.backend.reference.Rounding;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DnnlConvolutionsTest {
  /** Two units in the last place of the largest value, for what a plain float32 has no error in. */
  private static final double FLOOR = 0x1p-22;

  private static CpuBackend backend;

  @BeforeAll
  static void open() {
    backend = CpuBackend.open(CpuOptions.standard().withPoison(true));
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private record Shapes(ConvSpec spec, int n, int h, int w) {
    long outH() {
      return spec.outSize(h);
    }

    long outW() {
      return spec.outSize(w);
    }
  }

  private static Tensor random(Backend on, Scope scope, long seed, long... sizes) {
    Tensor tensor = scope.f32(sizes);
    CounterRandom random = CounterRandom.of(seed, 7);
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextDouble() - 0.4);
    }
    on.upload(values, tensor);
    return tensor;
  }

  /** Scales that are float32 exactly, as loadWeights takes them: {@code [2, O]}. */
  private static Tensor scale(Backend on, Scope scope, Tensor values) {
    Tensor scale = scope.f32(2, values.shape().size(0));
    on.fill(scale, 0);
    float[] first = on.floats(values);
    on.upload(first, first.length, scale, 0);
    return scale;
  }

  /** Every operation once with every option; the outputs in a fixed order. */
  private static List<float[]> everything(Backend on, Shapes s) {
    return on.compute(
        () -> {
          List<float[]> results = new ArrayList<>();
          ConvSpec spec = s.spec();
          long k = spec.kernel();
          try (Scope scope = on.scope();
              ConvWeights weights = on.convWeights(spec)) {
            Tensor x = random(on, scope, 1, s.n(), s.h(), s.w(), spec.inChannels());
            Tensor weight = random(on, scope, 2, spec.outChannels(), spec.inChannels(), k, k);
            Tensor scale = scale(on, scope, random(on, scope, 3, spec.outChannels()));
            Tensor bias = random(on, scope, 4, spec.outChannels());
            Tensor rest = random(on, scope, 5, s.n(), s.outH(), s.outW(), spec.outChannels());
            Tensor dy = random(on, scope, 6, s.n(), s.outH(), s.outW(), spec.outChannels());
            Tensor y = scope.f32(s.n(), s.outH(), s.outW(), spec.outChannels());
            on.loadWeights(weights, weight, null);
            on.convForward(weights, x, null, null, false, y);
            results.add(on.floats(y));
            on.loadWeights(weights, weight, scale);
            for (int options = 0; options < 8; options++) {
              on.convForward(
                  weights,
                  x,
                  (options & 1) == 0 ? null : bias,
                  (options & 2) == 0 ? null : rest,
                  (options & 4) != 0,
                  y);
              results.add(on.floats(y));
            }
            Tensor dx = scope.f32(s.n(), s.h(), s.w(), spec.inChannels());
            on.convBackwardData(weights, dy, dx);
            results.add(on.floats(dx));
            Tensor dw = scope.f32(spec.outChannels(), spec.inChannels(), k, k);
            on.convBackwardWeights(spec, x, dy, dw, null);
            results.add(on.floats(dw));
            Tensor db = scope.f32(spec.outChannels());
            on.convBackwardWeights(spec, x, dy, dw, db);
            results.add(on.floats(dw));
            results.add(on.floats(db));
          }
          return results;
        });
  }

  private static double worst(float[] values, float[] exact) {
    double worst = 0;
    for (int i = 0; i < exact.length; i++) {
      double error = Math.abs((double) values[i] - exact[i]);
      worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
    }
    return worst;
  }

  private static double largest(float[] values) {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  @ParameterizedTest
  @CsvSource({
    // in, out, kernel, stride, padding, dilation, n, h, w
    "1, 1, 1, 1, 0, 1, 1, 1, 1",
    "3, 64, 7, 2, 3, 1, 2, 9, 11",
    "3, 32, 3, 2, 1, 1, 2, 17, 8",
    "64, 20, 1, 1, 0, 1, 3, 5, 7",
    "37, 1, 1, 1, 0, 1, 2, 4, 3",
    "16, 24, 3, 1, 1, 1, 16, 6, 6",
    "64, 64, 3, 1, 2, 2, 2, 7, 9",
    "24, 17, 3, 1, 4, 4, 1, 3, 5",
    "32, 48, 3, 2, 1, 1, 1, 1, 1",
    "48, 96, 1, 2, 0, 1, 2, 7, 8",
    "128, 80, 1, 1, 0, 1, 1, 1, 13",
    "19, 23, 5, 3, 1, 1, 5, 11, 10",
    "96, 33, 3, 1, 1, 1, 1, 2, 1",
    "8, 16, 2, 2, 0, 1, 1, 4, 6",
    "256, 64, 3, 1, 1, 1, 1, 16, 16",
    "112, 80, 3, 1, 1, 1, 1, 16, 16",
    "80, 208, 1, 1, 0, 1, 2, 16, 16"
  })
  void everyOperationAgreesWithTheFloat64ReferenceAndRepeatsItsBits(
      int in, int out, int kernel, int stride, int padding, int dilation, int n, int h, int w) {
    Shapes shapes = new Shapes(new ConvSpec(in, out, kernel, stride, padding, dilation), n, h, w);
    List<float[]> got = everything(backend, shapes);
    List<float[]> again = everything(backend, shapes);
    List<float[]> exact = everything(ReferenceBackend.exact(), shapes);
    List<float[]> plain = everything(new ReferenceBackend(Rounding.nearest()), shapes);
    for (int i = 0; i < exact.size(); i++) {
      double allowed = 2 * worst(plain.get(i), exact.get(i)) + FLOOR * largest(exact.get(i));
      assertThat(worst(got.get(i), exact.get(i)))
          .as("output %d of %s, tolerance %.2e", i, shapes, allowed)
          .isLessThanOrEqualTo(allowed);
      assertThat(again.get(i)).as("second run of output %d", i).isEqualTo(got.get(i));
    }
  }

  @Test
  void weightsLoadedAnewAreUsedByEveryPass() {
    ConvSpec spec = new ConvSpec(32, 48, 3, 1, 1, 1);
    backend.run(
        () -> {
          try (Scope scope = backend.scope();
              ConvWeights weights = backend.convWeights(spec)) {
            Tensor x = random(backend, scope, 1, 1, 6, 6, 32);
            Tensor dy = random(backend, scope, 2, 1, 6, 6, 48);
            Tensor weight = random(backend, scope, 3, 48, 32, 3, 3);
            Tensor two = scope.f32(48);
            backend.fill(two, 2);
            Tensor doubled = scale(backend, scope, two);
            Tensor y = scope.f32(1, 6, 6, 48);
            Tensor dx = scope.f32(1, 6, 6, 32);
            backend.loadWeights(weights, weight, null);
            backend.convForward(weights, x, null, null, false, y);
            backend.convBackwardData(weights, dy, dx);
            float[] once = backend.floats(y);
            float[] onceBack = backend.floats(dx);
            backend.loadWeights(weights, weight, doubled);
            backend.convBackwardData(weights, dy, dx);
            backend.convForward(weights, x, null, null, false, y);
            assertThat(backend.floats(y)).isEqualTo(twice(once));
            assertThat(backend.floats(dx)).isEqualTo(twice(onceBack));
          }
        });
  }

  @ParameterizedTest
  @CsvSource({"64, 256, 1", "256, 1024, 1", "512, 2048, 1", "48, 40, 3"})
  void aResidualInPlaceGivesTheBitsOfOneApart(int in, int out, int kernel) {
    ConvSpec spec = new ConvSpec(in, out, kernel, 1, kernel / 2, 1);
    backend.run(
        () -> {
          try (Scope scope = backend.scope();
              ConvWeights weights = backend.convWeights(spec)) {
            backend.loadWeights(weights, random(backend, scope, 1, out, in, kernel, kernel), null);
            Tensor x = random(backend, scope, 2, 1, 23, 17, in);
            Tensor bias = random(backend, scope, 3, out);
            Tensor residual = random(backend, scope, 4, 1, 23, 17, out);
            Tensor y = scope.f32(1, 23, 17, out);
            backend.convForward(weights, x, bias, residual, true, y);
            backend.convForward(weights, x, bias, residual, true, residual);
            assertThat(backend.floats(residual)).isEqualTo(backend.floats(y));
          }
        });
  }

  /** Doubling is exact in binary floating point, whatever the order of sums. */
  private static float[] twice(float[] values) {
    float[] result = values.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] *= 2;
    }
    return result;
  }

  @Test
  void aTrainingStepRearrangesEachWeightOncePerPassAndKeepsNoPlainCopy() {
    ConvSpec spec = new ConvSpec(64, 64, 3, 1, 1, 1);
    backend.run(
        () -> {
          try (Scope scope = backend.scope();
              ConvWeights weights = backend.convWeights(spec)) {
            Tensor x = random(backend, scope, 1, 1, 8, 8, 64);
            Tensor y = scope.f32(1, 8, 8, 64);
            Tensor dx = scope.f32(1, 8, 8, 64);
            Tensor weight = random(backend, scope, 2, 64, 64, 3, 3);
            for (int step = 0; step < 3; step++) {
              DnnlStatistics before = backend.convolutionStatistics();
              backend.loadWeights(weights, weight, null);
              backend.convForward(weights, x, null, null, false, y);
              backend.convForward(weights, x, null, null, false, y);
              backend.convBackwardData(weights, y, dx);
              DnnlStatistics after = backend.convolutionStatistics();
              if (step > 0) {
                assertThat(after.weightCopies() - before.weightCopies()).isLessThanOrEqualTo(2);
                assertThat(after.created()).isEqualTo(before.created());
              }
              assertThat(after.packedBytes()).isLessThanOrEqualTo(2 * weight.bytes());
            }
          }
        });
  }

  @ParameterizedTest
  @CsvSource({
    "64, 64, 3, 1",
    "64, 256, 1, 1",
    "256, 1024, 1, 2",
    "1024, 512, 1, 1",
    "512, 512, 3, 1"
  })
  void withAvx512TheWeightsOfEveryTrainedLayerAreRearrangedByOurOwnKernels(
      int in, int out, int kernel, int stride) {
    assumeTrue(
        backend.describe().contains("avx512"), "oneDNN chooses other orders without AVX-512");
    ConvSpec spec = new ConvSpec(in, out, kernel, stride, kernel / 2, 1);
    backend.run(
        () -> {
          try (Scope scope = backend.scope();
              ConvWeights weights = backend.convWeights(spec)) {
            long size = spec.outSize(16);
            Tensor x = random(backend, scope, 1, 2, 16, 16, in);
            Tensor y = scope.f32(2, size, size, out);
            Tensor dx = scope.f32(2, 16, 16, in);
            Tensor weight = random(backend, scope, 2, out, in, kernel, kernel);
            Tensor scale = scale(backend, scope, random(backend, scope, 3, out));
            backend.loadWeights(weights, weight, null);
            backend.convForward(weights, x, null, null, false, y);
            DnnlStatistics before = backend.convolutionStatistics();
            backend.loadWeights(weights, weight, scale);
            backend.convForward(weights, x, null, null, false, y);
            backend.convBackwardData(weights, y, dx);
            backend.convBackwardWeights(spec, x, y, weight, null);
            DnnlStatistics after = backend.convolutionStatistics();
            assertThat(after.weightCopies() - before.weightCopies()).isEqualTo(3);
            assertThat(after.tiledCopies() - before.tiledCopies()).isEqualTo(3);
          }
        });
  }

  @Test
  void fiftyPhotoSizesKeepTheCacheAndTheMemoryBounded() {
    List<ConvSpec> specs =
        List.of(
            new ConvSpec(3, 16, 3, 2, 1, 1),
            new ConvSpec(16, 32, 1, 1, 0, 1),
            new ConvSpec(32, 32, 3, 1, 1, 1),
            new ConvSpec(32, 64, 1, 2, 0, 1),
            new ConvSpec(64, 20, 1, 1, 0, 1));
    try (CpuBackend own = CpuBackend.open(CpuOptions.standard())) {
      List<ConvWeights> weights = new ArrayList<>();
      own.run(
          () -> {
            try (Scope scope = own.scope()) {
              for (ConvSpec spec : specs) {
                ConvWeights holder = own.convWeights(spec);
                long k = spec.kernel();
                own.loadWeights(
                    holder,
                    random(own, scope, 1, spec.outChannels(), spec.inChannels(), k, k),
                    null);
                weights.add(holder);
              }
            }
          });
      long packedHalfway = 0;
      for (int photo = 0; photo < 50; photo++) {
        int h = 20 + photo;
        int w = 71 - photo;
        for (int scale = 1; scale <= 4; scale++) {
          forward(own, weights, h * scale / 2, w * scale / 2);
        }
        DnnlStatistics now = own.compute(own::convolutionStatistics);
        assertThat(now.primitives()).isLessThanOrEqualTo(DnnlConvolutions.CACHED_PRIMITIVES);
        packedHalfway = photo == 25 ? now.packedBytes() : packedHalfway;
      }
      DnnlStatistics end = own.compute(own::convolutionStatistics);
      assertThat(end.created()).isGreaterThan(DnnlConvolutions.CACHED_PRIMITIVES);
      assertThat(end.evicted() + end.primitives()).isEqualTo(end.created());
      assertThat(end.packedBytes()).isLessThanOrEqualTo(2 * packedHalfway);
      own.run(() -> weights.forEach(ConvWeights::close));
      assertThat(own.memoryStatistics().used()).isZero();
    }
  }

  private static void forward(CpuBackend on, List<ConvWeights> weights, int h, int w) {
    on.run(
        () -> {
          try (Scope scope = on.scope()) {
            Tensor x = random(on, scope, 1, 2, h, w, 3);
            for (ConvWeights each : weights) {
              ConvSpec spec = each.spec();
              Tensor y =
                  scope.f32(
                      2,
                      spec.outSize(x.shape().size(1)),
                      spec.outSize(x.shape().size(2)),
                      spec.outChannels());
              on.convForward(each, x, null, null, true, y);
              x = y;
            }
          }
        });
  }

  @Test
  void anEmptyBatchGivesEmptyResultsAndZeroGradients() {
    ConvSpec spec = new ConvSpec(3, 4, 3, 1, 1, 1);
    backend.run(
        () -> {
          try (Scope scope = backend.scope();
              ConvWeights weights = backend.convWeights(spec)) {
            backend.loadWeights(weights, random(backend, scope, 1, 4, 3, 3, 3), null);
            Tensor x = scope.f32(0, 5, 5, 3);
            Tensor y = scope.f32(0, 5, 5, 4);
            backend.convForward(weights, x, null, null, false, y);
            backend.convBackwardData(weights, y, x);
            Tensor dw = scope.f32(4, 3, 3, 3);
            Tensor db = scope.f32(4);
            backend.convBackwardWeights(spec, x, y, dw, db);
            assertThat(backend.floats(dw)).containsOnly(0);
            assertThat(backend.floats(db)).containsOnly(0);
          }
        });
  }

  @Test
  void wrongArgumentsAreRefusedByNameBeforeAnyNativeCall() {
    ConvSpec spec = new ConvSpec(3, 4, 3, 1, 0, 1);
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            ConvWeights weights = backend.convWeights(spec);
            Tensor x = random(backend, scope, 1, 1, 5, 5, 3);
            Tensor y = scope.f32(1, 3, 3, 4);
            assertThatThrownBy(() -> backend.convForward(weights, x, null, null, false, y))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("convForward: no weights");
            assertThatThrownBy(() -> backend.loadWeights(weights, scope.f32(4, 3, 3, 2), null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("loadWeights: weight");
            backend.loadWeights(weights, random(backend, scope, 2, 4, 3, 3, 3), null);
            assertThatThrownBy(
                    () -> backend.convForward(weights, x, null, null, false, scope.f32(1, 4, 3, 4)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("convForward: y");
            assertThatThrownBy(
                    () -> backend.convForward(weights, scope.f32(1, 2, 5, 3), null, null, false, y))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("too small");
            assertThatThrownBy(() -> backend.convForward(weights, x, scope.f32(3), null, false, y))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("bias");
            try (ConvWeights square = backend.convWeights(ConvSpec.pointwise(3, 3))) {
              backend.loadWeights(square, random(backend, scope, 3, 3, 3, 1, 1), null);
              assertThatThrownBy(() -> backend.convForward(square, x, null, null, false, x))
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessageContaining("y F32[1, 5, 5, 3] shares memory with x");
              assertThatThrownBy(() -> backend.convForward(square, x, null, x, false, x))
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessageContaining("y F32[1, 5, 5, 3] shares memory with x");
            }
            weights.close();
            weights.close();
            assertThatThrownBy(() -> backend.convForward(weights, x, null, null, false, y))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
          }
        });
  }

  @Test
  void weightsMayBeClosedOffTheComputeThreadAndAfterTheBackend() {
    CpuBackend own = CpuBackend.open(CpuOptions.standard().withThreads(1));
    ConvSpec spec = ConvSpec.pointwise(4, 4);
    ConvWeights first = own.compute(() -> own.convWeights(spec));
    ConvWeights second = own.compute(() -> own.convWeights(spec));
    own.run(
        () -> {
          try (Scope scope = own.scope()) {
            own.loadWeights(first, random(own, scope, 1, 4, 4, 1, 1), null);
            own.loadWeights(second, random(own, scope, 1, 4, 4, 1, 1), null);
          }
        });
    first.close();
    assertThat(own.memoryStatistics().used()).isEqualTo(64);
    own.close();
    second.close();
  }

  @Test
  void numbersThatAreNotFiniteStayWhereTheyAreReached() {
    ConvSpec spec = ConvSpec.pointwise(2, 2);
    backend.run(
        () -> {
          try (Scope scope = backend.scope();
              ConvWeights weights = backend.convWeights(spec)) {
            Tensor weight = scope.f32(2, 2, 1, 1);
            backend.upload(new float[] {1, 1, 1, -1}, weight);
            backend.loadWeights(weights, weight, null);
            Tensor x = scope.f32(1, 1, 3, 2);
            backend.upload(new float[] {Float.NaN, 1, 2, 1, Float.POSITIVE_INFINITY, 1}, x);
            Tensor y = scope.f32(1, 1, 3, 2);
            backend.convForward(weights, x, null, null, false, y);
            assertThat(backend.floats(y))
                .containsExactly(
                    Float.NaN, Float.NaN, 3, 1, Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY);
          }
        });
  }
}
