package dev.wisp.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.plan.PlanningBackend;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Sgd;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
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

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void thePlanForABatchIsWhatADryRunOfThatBatchCounts(int batch) {
    MemoryPlan plan = MemoryPlan.training(RECIPE, CLASSES);
    assertThat(plan.tensors(batch))
        .isEqualTo(plan.weights() + stepPeak(PlanningBackend.open(), batch));
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
