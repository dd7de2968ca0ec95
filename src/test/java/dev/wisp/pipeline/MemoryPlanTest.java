package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.HalfReference;
import dev.wisp.backend.Precision;
import dev.wisp.backend.plan.PlanningBackend;
import dev.wisp.backend.plan.Titan;
import dev.wisp.backend.plan.Work;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Sgd;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryPlanTest {
  private static final int CLASSES = 5;
  private static final Recipe RECIPE =
      Recipes.load("demo", List.of("training.crop=32", "method.pamr.iterations=1"));

  /** What a step adds to the network's own memory, measured while it runs. */
  private static long stepPeak(Backend backend, int batch) {
    try (AeSipeNet network = new AeSipeNet(backend, Models.method(RECIPE, CLASSES))) {
      network.initialize(1);
      TrainingBatch images =
          MemoryPlan.images(
              batch, RECIPE.training().crop(), network.outputStride(), new int[] {1, 2, 3, 4});
      long before = backend.memoryStatistics().used();
      Sgd sgd = new Sgd(backend, network.parameters(), new Sgd.Options(1, 1, 0.9, 0, 1, 2, 1));
      for (int step = 0; step < 2; step++) {
        network.step(images);
        sgd.step();
      }
      sgd.close();
      return backend.memoryStatistics().peak() - before;
    }
  }

  @Test
  void aDryRunCountsWhatARealRunAllocates() {
    assertThat(stepPeak(PlanningBackend.open(), 2)).isEqualTo(stepPeak(new ReferenceBackend(), 2));
  }

  @Test
  void aDryRunInMixedPrecisionCountsWhatARealRunAllocates() {
    Backend mixed = new HalfReference().backend();
    mixed.setPrecision(Precision.MIXED);
    long counted = stepPeak(PlanningBackend.open(Precision.MIXED), 2);
    assertThat(counted)
        .isEqualTo(stepPeak(mixed, 2))
        .isLessThan(stepPeak(PlanningBackend.open(), 2));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void thePlanForABatchIsWhatADryRunOfThatBatchCounts(int batch) {
    MemoryPlan plan = MemoryPlan.training(RECIPE, CLASSES);
    assertThat(plan.tensors(batch))
        .isEqualTo(plan.weights() + stepPeak(PlanningBackend.open(), batch));
  }

  @Test
  void theCountOfAConvolutionIsItsFormula() {
    List<Work> counted = new ArrayList<>();
    Backend backend = PlanningBackend.open(Precision.FLOAT32, counted::add);
    ConvSpec spec = new ConvSpec(64, 32, 3, 2, 1, 1);
    try (Scope scope = backend.scope();
        ConvWeights weights = backend.convWeights(spec)) {
      Tensor x = scope.f32(2, 10, 12, 64);
      Tensor y = scope.f32(2, 5, 6, 32);
      backend.convForward(weights, x, null, null, true, y);
      backend.convBackwardData(weights, y, x);
      backend.convBackwardWeights(spec, x, y, scope.f32(32, 64, 3, 3), null);
    }
    double each = 2.0 * 2 * 5 * 6 * 32 * 64 * 9;
    assertThat(counted).extracting(Work::operations).containsExactly(each, each, each);
    long x = 2 * 10 * 12 * 64 * 4L;
    long y = 2 * 5 * 6 * 32 * 4L;
    long w = 32 * 64 * 9 * 4L;
    assertThat(counted).extracting(Work::bytes).containsOnly(x + y + w);
  }

  private static StepBound bound(int batch, Precision precision) {
    return StepBound.of(
        Recipes.with(RECIPE, List.of("training.batch=" + batch)), CLASSES, precision);
  }

  @Test
  void aStepsBoundGrowsWithTheBatchAndMixedPrecisionShortensIt() {
    StepBound one = bound(1, Precision.FLOAT32);
    StepBound four = bound(4, Precision.FLOAT32);
    StepBound mixed = bound(4, Precision.MIXED);
    assertThat(four.arithmetic()).isCloseTo(4 * one.arithmetic(), withinPercentage(0.01));
    assertThat(mixed.arithmetic()).isEqualTo(four.arithmetic());
    assertThat(four.bytes()).isBetween(one.bytes(), 4 * one.bytes());
    assertThat(mixed.bytes()).isBetween(four.bytes() / 2, four.bytes());
    assertThat(mixed.seconds(Titan.RTX)).isLessThan(four.seconds(Titan.RTX));
    assertThat(mixed.seconds(Titan.X)).isInfinite();
    assertThat(four.seconds(Titan.RTX)).isLessThan(four.seconds(Titan.X));
  }

  @Test
  void inMixedPrecisionTheEncodersActivationsAreHalvesAndItsWeightsHaveARoundedCopy() {
    Recipe recipe = Recipes.load("paper", List.of("training.precision=mixed"));
    MemoryPlan mixed = MemoryPlan.training(recipe, 20);
    MemoryPlan plain = MemoryPlan.training(recipe, 20, Precision.FLOAT32);
    assertThat(mixed.optimizer()).isEqualTo(plain.optimizer());
    assertThat(mixed.weights()).isBetween(plain.weights(), 5 * plain.weights() / 4);
    assertThat(mixed.perImage()).isBetween(plain.perImage() / 2, 3 * plain.perImage() / 4);
    assertThat(mixed.largestBatch(12L << 30)).isGreaterThan(plain.largestBatch(12L << 30));
  }

  @Test
  void theLargestBatchFitsAndOneMoreDoesNot() {
    MemoryPlan plan = MemoryPlan.training(Recipes.load("paper", List.of()), 20);
    for (long card : new long[] {12L << 30, 24L << 30}) {
      int largest = plan.largestBatch(card);
      assertThat(largest).isPositive();
      assertThat(plan.onCard(largest)).isLessThanOrEqualTo(card);
      assertThat(plan.onCard(largest + 1)).isGreaterThan(card);
    }
    assertThat(plan.largestBatch(1 << 20)).isZero();
  }

  @Test
  void momentumAndPlainWeightsAreCounted() {
    MemoryPlan with = MemoryPlan.training(RECIPE, CLASSES);
    MemoryPlan without =
        MemoryPlan.training(Recipes.with(RECIPE, List.of("training.momentum=0")), CLASSES);
    assertThat(without.weights()).isEqualTo(with.weights());
    assertThat(2 * without.optimizer()).isBetween(with.optimizer(), with.optimizer() + 64);
  }

  @Test
  void labellingALargerImageNeedsMoreUntilItIsReduced() {
    long small = MemoryPlan.labelling(RECIPE, CLASSES, 64, 48);
    long large = MemoryPlan.labelling(RECIPE, CLASSES, 640, 480);
    assertThat(large).isGreaterThan(small);
    assertThat(MemoryPlan.labelling(RECIPE, CLASSES, 6000, 4000))
        .isBetween(
            MemoryPlan.labelling(RECIPE, CLASSES, 1499, 999),
            MemoryPlan.labelling(RECIPE, CLASSES, 1501, 1001));
  }

  @Test
  void segmentationIsCountedAsWell() {
    MemoryPlan plan = MemoryPlan.segmentation(RECIPE, CLASSES);
    MemoryPlan finer =
        MemoryPlan.segmentation(Recipes.with(RECIPE, List.of("segmentation.crop=257")), CLASSES);
    assertThat(finer.weights()).isEqualTo(plan.weights());
    assertThat(finer.perImage()).isGreaterThan(2 * plan.perImage());
    long one = MemoryPlan.segmenting(RECIPE, CLASSES, 640, 480);
    assertThat(
            MemoryPlan.segmenting(
                Recipes.with(RECIPE, List.of("segmentation.flip=true")), CLASSES, 640, 480))
        .isGreaterThan(one);
    assertThat(MemoryPlan.segmenting(RECIPE, CLASSES, 64, 48)).isLessThan(one);
  }

  @Test
  void everyOperationOfTheInterfaceGoesThrough() throws ReflectiveOperationException {
    Backend plan = PlanningBackend.open();
    for (Method method : Backend.class.getMethods()) {
      if (method.getReturnType() == void.class && !method.isDefault()) {
        @Nullable Object[] nothing = new Object[method.getParameterCount()];
        Class<?>[] types = method.getParameterTypes();
        for (int i = 0; i < nothing.length; i++) {
          nothing[i] = zero(types[i]);
        }
        method.invoke(plan, nothing);
      }
    }
    assertThat(plan.memoryStatistics().peak()).isZero();
  }

  private static @Nullable Object zero(Class<?> type) {
    return Array.get(Array.newInstance(type, 1), 0);
  }
}
