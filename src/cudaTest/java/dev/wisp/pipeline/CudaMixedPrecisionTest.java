package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.Precision;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.common.CounterRandom;
import dev.wisp.data.loader.Batch;
import dev.wisp.data.transform.Crop;
import dev.wisp.method.AeSipeConfig;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Losses;
import dev.wisp.nn.Parameter;
import dev.wisp.nn.Sgd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Training in mixed precision, on the software device with cuDNN's and NCCL's stand-ins. */
class CudaMixedPrecisionTest {
  private static final int SIDE = 48;
  private static final int STEPS = 20;

  /** 2^24, the largest: with it gradients of a demo network do not fit float16. */
  private static final Sgd.LossScaling TOO_LARGE = new Sgd.LossScaling(1 << 24, 2000);

  /** Half the distance of float16 from 1 to the next number: what one rounding costs at most. */
  private static final double HALF_ROUNDING = 0x1p-11;

  /**
   * What a convolution's three roundings to float16 cost at most, relative: operands and result.
   */
  private static final double CONVOLUTION = 3 * HALF_ROUNDING;

  /** Convolutions one after the other: the stem, eight blocks of three, the classifier. */
  private static final int FORWARD = 26;

  /** Those of the blocks that learn, and the classifier, on the way back. */
  private static final int BACKWARD = 13;

  private static Backend open(String device) {
    return Backends.open(device, CpuOptions.standard());
  }

  /** Two images of squares in noise. */
  private static Batch batch(int step) {
    List<Crop> crops = new ArrayList<>();
    for (int n = 0; n < 2; n++) {
      CounterRandom random = CounterRandom.of(100L * step + n);
      float[] pixels = new float[SIDE * SIDE * 3];
      for (int i = 0; i < pixels.length; i++) {
        int y = i / 3 / SIDE;
        int x = i / 3 % SIDE;
        boolean square = Math.abs(y - 20 - 4 * n) < 11 && Math.abs(x - 24) < 9 + n;
        pixels[i] = (float) (0.3 * random.nextGaussian() + (square ? i % 3 - 0.5 + n : 0.1));
      }
      crops.add(new Crop(pixels, SIDE, 0, SIDE, 0, SIDE, null));
    }
    return new Batch(step, 0, crops, new int[][] {{1}, {1, 2}}, List.of());
  }

  private static AeSipeNet network(Backend backend) {
    AeSipeNet network = new AeSipeNet(backend, AeSipeConfig.demo(3));
    network.initialize(5);
    return network;
  }

  private static Sgd.Options options(Sgd.@Nullable LossScaling scaling) {
    return new Sgd.Options(0.01, 0.1, 0.9, 1e-4, 1, STEPS, 0.9).withLossScaling(scaling);
  }

  /** A step's losses and gradients, the latter divided by the loss scale. */
  private record Step(Losses losses, Map<String, float[]> gradients) {
    static Step of(Backend backend, Precision precision) {
      Sgd.LossScaling scaling = new Sgd.LossScaling(1024, 2000);
      try (Precisions _ = new Precisions(List.of(backend), precision);
          AeSipeNet network = network(backend);
          NetworkLearner learner = new NetworkLearner(network, options(scaling), Map::of)) {
        assertThat(backend.precision()).isEqualTo(precision);
        Losses losses = learner.gradients(learner.images(batch(0)), new double[0], 1).get();
        Map<String, float[]> gradients = new LinkedHashMap<>();
        for (Parameter parameter : network.parameters()) {
          if (parameter.hasGradient()) {
            float[] values = backend.compute(() -> backend.floats(parameter.gradient()));
            for (int i = 0; i < values.length; i++) {
              values[i] /= scaling.first();
            }
            gradients.put(parameter.name(), values);
          }
        }
        return new Step(losses, gradients);
      }
    }

    /** L2 distance of all gradients together, relative to the other's length. */
    double distance(Step other) {
      double squares = 0;
      double length = 0;
      for (Map.Entry<String, float[]> entry : other.gradients.entrySet()) {
        float[] values = Objects.requireNonNull(gradients.get(entry.getKey()));
        for (int i = 0; i < values.length; i++) {
          double expected = entry.getValue()[i];
          squares += (values[i] - expected) * (values[i] - expected);
          length += expected * expected;
        }
      }
      return Math.sqrt(squares / length);
    }
  }

  /**
   * Errors of one convolution after the other at worst add up, as long as the network does not
   * magnify them.
   */
  @Test
  void aMixedStepIsAFloat32StepButForTheRoundingOfItsConvolutions() {
    try (Backend cuda = open("cuda")) {
      Step exact = Step.of(cuda, Precision.FLOAT32);
      Step mixed = Step.of(cuda, Precision.MIXED);
      Step again = Step.of(cuda, Precision.MIXED);
      assertThat(cuda.precision()).isEqualTo(Precision.FLOAT32);
      assertThat(Step.of(cuda, Precision.FLOAT32).distance(exact)).isZero();
      assertThat(again.distance(mixed)).isZero();
      double forward = FORWARD * CONVOLUTION;
      assertThat(exact.losses.parts()).hasSize(2);
      exact.losses.parts().forEach((name, value) -> close(mixed.losses.part(name), value, forward));
      assertThat(mixed.distance(exact))
          .isBetween(HALF_ROUNDING, (FORWARD + BACKWARD) * CONVOLUTION);
    }
  }

