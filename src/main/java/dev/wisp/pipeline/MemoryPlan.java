package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Precision;
import dev.wisp.backend.plan.PlanningBackend;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.DeepLabNet;
import dev.wisp.method.ScaledImage;
import dev.wisp.method.TrainableNetwork;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Sgd;
import dev.wisp.nn.Sgd.LossScaling;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Device memory of a recipe's training, counted by a dry run of two steps on a {@link
 * PlanningBackend}: tensors at their exact sizes, in float32, but for the encoder's activations of
 * a training in mixed precision on a card that computes it.
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
   * Counts a recipe's training of AE-SIPE.
   *
   * @param classes foreground classes of the dataset, at least 1
   */
  public static MemoryPlan training(Recipe recipe, int classes) {
    return training(recipe, classes, recipe.training().convolutions());
  }

  /** Like {@link #training(Recipe, int)} on a card of this precision, whatever the recipe's. */
  static MemoryPlan training(Recipe recipe, int classes, Precision precision) {
    Recipe.Training values = recipe.training();
    return of(
        precision,
        backend -> new AeSipeNet(backend, Models.method(recipe, classes)),
        (network, batch) -> images(batch, values.crop(), network.outputStride(), present(classes)),
        values.momentum(),
        values.lossScaling());
  }

  /**
   * Counts a recipe's training of DeepLabV3.
   *
   * @param classes foreground classes of the dataset, at least 1
   */
  public static MemoryPlan segmentation(Recipe recipe, int classes) {
    SegmentationRecipe values = recipe.segmentation();
    int crop = values.crop();
    return of(
        Precision.FLOAT32,
        backend -> new DeepLabNet(backend, Models.segmentation(recipe, classes)),
        (network, batch) ->
            TrainingBatch.ofMasks(
                new float[Math.multiplyExact(batch, crop * crop * 3)],
                batch,
                crop,
                crop,
                new byte[Math.multiplyExact(batch, crop * crop)],
                0,
                0),
        values.momentum(),
        null);
  }

  private record Counted(long weights, long optimizer, long peak) {}

  /** From steps of two and of three images: live norms need two. */
  private static MemoryPlan of(
      Precision precision,
      Function<Backend, TrainableNetwork> make,
      BiFunction<TrainableNetwork, Integer, TrainingBatch> images,
      double momentum,
      @Nullable LossScaling lossScaling) {
    Counted two = count(precision, make, images, momentum, lossScaling, 2);
    Counted three = count(precision, make, images, momentum, lossScaling, 3);
    long perImage = three.peak() - two.peak();
    return new MemoryPlan(
        two.weights(),
        two.optimizer(),
        two.peak() - two.weights() - two.optimizer() - 2 * perImage,
        perImage);
  }

  private static Counted count(
      Precision precision,
      Function<Backend, TrainableNetwork> make,
      BiFunction<TrainableNetwork, Integer, TrainingBatch> images,
      double momentum,
      @Nullable LossScaling lossScaling,
      int batch) {
    Backend backend = PlanningBackend.open(precision);
    Sgd.Options options = new Sgd.Options(1, 1, momentum, 0, 1, 2, 1).withLossScaling(lossScaling);
    try (TrainableNetwork network = make.apply(backend)) {
      long weights = backend.memoryStatistics().used();
      TrainingBatch given = images.apply(network, batch);
      try (Sgd sgd = new Sgd(backend, network.parameters(), options)) {
        // Momentum exists from the end of the first step on.
        for (int step = 0; step < 2; step++) {
          network.step(given, sgd.lossScale());
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
    Recipe.Labelling values = recipe.labelling();
    Backend backend = PlanningBackend.open();
    try (AeSipeNet network = new AeSipeNet(backend, Models.method(recipe, classes))) {
      network.freeze();
      network.localize(
          scales(values.scales(), values.maxPixels(), width, height), present(classes));
      return backend.memoryStatistics().peak();
    }
  }

  /** Bytes that segmenting an image of this size needs; see {@link #labelling}. */
  public static long segmenting(Recipe recipe, int classes, int width, int height) {
    SegmentationRecipe values = recipe.segmentation();
    Backend backend = PlanningBackend.open();
    try (DeepLabNet network = new DeepLabNet(backend, Models.segmentation(recipe, classes))) {
      network.freeze();
      ScaledImage shown = scales(List.of(1.0), values.maxPixels(), width, height).getFirst();
      List<ScaledImage> scales = scales(values.scales(), values.maxPixels(), width, height);
      if (values.crf()) {
        network.probabilities(scales, values.flip(), shown.height(), shown.width());
      } else {
        network.segment(scales, values.flip(), shown.height(), shown.width());
      }
      return backend.memoryStatistics().peak();
    }
  }

  /** A black image at each scale of its size, or of the one it is reduced to. */
  private static List<ScaledImage> scales(
      List<Double> factors, long maxPixels, int width, int height) {
    double reduced = Math.min(1, Math.sqrt((double) maxPixels / ((long) width * height)));
    return factors.stream()
        .map(
            factor ->
                new ScaledImage(
                    (int) Math.max(1, Math.round(height * factor * reduced)),
                    (int) Math.max(1, Math.round(width * factor * reduced)),
                    (y, row) -> Arrays.fill(row, 0)))
        .toList();
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
