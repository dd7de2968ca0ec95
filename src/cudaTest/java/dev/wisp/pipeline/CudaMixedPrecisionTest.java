package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.Precision;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Sgd;
import dev.wisp.tensor.DType;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Training in mixed precision, on the software device with cuDNN's and NCCL's stand-ins. */
class CudaMixedPrecisionTest {
  private static final int CLASSES = 3;

  /** 2^24, the largest: with it gradients of a demo network do not fit float16. */
  private static final Sgd.LossScaling TOO_LARGE = new Sgd.LossScaling(1 << 24, 2000);

  /** Most bytes that the pool rounds a tensor up by. */
  private static final long ALIGNMENT = 256;

  /**
   * More tensors than a step has at once: each of some 140 parameters, its gradient and velocity,
   * and for each 5 of them a convolution's weights in two types, scale, bias and activations.
   */
  private static final long TENSORS = 1000;

  private static Backend open(String device) {
    return Backends.open(device, CpuOptions.standard());
  }

  @Test
  void aMixedStepIsAFloat32StepButForTheRoundingOfItsConvolutions() {
    try (Backend cuda = open("cuda")) {
      MixedStep exact = MixedStep.of(cuda, Precision.FLOAT32);
      MixedStep mixed = MixedStep.of(cuda, Precision.MIXED);
      MixedStep again = MixedStep.of(cuda, Precision.MIXED);
      assertThat(cuda.precision()).isEqualTo(Precision.FLOAT32);
      assertThat(MixedStep.of(cuda, Precision.FLOAT32).distance(exact)).isZero();
      assertThat(again.distance(mixed)).isZero();
      double forward = MixedStep.FORWARD * MixedStep.CONVOLUTION;
      assertThat(exact.losses().parts()).hasSize(2);
      exact
          .losses()
          .parts()
          .forEach((name, value) -> close(mixed.losses().part(name), value, forward));
      assertThat(mixed.distance(exact)).isBetween(MixedStep.HALF_ROUNDING, MixedStep.GRADIENT);
    }
  }

  @Test
  void activationsAreFloat16InMixedPrecisionAndFloat32Otherwise() {
    try (Backend cuda = open("cuda:0");
        Backend old = open("cuda:1")) {
      assertThat(cuda.activations()).isEqualTo(DType.F32);
      try (Precisions _ = new Precisions(List.of(cuda, old), Precision.MIXED)) {
        assertThat(cuda.activations()).isEqualTo(DType.F16);
        assertThat(old.activations()).isEqualTo(DType.F32);
      }
      assertThat(cuda.activations()).isEqualTo(DType.F32);
    }
  }

  /** Most bytes at once in two steps of a recipe, on a backend of its own. */
  private static long peak(Recipe recipe, Precision precision) {
    try (Backend cuda = open("cuda");
        Precisions _ = new Precisions(List.of(cuda), precision);
        AeSipeNet network = new AeSipeNet(cuda, Models.method(recipe, CLASSES))) {
      network.initialize(1);
      TrainingBatch images =
          MemoryPlan.images(
              recipe.training().batch(),
              recipe.training().crop(),
              network.outputStride(),
              MemoryPlan.present(CLASSES));
      Sgd sgd = cuda.compute(() -> new Sgd(cuda, network.parameters(), options()));
      for (int step = 0; step < 2; step++) {
        network.step(images, sgd.lossScale());
        cuda.run(sgd::step);
      }
      cuda.run(sgd::close);
      return cuda.memoryStatistics().peak();
    }
  }

  private static Sgd.Options options() {
    return MixedStep.options(new Sgd.LossScaling(1024, 2000));
  }

  /** Float16 is convolved where it lies; float32 may be turned first, which no plan counts. */
  @Test
  void aMixedStepTakesLessMemoryByWhatThePlanSays() {
    int batch = 4;
    Recipe recipe = Recipes.load("demo", List.of("training.crop=64", "training.batch=" + batch));
    long exact = MemoryPlan.training(recipe, CLASSES, Precision.FLOAT32).tensors(batch);
    long mixed = MemoryPlan.training(recipe, CLASSES, Precision.MIXED).tensors(batch);
    long saved = exact - mixed;
    long rounding = ALIGNMENT * TENSORS;
    assertThat(saved).isGreaterThan(2 * rounding);
    assertThat(peak(recipe, Precision.MIXED)).isBetween(mixed, mixed + rounding);
    assertThat(peak(recipe, Precision.FLOAT32)).isGreaterThanOrEqualTo(exact);
  }