  private static void close(double value, double expected, double relative) {
    assertThat(value).isCloseTo(expected, within(relative * expected));
  }

  /** Weights and velocities. */
  private static Map<String, float[]> state(NetworkLearner learner) {
    Map<String, float[]> state = new LinkedHashMap<>();
    learner
        .state()
        .forEach(
            (name, value) -> {
              if (!name.equals("lossScale")) {
                state.put(name, value.elements());
              }
            });
    return state;
  }

  private static void assertSame(Map<String, float[]> state, Map<String, float[]> expected) {
    assertThat(state.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, values) -> assertThat(state.get(name)).as(name).isEqualTo(values));
  }

  /** Takes steps until one is not left out; each before it halves the scale and nothing else. */
  private static int stepsLeftOut(Learner learner, NetworkLearner replica) {
    Map<String, float[]> before = state(replica);
    double scale = TOO_LARGE.first();
    for (int step = 1; step < STEPS; step++) {
      Map<String, Double> metrics = learner.step(batch(step), step, STEPS).get();
      assertThat(metrics).containsEntry("lossScale", scale);
      assertThat(metrics.get("loss")).isFinite();
      if (metrics.containsKey("gradientNorm")) {
        Map<String, float[]> after = state(replica);
        assertThat(before.keySet()).anyMatch(n -> !Arrays.equals(before.get(n), after.get(n)));
        return step - 1;
      }
      assertSame(state(replica), before);
      scale /= 2;
    }
    throw new AssertionError("every step was left out");
  }

  @Test
  void stepsThatOverflowFloat16AreLeftOutUntilTheScaleIsSmallEnough() {
    try (Backend cuda = open("cuda");
        Precisions _ = new Precisions(List.of(cuda), Precision.MIXED);
        AeSipeNet network = network(cuda);
        NetworkLearner learner = new NetworkLearner(network, options(TOO_LARGE), Map::of)) {
      // The first step's velocities become zeros, which later steps keep.
      assertThat(learner.step(batch(0), 0, STEPS).get()).doesNotContainKey("gradientNorm");
      learner.restore(0, withScale(learner, TOO_LARGE.first()));
      assertThat(stepsLeftOut(learner, learner)).isPositive();
    }
  }

  private static Checkpoint withScale(NetworkLearner learner, float scale) {
    Map<String, Checkpoint.Value> state = learner.state();
    state.put("lossScale", new Checkpoint.Value(new long[] {2}, new float[] {scale, 0}));
    return new Checkpoint(state, Map.of());
  }

  @Test
  void whereOneOfTwoCardsOverflowsBothLeaveTheStepOut() {
    // The second card has no tensor cores: it stays float32, in which nothing overflows.
    try (Backend first = open("cuda:0");
        Backend second = open("cuda:1");
        Precisions _ = new Precisions(List.of(first, second), Precision.MIXED);
        AeSipeNet network = network(first);
        AeSipeNet other = network(second);
        NetworkLearner learner = new NetworkLearner(network, options(TOO_LARGE), Map::of);
        NetworkLearner replica = new NetworkLearner(other, options(TOO_LARGE), Map::of);
        ParallelLearner both = new ParallelLearner(List.of(learner, replica), 2)) {
      assertThat(first.precision()).isEqualTo(Precision.MIXED);
      assertThat(second.precision()).isEqualTo(Precision.FLOAT32);
      assertThat(both.step(batch(0), 0, STEPS).get()).doesNotContainKey("gradientNorm");
      both.restore(0, withScale(learner, TOO_LARGE.first()));
      assertThat(stepsLeftOut(both, replica)).isPositive();
      assertSame(state(replica), state(learner));
    }
  }

  @Test
  void theScaleGrowsAfterItsIntervalAndARestoredLearnerGoesOnToTheSameBits() {
    Sgd.LossScaling scaling = new Sgd.LossScaling(64, 2);
    double[] scales = {64, 64, 128, 128, 256};
    try (Backend cuda = open("cuda");
        Precisions _ = new Precisions(List.of(cuda), Precision.MIXED);
        AeSipeNet network = network(cuda);
        NetworkLearner learner = new NetworkLearner(network, options(scaling), Map::of)) {
      Checkpoint third = new Checkpoint(Map.of(), Map.of());
      for (int step = 0; step < scales.length; step++) {
        if (step == 3) {
          third = new Checkpoint(learner.state(), Map.of());
        }
        assertThat(learner.step(batch(step), step, STEPS).get())
            .containsEntry("lossScale", scales[step])
            .containsKey("gradientNorm");
      }
      try (AeSipeNet fresh = network(cuda);
          NetworkLearner resumed = new NetworkLearner(fresh, options(scaling), Map::of)) {
        resumed.restore(3, third);
        for (int step = 3; step < scales.length; step++) {
          assertThat(resumed.step(batch(step), step, STEPS).get())
              .containsEntry("lossScale", scales[step]);
        }
        assertSame(state(resumed), state(learner));
      }
    }
  }
}
