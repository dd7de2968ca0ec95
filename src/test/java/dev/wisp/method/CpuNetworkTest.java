package dev.wisp.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.Backend;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.method.AeSipeConfig.MapNormalization;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.ResNetConfig;
import dev.wisp.nn.Sgd;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Small networks on the CPU backend, whose fresh memory is poisoned with NaN, beside the reference.
 */
class CpuNetworkTest {
  private static final CpuOptions POISONED = new CpuOptions(2, 1 << 26, Long.MAX_VALUE, true);

  private static TrainingBatch batch() {
    float[] valid = new float[3 * 16];
    for (int i = 0; i < valid.length; i++) {
      valid[i] = i % 4 == 3 ? 0 : 1;
    }
    return Tiny.batch(32, new int[][] {{1}, {}, {2, 3}}, valid, 11);
  }

  /** Everything three steps produce: losses, norms, weights. */
  private static List<float[]> train(Backend backend, AeSipeConfig config) {
    return train(backend, config, null);
  }

  private static List<float[]> train(
      Backend backend, AeSipeConfig config, Sgd.@Nullable LossScaling scaling) {
    List<float[]> results = new ArrayList<>();
    Sgd.Options options =
        new Sgd.Options(0.01, 0.1, 0.9, 1e-4, 1, 30, 0.9).withLossScaling(scaling);
    try (AeSipeNet net = new AeSipeNet(backend, config)) {
      net.initialize(1);
      try (Sgd sgd = backend.compute(() -> new Sgd(backend, net.parameters(), options))) {
        for (int t = 0; t < 3; t++) {
          Losses losses = net.step(batch(), sgd.lossScale());
          float norm = backend.compute(sgd::step).floatValue();
          results.add(
              new float[] {
                (float) losses.part(Losses.CLASSIFICATION),
                (float) losses.part(Losses.CONSISTENCY),
                norm
              });
        }
      }
      for (Parameter parameter : net.parameters()) {
        results.add(backend.compute(() -> backend.floats(parameter.value())));
      }
    }
    return results;
  }

