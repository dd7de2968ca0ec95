package dev.wisp.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.tensor.Scope;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

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
      sgd.resume(2, state);
      for (int t = 2; t < 4; t++) {
        gradient(fresh, 0.3f * t, -0.7f);
        sgd.step();
      }
      assertThat(sgd.steps()).isEqualTo(4);
    }
    assertThat(backend.floats(fresh.value())).isEqualTo(whole);
  }

  @Test
  void aStateOfAnotherNetworkIsRefused() {
    try (Sgd sgd = sgd(0.9, 0, 1)) {
      assertThatThrownBy(() -> sgd.resume(1, Map.of("other", new float[2])))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("other");
      assertThatThrownBy(() -> sgd.resume(1, Map.of("old", new float[3])))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("old");
    }
  }
}
