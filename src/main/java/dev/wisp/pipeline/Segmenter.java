package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.common.WispException;
import dev.wisp.data.transform.Resizing;
import dev.wisp.data.transform.Sizes;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;
import dev.wisp.io.TensorFile;
import dev.wisp.method.CrfRefinement;
import dev.wisp.method.DeepLabNet;
import dev.wisp.method.ScaledImage;
import java.nio.file.Path;
import java.util.List;

/**
 * A trained DeepLabV3 that labels every pixel of images, on a backend that it does not own.
 * Thread-safe: calls from several threads take turns on the backend's compute thread.
 */
public final class Segmenter implements AutoCloseable {
  private static final String SCORES = "classifier.4.weight";

  private final Backend backend;
  private final DeepLabNet network;
  private final SegmentationRecipe recipe;
  private final CrfOptions crf;
  private final List<String> classes;

  private Segmenter(Backend backend, DeepLabNet network, Recipe recipe, List<String> classes) {
    this.backend = backend;
    this.network = network;
    this.recipe = recipe.segmentation();
    this.crf = recipe.crf().options();
    this.classes = classes;
  }

  /**
   * Loads a network; it has as many classes as the weights.
   *
   * @param recipe its section {@code segmentation} says which network it is and how it is used,
   *     {@code crf} what follows it
   * @throws WispException if the weights cannot be read or are no DeepLabV3's
   */
  public static Segmenter open(Backend backend, Path weights, Recipe recipe) {
    int foreground;
    List<String> names;
    try (TensorFile file = Weights.open(weights)) {
      foreground = foreground(file);
      names = Models.classNames(file.metadata());
    }
    DeepLabNet network = new DeepLabNet(backend, Models.segmentation(recipe, foreground));
    try {
      Weights.loadFrozen(network, weights);
    } catch (RuntimeException unusable) {
      network.close();
      throw unusable;
    }
    return new Segmenter(backend, network, recipe, List.copyOf(names));
  }

  /**
   * The number of foreground classes of a weights file.
   *
   * @throws WispException if it holds no DeepLabV3, or one of more classes than a mask has labels
   */
  static int foreground(TensorFile weights) {
    if (!weights.contains(SCORES) || weights.shape(SCORES)[0] < 2) {
      throw FileErrors.of(
          weights.path(),
          "holds no DeepLabV3 (no tensor '%s' of two classes or more)".formatted(SCORES));
    }
    long foreground = weights.shape(SCORES)[0] - 1;
    if (foreground > Mask.VOID - 1) {
      throw FileErrors.of(
          weights.path(),
          "has %d classes; a mask has %d labels".formatted(foreground, Mask.VOID - 1));
    }
    return (int) foreground;
  }

  /** The number of foreground classes. */
  public int foreground() {
    return network.config().foreground();
  }

  /** Names of the foreground classes; empty if the weights name none. */
  public List<String> classes() {
    return classes;
  }

  /**
   * Labels an image. One of more pixels than the recipe allows is labelled at a reduced size, so
   * that memory is bounded, and its label enlarged.
   *
   * @param name of the image, for messages
   */
  public Mask segment(String name, Image image) {
    Image shown = PreparedImage.reduced(name, image, recipe.maxPixels());
    List<ScaledImage> scales = Scales.of(shown, recipe.scales());
    byte[] label;
    if (recipe.crf()) {
      float[] probabilities =
          network.probabilities(scales, recipe.flip(), shown.height(), shown.width());
      label = CrfRefinement.refine(backend, shown, probabilities, foreground() + 1, crf);
    } else {
      label =
          FactorSweep.bytes(network.segment(scales, recipe.flip(), shown.height(), shown.width()));
    }
    return Resizing.to(
        new Mask(shown.width(), shown.height(), label),
        new Sizes.Size(image.height(), image.width()));
  }

  @Override
  public void close() {
    network.close();
  }
}
