package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.io.Image;
import dev.wisp.io.TensorFile;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Localization;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * A trained network that labels single images, on a backend that it does not own. Thread-safe:
 * calls from several threads take turns on the backend's compute thread.
 */
public final class Labeller implements AutoCloseable {
  private final Backend backend;
  private final AeSipeNet network;
  private final Recipe recipe;
  private final List<String> classes;

  private Labeller(Backend backend, AeSipeNet network, Recipe recipe, List<String> classes) {
    this.backend = backend;
    this.network = network;
    this.recipe = recipe;
    this.classes = classes;
  }

  /**
   * A label and the maps behind it.
   *
   * @param width of the image
   * @param height of the image
   * @param ids class ids of the maps: 0 (background), then the present ones, ascending
   * @param label {@code [height, width]} class ids
   * @param maps {@code [ids.length, height, width]} in 0..1
   */
  public record Result(int width, int height, int[] ids, byte[] label, float[] maps) {}

  /**
   * Loads a network.
   *
   * @param classes names of the foreground classes in the order of training; empty for those that
   *     the weights name
   * @throws WispException if the weights cannot be read, do not fit, or name no classes
   */
  public static Labeller open(Backend backend, Path weights, Recipe recipe, List<String> classes) {
    List<String> named;
    try (TensorFile file = Weights.open(weights)) {
      named = Models.classNames(file.metadata());
    }
    if (named.isEmpty() && classes.isEmpty()) {
      throw new WispException(weights + ": names no classes; give them in the order of training");
    }
    if (!named.isEmpty() && !classes.isEmpty() && !named.equals(classes)) {
      throw new WispException(
          "%s: was trained for the classes %s, not %s"
              .formatted(weights, String.join(", ", named), String.join(", ", classes)));
    }
    List<String> names = List.copyOf(named.isEmpty() ? classes : named);
    AeSipeNet network = new AeSipeNet(backend, Models.method(recipe, names.size()));
    try {
      Weights.loadFrozen(network, weights);
    } catch (RuntimeException unusable) {
      network.close();
      throw unusable;
    }
    return new Labeller(backend, network, recipe, names);
  }

  /** Names of the foreground classes; class id k is the k-th, beginning with 1. */
  public List<String> classes() {
    return classes;
  }

  /**
   * Labels an image.
   *
   * @param name of the image, for messages
   * @param present names of the classes in it
   * @throws WispException for a class the network does not know
   */
  public Result label(String name, Image image, Collection<String> present) {
    TreeSet<Integer> ids = new TreeSet<>();
    for (String wanted : present) {
      int index = classes.indexOf(wanted);
      if (index < 0) {
        throw new WispException(
            "%s: unknown class '%s'; the network knows %s"
                .formatted(name, wanted, String.join(", ", classes)));
      }
      ids.add(index + 1);
    }
    int[] foreground = ids.stream().mapToInt(Integer::intValue).toArray();
    PreparedImage prepared = PreparedImage.of(name, image, recipe.labelling());
    Localization found = network.localize(prepared.scales(), foreground);
    MapEnlarger enlarger = new MapEnlarger(backend, found, prepared.height(), prepared.width());
    Localization full =
        new Localization(found.classes(), prepared.height(), prepared.width(), enlarger.all());
    int[] label = full.labels((float) recipe.method().backgroundFactor());
    return new Result(
        full.width(), full.height(), full.classes(), FactorSweep.bytes(label), full.maps());
  }

  @Override
  public void close() {
    network.close();
  }
}
