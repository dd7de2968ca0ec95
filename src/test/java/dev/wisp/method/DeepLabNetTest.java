package dev.wisp.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.autograd.Tape;
import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.common.CounterRandom;
import dev.wisp.nn.Parameter;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeepLabNetTest {
  private static final double STEP = 3e-7;

  private static DeepLabConfig config(int outputStride) {
    return new DeepLabConfig(
        Tiny.encoder(false).dilated(outputStride), 2, List.of(1, 2), 4, 0.4f, true);
  }

  private static TrainingBatch batch(int count, int height, int width, long step, int first) {
    CounterRandom random = CounterRandom.of(21);
    byte[] masks = new byte[count * height * width];
    for (int i = 0; i < masks.length; i++) {
      masks[i] = (byte) (random.nextInt(4) == 3 ? 255 : random.nextInt(3));
    }
    return TrainingBatch.ofMasks(
        Tiny.pixels(count * height * width * 3, 6), count, height, width, masks, step, first);
  }

  private static byte[] masks(TrainingBatch batch) {
    return Objects.requireNonNull(batch.masks());
  }

  /** Moves norms away from the identity, so that folding them has something to do. */
  private static void stir(Backend backend, DeepLabNet network) {
    CounterRandom random = CounterRandom.of(5);
    backend.run(
        () -> {
          for (Parameter parameter : network.parameters()) {
            if (parameter.shape().rank() == 1) {
              boolean centred = parameter.name().matches(".*(mean|bias)");
              float[] values = new float[(int) parameter.shape().elements()];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextDouble() + (centred ? -0.5 : 0.5));
              }
              parameter.set(values);
            }
          }
        });
  }

  @ParameterizedTest
  @CsvSource({"8,true", "4,true", "8,false", "4,false"})
  void theGradientsAreTheSlopesOfTheLoss(int outputStride, boolean live) {
    try (ReferenceBackend backend = ReferenceBackend.exact();
        DeepLabNet network = new DeepLabNet(backend, config(outputStride).withLiveNorms(live))) {
      network.initialize(3);
      stir(backend, network);
      TrainingBatch batch = batch(3, 33, 25, 4, 0);
      // Where images' means are alike the norm over them bends sharply: these differ.
      for (int i = 0; i < batch.images().length; i++) {
        batch.images()[i] *= 1 + i / (33 * 25 * 3);
      }
      network.step(batch);
      int reached = 0;
      for (Parameter parameter : network.parameters()) {
        if (parameter.group() == Parameter.Group.STATISTIC) {
          continue;
        }
        reached++;
        double[] gradient = backend.doubles(parameter.gradient());
        double[] values = backend.doubles(parameter.value());
        double largest = Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
        CounterRandom random = CounterRandom.of(8, values.length);
        for (int e = 0; e < Math.min(3, values.length); e++) {
          int i = random.nextInt(values.length);
          double keep = values[i];
          double up = loss(backend, network, parameter, values, i, keep + STEP, batch);
          double down = loss(backend, network, parameter, values, i, keep - STEP, batch);
          values[i] = keep;
          backend.upload(values, parameter.value());
          parameter.changed();
          assertThat((up - down) / (2 * STEP))
              .as("%s[%d]", parameter.name(), i)
              .isCloseTo(gradient[i], within(1e-4 * largest + 1e-8));
        }
      }
      assertThat(reached).isGreaterThan(50);
    }
  }

  private static double loss(
      ReferenceBackend backend,
      DeepLabNet network,
      Parameter parameter,
      double[] values,
      int index,
      double value,
      TrainingBatch batch) {
    values[index] = value;
    backend.upload(values, parameter.value());
    parameter.changed();
    try (Tape tape = Tape.inference(backend)) {
      return backend.doubles(network.loss(tape, batch, masks(batch)))[0];
    }
  }

  @Test
  void theSameStepHasTheSameBitsAndAnotherStepDropsOtherElements() {
    try (Backend backend = CpuBackend.open(CpuOptions.standard());
        DeepLabNet network = new DeepLabNet(backend, config(4).withLiveNorms(false))) {
      network.initialize(3);
      double first = network.step(batch(2, 33, 25, 7, 0)).total();
      assertThat(network.step(batch(2, 33, 25, 7, 0)).total()).isEqualTo(first);
      assertThat(network.step(batch(2, 33, 25, 8, 0)).total()).isNotEqualTo(first);
      assertThat(network.step(batch(2, 33, 25, 7, 2)).total()).isNotEqualTo(first);
    }
  }

  /** What an image loses depends on its place in the step, not on who computes it. */
  @Test
  void halvesOfABatchDropWhatTheWholeDrops() {
    try (Backend backend = CpuBackend.open(CpuOptions.standard());
        DeepLabNet network = new DeepLabNet(backend, config(4).withLiveNorms(false))) {
      network.initialize(3);
      TrainingBatch whole = batch(2, 33, 25, 7, 0);
      byte[] masks = masks(whole);
      Arrays.fill(masks, (byte) 1);
      double together = network.step(whole).total();
      double apart = 0;
      for (int n = 0; n < 2; n++) {
        int pixels = 33 * 25;
        apart +=
            network
                    .step(
                        TrainingBatch.ofMasks(
                            Arrays.copyOfRange(
                                whole.images(), 3 * n * pixels, 3 * (n + 1) * pixels),
                            1,
                            33,
                            25,
                            Arrays.copyOfRange(masks, n * pixels, (n + 1) * pixels),
                            7,
                            n))
                    .total()
                / 2;
      }
      assertThat(apart).isCloseTo(together, within(1e-6));
    }
  }

  @Test
  void theReferenceAndTheCpuSegmentAlike() {
    float[] pixels = Tiny.pixels(37 * 29 * 3, 2);
    ScaledImage image = new ScaledImage(pixels, 37, 29);
    ScaledImage half = new ScaledImage(Tiny.pixels(19 * 15 * 3, 3), 19, 15);
    float[][] results = new float[2][];
    for (int i = 0; i < 2; i++) {
      try (Backend backend =
              i == 0 ? new ReferenceBackend() : CpuBackend.open(CpuOptions.standard());
          DeepLabNet network = new DeepLabNet(backend, config(4))) {
        network.initialize(11);
        stir(backend, network);
        results[i] = network.probabilities(List.of(image, half), true, 37, 29);
        int[] labels = network.segment(List.of(image, half), true, 37, 29);
        for (int p = 0; p < labels.length; p++) {
          float[] own = Arrays.copyOfRange(results[i], 3 * p, 3 * p + 3);
          assertThat(own[0] + own[1] + own[2]).isCloseTo(1, within(1e-5f));
          assertThat(own[labels[p]])
              .isGreaterThan(Math.max(own[0], Math.max(own[1], own[2])) - 1e-6f);
        }
      }
    }
    for (int i = 0; i < results[0].length; i++) {
      assertThat(results[1][i]).isCloseTo(results[0][i], within(1e-5f));
    }
  }

  @Test
  void mirroringTheImageMirrorsTheProbabilities() {
    float[] pixels = Tiny.pixels(24 * 20 * 3, 2);
    float[] turned = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      int x = i / 3 % 20;
      turned[i] = pixels[i + 3 * (19 - 2 * x)];
    }
    try (Backend backend = CpuBackend.open(CpuOptions.standard());
        DeepLabNet network = new DeepLabNet(backend, config(4))) {
      network.initialize(11);
      float[] one = network.probabilities(List.of(new ScaledImage(pixels, 24, 20)), true, 24, 20);
      float[] other = network.probabilities(List.of(new ScaledImage(turned, 24, 20)), true, 24, 20);
      for (int i = 0; i < one.length; i++) {
        int x = i / 3 % 20;
        assertThat(other[i + 3 * (19 - 2 * x)]).isCloseTo(one[i], within(1e-5f));
      }
    }
  }

  @Test
  void aBatchItCannotTrainOnIsRefused() {
    try (Backend backend = CpuBackend.open(CpuOptions.standard());
        DeepLabNet network = new DeepLabNet(backend, config(4))) {
      network.initialize(3);
      assertThatThrownBy(() -> network.step(batch(1, 24, 24, 0, 0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("one image");
      assertThatThrownBy(() -> network.step(Tiny.batch(24, new int[2][0], new float[18], 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("masks");
    }
  }
}
