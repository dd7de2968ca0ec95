package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.backend.Backend;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.WispException;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.Sgd;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NetworkLearnerTest {
  private static final int CROP = 48;
  private static final Sgd.Options PLAIN = new Sgd.Options(0.01, 0.1, 0.9, 1e-4, 1, 30, 0.9);
  private static final Sgd.Options SCALED = PLAIN.withLossScaling(Sgd.LossScaling.standard());

  private Backend backend;
  private AeSipeNet network;

  @BeforeEach
  void open() {
    backend = CpuBackend.open(CpuOptions.standard().withThreads(1));
    network = new AeSipeNet(backend, AeSipeConfig.demo(2));
    network.initialize(3);
  }

  @AfterEach
  void close() {
    network.close();
    backend.close();
  }

  private NetworkLearner learner(Sgd.Options options) {
    return new NetworkLearner(network, options, Map::of);
  }

  private void gradients(boolean overflown) {
    TrainingBatch batch = MemoryPlan.images(1, CROP, network.outputStride(), new int[] {1});
    network.step(batch);
    if (overflown) {
      Parameter any =
          network.parameters().stream().filter(Parameter::hasGradient).findFirst().orElseThrow();
      backend.run(
          () -> backend.upload(new float[] {Float.POSITIVE_INFINITY}, 1, any.gradient(), 0));
    }
  }

  @Test
  void aStepThatAnOverflowLeavesOutHasNoNormAndTheNextHalfTheScale() {
    try (NetworkLearner learner = learner(SCALED)) {
      gradients(true);
      Checkpoint before = new Checkpoint(learner.weights(), Map.of());
      assertThat(learner.update().get())
          .containsEntry("lossScale", 65536.0)
          .doesNotContainKey("gradientNorm");
      learner
          .weights()
          .forEach(
              (name, value) ->
                  assertThat(value.elements()).as(name).isEqualTo(before.value(name).elements()));
      gradients(false);
      assertThat(learner.update().get())
          .containsEntry("lossScale", 32768.0)
          .containsKey("gradientNorm");
    }
  }

  @Test
  void theLossScaleIsPartOfTheState() {
    Checkpoint state;
    try (NetworkLearner learner = learner(SCALED)) {
      gradients(true);
      assertThat(learner.update().get()).containsKey("lossScale");
      state = new Checkpoint(learner.state(), Map.of());
      assertThat(state.value("lossScale").elements()).containsExactly(32768, 0);
    }
    try (NetworkLearner learner = learner(SCALED)) {
      learner.restore(1, state);
      gradients(false);
      assertThat(learner.update().get()).containsEntry("lossScale", 32768.0);
    }
    try (NetworkLearner learner = learner(PLAIN)) {
      assertThat(learner.state()).doesNotContainKey("lossScale");
      assertThatThrownBy(() -> learner.restore(1, state))
          .isInstanceOf(WispException.class)
          .hasMessageContaining("lossScale");
    }
  }
}
