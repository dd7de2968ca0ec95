package dev.wisp;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Labeller;
import dev.wisp.pipeline.Labelling;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Recipes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A trained network that turns photographs with image-level labels into segmentations.
 *
 * <pre>{@code
 * try (Wisp wisp = Wisp.builder().setWeights(Path.of("final.safetensors")).build()) {
 *   PseudoLabel label = wisp.label(Path.of("sofa.jpg"), Set.of("cat", "sofa"));
 *   int id = label.id(120, 80);
 * }
 * }</pre>
 *
 * <p>Thread-safe: calls from several threads take turns. It owns an engine (one compute thread, its
 * memory), which {@link #close} frees. It prints nothing, and logs through SLF4J.
 */
public final class Wisp implements AutoCloseable {
  private final Backend backend;
  private final Labeller labeller;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Wisp(Backend backend, Labeller labeller) {
    this.backend = backend;
    this.labeller = labeller;
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Names of the foreground classes; class id k is the k-th, beginning with 1. */
  public List<String> classes() {
    return labeller.classes();
  }

  /** One line about the device, for bug reports. */
  public String device() {
    return backend.describe();
  }

  /**
   * Labels an image file: JPEG or PNG of any colour type.
   *
   * @param present names of the classes in the image; may be empty: all is background then
   * @throws WispException if the file cannot be decoded or a class is unknown
   */
  public PseudoLabel label(Path image, Set<String> present) {
    return label(image.toString(), ImageCodec.decode(image), present);
  }

  /** Like {@link #label(Path, Set)} for an image in memory. */
  public PseudoLabel label(Image image, Set<String> present) {
    return label("image", image, present);
  }

  private PseudoLabel label(String name, Image image, Set<String> present) {
    Labeller.Result result = labeller.label(name, image, present);
    SequencedMap<String, float[]> maps = new LinkedHashMap<>();
    int pixels = result.width() * result.height();
    for (int i = 0; i < result.ids().length; i++) {
      int id = result.ids()[i];
      maps.put(
          id == 0 ? "background" : labeller.classes().get(id - 1),
          Arrays.copyOfRange(result.maps(), i * pixels, (i + 1) * pixels));
    }
    return new PseudoLabel(result.width(), result.height(), result.label(), maps);
  }

  /** Frees the engine. Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      labeller.close();
      backend.close();
    }
  }

  /** Settings of a {@link Wisp}: {@code set} is required, {@code opt} optional. */
  public static final class Builder {
    private @Nullable Path weights;
    private @Nullable String recipe;
    private List<String> classes = List.of();
    private final List<String> values = new ArrayList<>();
    private String device = "auto";
    private int threads;

    private Builder() {}

    /** Weights of a trained network: {@code .safetensors} or PyTorch's {@code .pth}. */
    public Builder setWeights(Path file) {
      this.weights = file;
      return this;
    }

    /** Foreground classes in the order of training, for weights that do not name them. */
    public Builder optClasses(List<String> names) {
      this.classes = List.copyOf(names);
      return this;
    }

    /** Recipe by name or file; by default the one in the weights, else {@code paper}. */
    public Builder optRecipe(String nameOrFile) {
      this.recipe = nameOrFile;
      return this;
    }

    /** One value of the recipe, such as {@code method.backgroundFactor=0.9}. */
    public Builder optValue(String keyAndValue) {
      this.values.add(keyAndValue);
      return this;
    }

    /** {@code auto}, {@code cpu} or {@code cuda}. */
    public Builder optDevice(String name) {
      this.device = name;
      return this;
    }

    /** Compute threads; 0 for one per core. */
    public Builder optThreads(int count) {
      this.threads = count;
      return this;
    }

    /**
     * Opens the engine and loads the weights.
     *
     * @throws WispException if something given does not fit, naming it
     * @throws IllegalStateException if no weights were set
     */
    public Wisp build() {
      Path file = weights;
      if (file == null) {
        throw new IllegalStateException("Wisp.builder(): setWeights is required");
      }
      String named = recipe;
      Recipe chosen =
          named == null
              ? Labelling.recipe(file)
                  .map(stored -> Recipes.with(stored, values))
                  .orElseGet(() -> Recipes.load("paper", values))
              : Recipes.load(named, values);
      Backend backend = Devices.open(device, threads);
      try {
        return new Wisp(backend, Labeller.open(backend, file, chosen, classes));
      } catch (RuntimeException unusable) {
        backend.close();
        throw unusable;
      }
    }
  }
}