  @Test
  void twoCardsAgreeWithEachOtherAndWithOne() {
    try (Backend first = open("cuda:0");
        Backend second = open("cuda:0");
        Precisions _ = new Precisions(List.of(first, second), Precision.MIXED);
        AeSipeNet network = MixedStep.network(first);
        AeSipeNet other = MixedStep.network(second);
        AeSipeNet whole = MixedStep.network(first);
        NetworkLearner learner = new NetworkLearner(network, options(), Map::of);
        NetworkLearner replica = new NetworkLearner(other, options(), Map::of);
        NetworkLearner alone = new NetworkLearner(whole, options(), Map::of);
        ParallelLearner both = new ParallelLearner(List.of(learner, replica), 2)) {
      assertThat(second.activations()).isEqualTo(DType.F16);
      for (int step = 0; step < 2; step++) {
        Map<String, Double> one = alone.step(MixedStep.batch(step), step, MixedStep.STEPS).get();
        Map<String, Double> two = both.step(MixedStep.batch(step), step, MixedStep.STEPS).get();
        assertThat(two).containsKey("gradientNorm");
        close(loss(two), loss(one), MixedStep.FORWARD * MixedStep.CONVOLUTION);
        assertSame(state(replica), state(learner));
      }
    }
  }

  private static double loss(Map<String, Double> metrics) {
    return Objects.requireNonNull(metrics.get("loss"));
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
    for (int step = 1; step < MixedStep.STEPS; step++) {
      Map<String, Double> metrics =
          learner.step(MixedStep.batch(step), step, MixedStep.STEPS).get();
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
        AeSipeNet network = MixedStep.network(cuda);
        NetworkLearner learner =
            new NetworkLearner(network, MixedStep.options(TOO_LARGE), Map::of)) {
      // The first step's velocities become zeros, which later steps keep.
      assertThat(learner.step(MixedStep.batch(0), 0, MixedStep.STEPS).get())
          .doesNotContainKey("gradientNorm");
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
        AeSipeNet network = MixedStep.network(first);
        AeSipeNet other = MixedStep.network(second);
        NetworkLearner learner =
            new NetworkLearner(network, MixedStep.options(TOO_LARGE), Map::of);
        NetworkLearner replica = new NetworkLearner(other, MixedStep.options(TOO_LARGE), Map::of);
        ParallelLearner both = new ParallelLearner(List.of(learner, replica), 2)) {
      assertThat(first.precision()).isEqualTo(Precision.MIXED);
      assertThat(second.precision()).isEqualTo(Precision.FLOAT32);
      assertThat(both.step(MixedStep.batch(0), 0, MixedStep.STEPS).get())
          .doesNotContainKey("gradientNorm");
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
        AeSipeNet network = MixedStep.network(cuda);
        NetworkLearner learner = new NetworkLearner(network, MixedStep.options(scaling), Map::of)) {
      Checkpoint third = new Checkpoint(Map.of(), Map.of());
      for (int step = 0; step < scales.length; step++) {
        if (step == 3) {
          third = new Checkpoint(learner.state(), Map.of());
        }
        assertThat(learner.step(MixedStep.batch(step), step, MixedStep.STEPS).get())
            .containsEntry("lossScale", scales[step])
            .containsKey("gradientNorm");
      }
      try (AeSipeNet fresh = MixedStep.network(cuda);
          NetworkLearner resumed = new NetworkLearner(fresh, MixedStep.options(scaling), Map::of)) {
        resumed.restore(3, third);
        for (int step = 3; step < scales.length; step++) {
          assertThat(resumed.step(MixedStep.batch(step), step, MixedStep.STEPS).get())
              .containsEntry("lossScale", scales[step]);
        }
        assertSame(state(resumed), state(learner));
      }
    }
  }
}
