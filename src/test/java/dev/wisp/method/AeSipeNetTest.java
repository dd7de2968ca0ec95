package dev.wisp.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.Backend;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.method.AeSipeConfig.MapNormalization;
import dev.wisp.method.Observer.Stage;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.Sgd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AeSipeNetTest {
  private Backend backend;

  @BeforeEach
  void open() {
    backend = new ReferenceBackend();
  }

  @AfterEach
  void close() {
    backend.close();
  }

  private AeSipeNet net(AeSipeConfig config) {
    AeSipeNet net = new AeSipeNet(backend, config);
    net.initialize(1);
    return net;
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  @ParameterizedTest
  @EnumSource(MapNormalization.class)
  void anImageWithoutLabelsHasOnlyTheBackgroundsMap(MapNormalization normalization) {
    try (AeSipeNet net = net(Tiny.config().withNormalization(normalization))) {
      Losses losses = net.step(Tiny.batch(16, new int[][] {{}, {2}}, ones(8), 7));
      assertThat(losses.total()).isFinite().isPositive();
      assertThat(net.parameters().stream().filter(Parameter::hasGradient)).isNotEmpty();
      for (Parameter parameter : net.parameters()) {
        if (parameter.hasGradient()) {
          for (float g : backend.floats(parameter.gradient())) {
            assertThat(g).as(parameter.name()).isFinite();
          }
        }
      }
      Localization maps =
          net.localize(List.of(new ScaledImage(Tiny.pixels(17 * 13 * 3, 2), 17, 13)), new int[0]);
      assertThat(maps.classes()).containsExactly(0);
      assertThat(maps.labels(0.8f)).containsOnly(0);
    }
  }

  @ParameterizedTest
  @EnumSource(MapNormalization.class)
  void aCropOfOnePositionIsTrained(MapNormalization normalization) {
    try (AeSipeNet net = net(Tiny.config().withNormalization(normalization))) {
      Losses losses = net.step(Tiny.batch(8, new int[][] {{1, 2}}, ones(1), 7));
      assertThat(losses.total()).isFinite();
    }
  }

  @Test
  void anImageOfOnePixelIsLabelledAndValidated() {
    try (AeSipeNet net = net(Tiny.config())) {
      ScaledImage pixel = new ScaledImage(Tiny.pixels(3, 2), 1, 1);
      Localization maps = net.localize(List.of(pixel, pixel), new int[] {3, 1});
      assertThat(maps.classes()).containsExactly(0, 1, 3);
      for (float value : maps.maps()) {
        assertThat(value).isBetween(0f, 1f);
      }
      assertThat(net.validate(pixel, new int[] {1})).hasSize(1);
    }
  }

  @Test
  void oneSeedGivesTheSameWeightsAndAnotherDoesNot() {
    try (AeSipeNet a = net(Tiny.config());
        AeSipeNet b = net(Tiny.config())) {
      for (int i = 0; i < a.parameters().size(); i++) {
        assertThat(backend.floats(a.parameters().get(i).value()))
            .isEqualTo(backend.floats(b.parameters().get(i).value()));
      }
      b.initialize(2);
      assertThat(backend.floats(a.parameters().getFirst().value()))
          .isNotEqualTo(backend.floats(b.parameters().getFirst().value()));
    }
  }

  @Test
  void cropsThatDoNotFitTheGridAreRefusedByName() {
    try (AeSipeNet net = net(Tiny.config())) {
      assertThatThrownBy(() -> net.step(Tiny.batch(12, new int[][] {{1}}, ones(4), 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("multiples of 8")
          .hasMessageContaining("12x12");
      assertThatThrownBy(() -> net.step(Tiny.batch(8, new int[][] {{4}}, ones(1), 1)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void positionsInThePaddingHaveNoSeedsAndNoMaps() {
    float[] valid = ones(16);
    for (int i = 0; i < 4; i++) {
      valid[4 * i + 3] = 0;
    }
    try (AeSipeNet net = net(Tiny.config())) {
      List<int[]> seeds = new ArrayList<>();
      List<float[]> maps = new ArrayList<>();
      net.step(
          Tiny.batch(32, new int[][] {{1, 3}}, valid, 7),
          (stage, value) -> {
            if (stage == Stage.SEEDS) {
              seeds.add(backend.ints(value));
            } else if (stage == Stage.MAPS) {
              maps.add(backend.floats(value));
            }
          });
      for (int i = 0; i < 4; i++) {
        assertThat(seeds.getFirst()[4 * i + 3]).isEqualTo(-1);
        for (int row = 0; row < 3; row++) {
          assertThat(maps.getFirst()[row * 16 + 4 * i + 3]).isZero();
        }
      }
    }
  }

  @Test
  void stepsLowerTheLoss() {
    TrainingBatch batch = Tiny.batch(32, new int[][] {{1}, {2, 3}}, ones(32), 11);
    Sgd.Options options = new Sgd.Options(0.01, 0.1, 0.9, 1e-4, 1, 30, 0.9);
    try (AeSipeNet net = net(Tiny.config());
        Sgd sgd = new Sgd(backend, net.parameters(), options)) {
      double before = net.losses(batch).total();
      for (int t = 0; t < 10; t++) {
        net.step(batch);
        sgd.step();
      }
      assertThat(net.losses(batch).total()).isLessThan(0.9 * before);
    }
  }

  @Test
  void aStepReturnsAllMemoryButTheGradients() {
    TrainingBatch batch = Tiny.batch(32, new int[][] {{1}, {2, 3}}, ones(32), 11);
    try (AeSipeNet net = net(Tiny.config())) {
      net.step(batch);
      long used = backend.memoryStatistics().used();
      net.step(batch);
      net.localize(List.of(new ScaledImage(Tiny.pixels(20 * 20 * 3, 2), 20, 20)), new int[] {2});
      assertThat(backend.memoryStatistics().used()).isEqualTo(used);
    }
    assertThat(backend.memoryStatistics().used()).isZero();
  }

  @Test
  void severalScalesAreFusedAtTheFirstOnesSize() {
    ScaledImage first = new ScaledImage(Tiny.pixels(20 * 28 * 3, 2), 20, 28);
    ScaledImage half = new ScaledImage(Tiny.pixels(10 * 14 * 3, 3), 10, 14);
    try (AeSipeNet net = net(Tiny.config())) {
      Localization maps = net.localize(List.of(first, half), new int[] {1, 2});
      assertThat(maps.height()).isEqualTo(20);
      assertThat(maps.width()).isEqualTo(28);
      for (int row = 0; row < 3; row++) {
        float largest = 0;
        for (int p = 0; p < 20 * 28; p++) {
          largest = Math.max(largest, maps.maps()[row * 20 * 28 + p]);
        }
        // Divided by its maximum plus eps, unless the class has no map at all.
        assertThat(largest)
            .satisfiesAnyOf(
                max -> assertThat(max).isZero(),
                max -> assertThat(max).isCloseTo(1f, within(1e-4f)));
      }
    }
  }

  @Test
  void aClassifierLearnsAndHandsItsEncoderOver() {
    TrainingBatch batch = Tiny.batch(32, new int[][] {{1}, {2, 3}}, ones(8), 11);
    Sgd.Options options = new Sgd.Options(0.02, 0.02, 0.9, 1e-4, 5, 40, 0.9);
    try (ClassifierNet net = new ClassifierNet(backend, Tiny.encoder(true), Tiny.FOREGROUND)) {
      net.initialize(3);
      try (Sgd sgd = new Sgd(backend, net.parameters(), options)) {
        double before = net.step(batch).total();
        sgd.step();
        double after = before;
        for (int t = 0; t < 30; t++) {
          after = net.step(batch).total();
          sgd.step();
        }
        assertThat(after).isLessThan(0.7 * before);
      }
      assertThat(net.scores(new ScaledImage(Tiny.pixels(33 * 31 * 3, 1), 33, 31))).hasSize(3);
    }
    assertThat(backend.memoryStatistics().used()).isZero();
  }
}
