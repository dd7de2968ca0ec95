package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Sgd;
import java.util.Arrays;
import java.util.List;

/** Times training steps of a recipe on images of one colour: everything but reading files. */
public final class Throughput {
  private static final int CLASSES = 20;
  private static final int[] PRESENT = {1, 2};

  /** Steps before the measurement: kernels are compiled, algorithms chosen, memory is fetched. */
  private static final int WARM = 2;

  private Throughput() {}

  /**
   * Images a second over some steps, the median of the steps.
   *
   * @param seconds of a step
   * @param imagesPerSecond the batch over that
   * @param peakBytes most device memory at once
   */
  public record Result(double seconds, double imagesPerSecond, long peakBytes) {}

  /**
   * Trains a network of random weights for a few steps, optimiser included.
   *
   * @param steps to be timed, at least 1
   */
  public static Result measure(Backend backend, Recipe recipe, int steps) {
    int batch = recipe.training().batch();
    Sgd.Options options =
        new Sgd.Options(1e-3, 1e-2, recipe.training().momentum(), 1e-4, 1, WARM + steps, 0.9)
            .withLossScaling(recipe.training().lossScaling());
    try (Precisions _ = new Precisions(List.of(backend), recipe.training().convolutions());
        AeSipeNet network = new AeSipeNet(backend, Models.method(recipe, CLASSES))) {
      network.initialize(recipe.seed());
      TrainingBatch images =
          MemoryPlan.images(batch, recipe.training().crop(), network.outputStride(), PRESENT);
      Sgd sgd = backend.compute(() -> new Sgd(backend, network.parameters(), options));
      try {
        double[] times = new double[steps];
        for (int step = 0; step < WARM + steps; step++) {
          long began = System.nanoTime();
          network.step(images, sgd.lossScale());
          backend.compute(sgd::step);
          if (step >= WARM) {
            times[step - WARM] = (System.nanoTime() - began) * 1e-9;
          }
        }
        Arrays.sort(times);
        double median = times[steps / 2];
        return new Result(median, batch / median, backend.memoryStatistics().peak());
      } finally {
        backend.run(sgd::close);
      }
    }
  }
}
