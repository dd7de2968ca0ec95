package dev.wisp.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.tensor.Scope;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SgdTest {
  private ReferenceBackend backend;
  private Scope scope;
  private Parameter old;
  private Parameter fresh;
  private Parameter statistic;

  @BeforeEach
  void open() {
    backend = new ReferenceBackend();
    scope = backend.scope();
    ParameterFactory factory = new ParameterFactory(backend, scope);
    old = factory.create("old", Parameter.Group.PRETRAINED, 2);
    fresh = factory.create("fresh", Parameter.Group.NEW, 2);
    statistic = factory.create("statistic", Parameter.Group.STATISTIC, 2);
    reset();
  }

  @AfterEach
  void close() {
    scope.close();
    backend.close();
  }

  private void reset() {
    for (Parameter parameter : List.of(old, fresh, statistic)) {
      parameter.set(new float[] {1, -2});
    }
  }

  private void gradient(Parameter parameter, float... values) {
    backend.upload(values, parameter.newGradient());
  }

  private Sgd sgd(double momentum, double decay, double clip) {
    return new Sgd(
        backend,
        List.of(old, fresh, statistic),
        new Sgd.Options(0.1, 1, momentum, decay, clip, 10, 0.9));
  }

  @Test
  void eachGroupFollowsItsOwnRateAndTheScheduleDecays() {
    try (Sgd sgd = sgd(0, 0, Double.POSITIVE_INFINITY)) {
      gradient(old, 1, 0);
      gradient(fresh, 0, 1);
      assertThat(sgd.step()).isCloseTo(Math.sqrt(2), within(1e-6));
      assertThat(backend.floats(old.value())).containsExactly(0.9f, -2);
      assertThat(backend.floats(fresh.value())).containsExactly(1, -3);
      assertThat(sgd.rate(Parameter.Group.NEW)).isCloseTo(Math.pow(0.9, 0.9), within(1e-12));
      assertThat(sgd.rate(Parameter.Group.PRETRAINED))
          .isCloseTo(0.1 * Math.pow(0.9, 0.9), within(1e-12));
    }
  }

  @Test
  void parametersThatNoGradientReachedStayUntouched() {
    try (Sgd sgd = sgd(0.9, 0.5, 1)) {
      gradient(fresh, 1, 1);
      sgd.step();
      assertThat(backend.floats(old.value())).containsExactly(1, -2);
      assertThat(backend.floats(statistic.value())).containsExactly(1, -2);
      assertThat(sgd.velocities()).containsOnlyKeys("fresh");
      assertThat(fresh.hasGradient()).isFalse();
    }
  }

  @Test
  void theNormOfAllGradientsTogetherIsClipped() {
    try (Sgd sgd = sgd(0, 0, 1)) {
      gradient(old, 3, 0);
      gradient(fresh, 0, 4);
      assertThat(sgd.step()).isCloseTo(5, within(1e-6));
      assertThat(backend.floats(old.value())[0]).isCloseTo(1 - 0.1f * 0.6f, within(1e-6f));
      assertThat(backend.floats(fresh.value())[1]).isCloseTo(-2 - 0.8f, within(1e-6f));
    }
  }

  @Test
  void aResumedRunIsBitIdenticalToAnUninterruptedOne() {
    try (Sgd sgd = sgd(0.9, 1e-2, 1)) {
      for (int t = 0; t < 4; t++) {
        gradient(fresh, 0.3f * t, -0.7f);
        sgd.step();
      }
    }
    float[] whole = backend.floats(fresh.value());

    reset();
    Map<String, float[]> state;
    try (Sgd sgd = sgd(0.9, 1e-2, 1)) {
      for (int t = 0; t < 2; t++) {
        gradient(fresh, 0.3f * t, -0.7f);
        sgd.step();
      }
      state = sgd.velocities();
    }
    try (Sgd sgd = sgd(0.9, 1e-2, 1)) {
      sgd.resume(2, state, null);
      for (int t = 2; t < 4; t++) {
        gradient(fresh, 0.3f * t, -0.7f);
        sgd.step();
      }
      assertThat(sgd.steps()).isEqualTo(4);
    }
    assertThat(backend.floats(fresh.value())).isEqualTo(whole);
  }

  private Sgd scaling(float first, int interval) {
    return new Sgd(
        backend,
        List.of(old, fresh, statistic),
        new Sgd.Options(0.1, 1, 0.9, 1e-2, 1, 10, 0.9)
            .withLossScaling(new Sgd.LossScaling(first, interval)));
  }

  /** A gradient as a tape with this optimiser's loss scale leaves it. */
  private void scaledGradient(Sgd sgd, float... values) {
    gradient(fresh, values);
    backend.scale(fresh.gradient(), Objects.requireNonNull(sgd.lossScale()));
  }

  @Test
  void aScaledLossGivesTheSameBitsAndTheScaleDoublesAfterItsInterval() {
    double[] norms = new double[5];
    try (Sgd sgd = sgd(0.9, 1e-2, 1)) {
      for (int t = 0; t < norms.length; t++) {
        gradient(fresh, 0.3f * t, -0.7f);
        norms[t] = sgd.step();
      }
    }
    float[] plain = backend.floats(fresh.value());
    reset();
    try (Sgd sgd = scaling(1024, 2)) {
      float[] scales = {1024, 1024, 2048, 2048, 4096};
      for (int t = 0; t < norms.length; t++) {
        assertThat(sgd.lossScaleState()).containsExactly(scales[t], t % 2);
        scaledGradient(sgd, 0.3f * t, -0.7f);
        assertThat(sgd.step()).isEqualTo(norms[t]);
      }
    }
    assertThat(backend.floats(fresh.value())).isEqualTo(plain);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN})
  void anOverflowLeavesOutItsStepAndHalvesTheScale(float overflow) {
    try (Sgd sgd = scaling(1024, 2000)) {
      scaledGradient(sgd, 0.5f, 0.25f);
      sgd.step();
      float[] weights = backend.floats(fresh.value());
      Map<String, float[]> velocities = sgd.velocities();
      scaledGradient(sgd, 0.5f, overflow);
      assertThat(sgd.step()).isNotFinite();
      assertThat(sgd.lossScaleState()).containsExactly(512, 0);
      assertThat(backend.floats(fresh.value())).isEqualTo(weights);
      assertThat(sgd.velocities().get("fresh")).isEqualTo(velocities.get("fresh"));
      assertThat(sgd.steps()).as("the schedule goes on").isEqualTo(2);
      scaledGradient(sgd, 0.5f, 0.25f);
      assertThat(sgd.step()).isCloseTo(Math.sqrt(0.3125), within(1e-6));
      assertThat(backend.floats(fresh.value())).isNotEqualTo(weights);
      assertThat(sgd.lossScaleState()).containsExactly(512, 1);
    }
  }

  @Test
  void afterAFirstStepThatWasLeftOutTheNextIsLikeAFirstOne() {
    float[] after;
    try (Sgd sgd = sgd(0.9, 1e-2, 1)) {
      sgd.resume(1, Map.of(), null);
      gradient(fresh, 0.5f, 0.25f);
      sgd.step();
      after = backend.floats(fresh.value());
    }
    reset();
    try (Sgd sgd = scaling(1024, 2000)) {
      scaledGradient(sgd, Float.NaN, 0.25f);
      sgd.step();
      assertThat(sgd.velocities().get("fresh")).containsOnly(0);
      scaledGradient(sgd, 0.5f, 0.25f);
      sgd.step();
    }
    assertThat(backend.floats(fresh.value())).isEqualTo(after);
  }

  @Test
  void theLossScaleIsResumed() {
    try (Sgd sgd = scaling(1024, 2000)) {
      sgd.resume(5, Map.of(), new float[] {64, 3});
      scaledGradient(sgd, 0.5f, 0.25f);
      sgd.step();
      assertThat(sgd.lossScaleState()).containsExactly(64, 4);
      assertThatThrownBy(() -> sgd.resume(5, Map.of(), null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("with loss scaling");
    }
    try (Sgd sgd = sgd(0.9, 0, 1)) {
      assertThat(sgd.lossScale()).isNull();
      assertThatThrownBy(() -> sgd.resume(5, Map.of(), new float[2]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("without loss scaling");
    }
  }

  @Test
  void aLossScaleOutOfRangeIsRefused() {
    assertThatThrownBy(() -> new Sgd.LossScaling(0.5f, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Sgd.LossScaling(Float.NaN, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Sgd.LossScaling(2, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aStateOfAnotherNetworkIsRefused() {
    try (Sgd sgd = sgd(0.9, 0, 1)) {
      assertThatThrownBy(() -> sgd.resume(1, Map.of("other", new float[2]), null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("other");
      assertThatThrownBy(() -> sgd.resume(1, Map.of("old", new float[3]), null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("old");
    }
  }
}