  private static void assertClose(List<float[]> actual, List<float[]> expected, double share) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      double largest = 0;
      for (float value : expected.get(i)) {
        largest = Math.max(largest, Math.abs(value));
      }
      for (int j = 0; j < actual.get(i).length; j++) {
        assertThat((double) actual.get(i)[j])
            .as("result %d, element %d", i, j)
            .isCloseTo(expected.get(i)[j], within(share * largest));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(MapNormalization.class)
  void trainingGivesWhatTheReferenceGives(MapNormalization normalization) {
    AeSipeConfig config = Tiny.config().withNormalization(normalization);
    try (Backend cpu = CpuBackend.open(POISONED);
        Backend reference = new ReferenceBackend()) {
      assertClose(train(cpu, config), train(reference, config), 1e-4);
    }
  }

  @Test
  void trainingTwiceGivesTheSameBitsAndOneThreadNearlyTheSameNumbers() {
    try (Backend two = CpuBackend.open(POISONED);
        Backend again = CpuBackend.open(POISONED);
        Backend one = CpuBackend.open(POISONED.withThreads(1))) {
      List<float[]> first = train(two, Tiny.config());
      List<float[]> second = train(again, Tiny.config());
      for (int i = 0; i < first.size(); i++) {
        assertThat(second.get(i)).as("result %d", i).isEqualTo(first.get(i));
      }
      assertClose(train(one, Tiny.config()), first, 1e-4);
    }
  }

  @Test
  void anInfiniteGradientLeavesOutItsStepAndHalvesTheScale() {
    Sgd.Options options =
        new Sgd.Options(0.01, 0.1, 0.9, 1e-4, 1, 30, 0.9)
            .withLossScaling(Sgd.LossScaling.standard());
    try (Backend backend = CpuBackend.open(POISONED);
        AeSipeNet net = new AeSipeNet(backend, Tiny.config())) {
      net.initialize(1);
      backend.run(
          () -> {
            try (Sgd sgd = new Sgd(backend, net.parameters(), options)) {
              for (int step = 0; step < 3; step++) {
                net.step(batch(), sgd.lossScale());
                Parameter last =
                    net.parameters().stream().filter(Parameter::hasGradient).toList().getLast();
                float[] before = backend.floats(last.value());
                if (step == 1) {
                  backend.upload(new float[] {Float.POSITIVE_INFINITY}, 1, last.gradient(), 0);
                }
                assertThat(Double.isFinite(sgd.step())).isEqualTo(step != 1);
                if (step == 1) {
                  assertThat(backend.floats(last.value())).isEqualTo(before);
                } else {
                  assertThat(backend.floats(last.value())).isNotEqualTo(before);
                }
                assertThat(sgd.lossScaleState())
                    .containsExactly(step == 0 ? 65536 : 32768, step == 1 ? 0 : 1);
              }
            }
          });
    }
  }

  /** The scale doubles before the third step. */
  @Test
  void aLossScaledByAPowerOfTwoGivesTheSameBits() {
    try (Backend plain = CpuBackend.open(POISONED);
        Backend scaled = CpuBackend.open(POISONED)) {
      List<float[]> expected = train(plain, Tiny.config());
      List<float[]> results = train(scaled, Tiny.config(), new Sgd.LossScaling(4096, 2));
      assertThat(results).hasSameSizeAs(expected);
      for (int i = 0; i < results.size(); i++) {
        assertThat(results.get(i)).as("result %d", i).isEqualTo(expected.get(i));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 7", "9, 1", "17, 13", "31, 64"})
  void imagesOfAnySizeAreLocalisedAsTheReferenceDoes(int height, int width) {
    List<ScaledImage> scales =
        List.of(
            new ScaledImage(Tiny.pixels(height * width * 3, 5), height, width),
            new ScaledImage(Tiny.pixels(2 * height * 2 * width * 3, 6), 2 * height, 2 * width));
    int[] present = {1, 3};
    try (Backend cpu = CpuBackend.open(POISONED);
        Backend reference = new ReferenceBackend();
        AeSipeNet fast = new AeSipeNet(cpu, Tiny.config());
        AeSipeNet slow = new AeSipeNet(reference, Tiny.config())) {
      fast.initialize(1);
      slow.initialize(1);
      assertClose(
          List.of(fast.localize(scales, present).maps()),
          List.of(slow.localize(scales, present).maps()),
          1e-3);
      assertThat(fast.validate(scales.getFirst(), present))
          .isEqualTo(slow.validate(scales.getFirst(), present));
    }
  }

  @Test
  void aFrozenNetworkLabelsToTheSameBitsInLessMemoryAndLearnsNoMore() {
    ScaledImage image = new ScaledImage(Tiny.pixels(37 * 29 * 3, 1), 37, 29);
    int[] present = {1, 3};
    try (CpuBackend backend = CpuBackend.open(POISONED);
        AeSipeNet net = new AeSipeNet(backend, Tiny.config())) {
      net.initialize(1);
      float[] maps = net.localize(List.of(image), present).maps();
      int[] labels = net.validate(image, present);
      long used = backend.memoryStatistics().used();
      net.freeze();
      long weights =
          net.parameters().stream()
              .filter(parameter -> parameter.shape().rank() == 4)
              .mapToLong(parameter -> parameter.shape().elements() * Float.BYTES)
              .sum();
      assertThat(used - backend.memoryStatistics().used()).isGreaterThanOrEqualTo(weights);
      assertThat(net.localize(List.of(image), present).maps()).isEqualTo(maps);
      assertThat(net.validate(image, present)).isEqualTo(labels);
      assertThatThrownBy(() -> net.step(batch()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("was released");
      assertThatThrownBy(() -> net.initialize(1)).isInstanceOf(IllegalStateException.class);
    }
  }

  /** Real widths, few blocks: memory is decided by the features of the largest scale. */
  @Test
  void labellingHoldsLittleMoreThanTwiceTheLargestFeature() {
    ResNetConfig encoder =
        new ResNetConfig(
            7,
            2,
            64,
            true,
            List.of(
                new ResNetConfig.Layer(2, 64, 256, 1),
                new ResNetConfig.Layer(2, 128, 512, 2),
                new ResNetConfig.Layer(2, 256, 1024, 2),
                new ResNetConfig.Layer(1, 512, 2048, 1)));
    int height = 384;
    int width = 512;
    List<ScaledImage> scales =
        List.of(
            new ScaledImage(Tiny.pixels(height / 2 * width / 2 * 3, 1), height / 2, width / 2),
            new ScaledImage(Tiny.pixels(height * width * 3, 2), height, width));
    CpuOptions options = CpuOptions.standard().withThreads(2);
    try (CpuBackend backend = CpuBackend.open(options);
        AeSipeNet net = new AeSipeNet(backend, AeSipeConfig.aeSipe(encoder, 20))) {
      net.initialize(1);
      net.freeze();
      net.localize(scales.subList(0, 1), new int[] {7});
      long weights = backend.memoryStatistics().used();
      long x1 = 4L * 256 * (height / 4) * (width / 4);
      net.localize(scales, new int[] {7});
      MemoryStatistics memory = backend.memoryStatistics();
      assertThat(memory.used() - weights).as("packed again at most").isLessThan(weights / 2);
      assertThat(memory.peak() - memory.used()).isLessThan(x1 * 5 / 2);
    }
  }

  @Test
  void aClassifierTrainsAsOnTheReference() {
    try (Backend cpu = CpuBackend.open(POISONED);
        Backend reference = new ReferenceBackend()) {
      assertClose(pretrain(cpu), pretrain(reference), 1e-3);
    }
  }

  private static List<float[]> pretrain(Backend backend) {
    List<float[]> results = new ArrayList<>();
    Sgd.Options options = new Sgd.Options(0.02, 0.02, 0.9, 1e-4, 5, 40, 0.9);
    try (ClassifierNet net = new ClassifierNet(backend, Tiny.encoder(true), Tiny.FOREGROUND)) {
      net.initialize(3);
      try (Sgd sgd = backend.compute(() -> new Sgd(backend, net.parameters(), options))) {
        for (int t = 0; t < 2; t++) {
          Losses losses = net.step(batch());
          results.add(
              new float[] {(float) losses.total(), backend.compute(sgd::step).floatValue()});
        }
      }
      ScaledImage image = new ScaledImage(Tiny.pixels(37 * 29 * 3, 1), 37, 29);
      results.add(net.scores(image));
    }
    assertThat(backend.memoryStatistics().used()).isZero();
    return results;
  }
}
