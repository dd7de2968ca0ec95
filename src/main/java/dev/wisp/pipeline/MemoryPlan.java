package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.plan.PlanningBackend;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.ScaledImage;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Sgd;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Device memory of a recipe's training, counted by a dry run of two steps on a {@link
 * PlanningBackend}: tensors at their exact sizes, in float32.
 *
 * @param weights bytes of parameters, statistics and packed weights
 * @param optimizer bytes of gradients and momentum
 * @param fixed bytes of activations whatever the batch
 * @param perImage bytes of activations an image at the step's peak
 */
public record MemoryPlan(long weights, long optimizer, long fixed, long perImage) {
  /** What convolutions may use besides: the cuda backend's default limit. */
  public static final long WORKSPACE = 512L << 20;

  /** What a driver's context and a screen are taken to hold of a card. */
  public static final long DRIVER = 512L << 20;

  /** Classes that every image is taken to hold: more than most photographs do. */
  public static final int PRESENT = 4;

  /**
   * Counts a recipe's training.
   *
   * @param classes foreground classes of the dataset, at least 1
   */
  public static MemoryPlan training(Recipe recipe, int classes) {
    Counted one = count(recipe, classes, 1);
    Counted two = count(recipe, classes, 2);
    long perImage = two.peak() - one.peak();
    return new MemoryPlan(
        one.weights(),
        one.optimizer(),
        one.peak() - one.weights() - one.optimizer() - perImage,
        perImage);
  }

  private record Counted(long weights, long optimizer, long peak) {}

  private static Counted count(Recipe recipe, int classes, int batch) {
    Backend backend = PlanningBackend.open();
    Sgd.Options options =
        new Sgd.Options(1, 1, recipe.training().momentum(), 0, 1, 2, 1)
            .withLossScaling(recipe.training().lossScaling());
    try (AeSipeNet network = new AeSipeNet(backend, Models.method(recipe, classes))) {
      long weights = backend.memoryStatistics().used();
      TrainingBatch images =
          images(batch, recipe.training().crop(), network.outputStride(), present(classes));
      try (Sgd sgd = new Sgd(backend, network.parameters(), options)) {
        // Momentum exists from the end of the first step on.
        for (int step = 0; step < 2; step++) {
          network.step(images, sgd.lossScale());
          sgd.step();
        }
        return new Counted(
            weights,
            backend.memoryStatistics().used() - weights,
            backend.memoryStatistics().peak());
      }
    }
  }

  /** A batch of black images, each with the same labels. */
  static TrainingBatch images(int batch, int crop, int stride, int[] labels) {
    int grid = crop / stride;
    return new TrainingBatch(
        new float[Math.multiplyExact(batch, crop * crop * 3)],
        batch,
        crop,
        crop,
        Collections.nCopies(batch, labels).toArray(int[][]::new),
        new float[batch * grid * grid]);
  }

  /** Labels of each image of a dry run. */
  static int[] present(int classes) {
    return IntStream.rangeClosed(1, Math.min(PRESENT, classes)).toArray();
  }

  /**
   * Bytes that labelling needs for an image of this size, weights included.
   *
   * @param classes foreground classes of the network, at least 1
   */
  public static long labelling(Recipe recipe, int classes, int width, int height) {
    Backend backend = PlanningBackend.open();
    double reduced =
        Math.min(1, Math.sqrt((double) recipe.labelling().maxPixels() / ((long) width * height)));
    List<ScaledImage> scales =
        recipe.labelling().scales().stream()
            .map(
                factor ->
                    new ScaledImage(
                        (int) Math.max(1, Math.round(height * factor * reduced)),
                        (int) Math.max(1, Math.round(width * factor * reduced)),
                        (y, row) -> Arrays.fill(row, 0)))
            .toList();
    try (AeSipeNet network = new AeSipeNet(backend, Models.method(recipe, classes))) {
      network.freeze();
      network.localize(scales, present(classes));
      return backend.memoryStatistics().peak();
    }
  }

  /** Bytes of a step's tensors at its peak. */
  public long tensors(int batch) {
    return weights + optimizer + fixed + batch * perImage;
  }

  /** Bytes of a card that training takes: tensors, workspace and driver. */
  public long onCard(int batch) {
    return tensors(batch) + WORKSPACE + DRIVER;
  }

  /** The largest batch that a card of so many bytes can bear; 0 if none. */
  public int largestBatch(long card) {
    return (int) Math.max(0, (card - onCard(0)) / perImage);
  }
}
