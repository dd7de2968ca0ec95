package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.io.TensorFile;
import dev.wisp.method.AeSipeNet;
import dev.wisp.method.Localization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes localisation maps and pseudo-labels of a dataset: {@code maps/ID.npz} and {@code
 * labels/ID.png} below the output folder. What is done already is passed over, so an interrupted
 * command goes on where it was.
 */
public final class Labelling {
  private static final Logger LOG = LoggerFactory.getLogger(Labelling.class);

  /** Name of the file with the settings of a folder of labels. */
  public static final String SETTINGS = "labelling.yaml";

  /** Name of the folder of localisation maps. */
  public static final String MAPS = "maps";

  /** Name of the folder of pseudo-labels. */
  public static final String LABELS = "labels";

  /** Name of the folder of earlier stages' maps, a folder each, of the images that are shown. */
  public static final String STAGES = "stages";

  private final Backend backend;
  private final AeSipeNet network;
  private final Request request;
  private final Map<String, String> skipped = new TreeMap<>();
  private final @Nullable Witness witness;
  private int labelled;
  private int already;

  /** Sees the maps of each image after every stage of the method. */
  @FunctionalInterface
  interface Witness {
    void see(Sample sample, StageMaps maps);
  }

  private Labelling(
      Backend backend, AeSipeNet network, Request request, @Nullable Witness witness) {
    this.backend = backend;
    this.witness = witness;
    this.network = network;
    this.request = request;
  }

  /**
   * What to do.
   *
   * @param weights of a trained network
   * @param out folder for maps and labels
   * @param recipe the method's switches, the scales and the background factor
   * @param data images with image-level labels
   * @param force whether to label again what other weights or settings have labelled
   */
  public record Request(Path weights, Path out, Recipe recipe, Dataset data, boolean force) {}

  /**
   * What was done.
   *
   * @param labelled images labelled now
   * @param already images that an earlier command had labelled
   * @param skipped images that could not be labelled, with the reason
   */
  public record Result(int labelled, int already, Map<String, String> skipped) {}

  /**
   * Labels all images of the request.
   *
   * @throws WispException for weights that do not fit, or an output folder of other settings
   */
  public static Result run(Backend backend, Request request, Progress progress) {
    return run(backend, request, progress, null);
  }

  static Result run(
      Backend backend, Request request, Progress progress, @Nullable Witness witness) {
    Models.requireClasses(request.weights(), request.data());
    try (AeSipeNet network =
        new AeSipeNet(backend, Models.method(request.recipe(), request.data().classCount()))) {
      Weights.loadFrozen(network, request.weights());
      return new Labelling(backend, network, request, witness).all(progress);
    }
  }

  /** The recipe stored with weights, if any. */
  public static Optional<Recipe> recipe(Path weights) {
    return Models.recipe(weights);
  }

  private Result all(Progress progress) {
    claim();
    List<Sample> samples = request.data().samples();
    progress.begin("label", 0, samples.size());
    try (ExecutorService decoder =
        Executors.newSingleThreadExecutor(
            task -> Thread.ofPlatform().name("wisp-decoder").daemon().unstarted(task))) {
      Future<@Nullable PreparedImage> next = decoder.submit(() -> prepare(samples.getFirst()));
      for (int i = 0; i < samples.size(); i++) {
        Future<@Nullable PreparedImage> current = next;
        if (i + 1 < samples.size()) {
          Sample following = samples.get(i + 1);
          next = decoder.submit(() -> prepare(following));
        }
        label(samples.get(i), current);
        progress.advance(i + 1L, samples.get(i).id());
      }
    } finally {
      progress.end();
    }
    return new Result(labelled, already, skipped);
  }

  /** Refuses a folder that other weights or settings began. */
  private void claim() {
    String settings =
        Models.labellingText(request.recipe())
            + "weights: "
            + Fingerprint.of(request.weights())
            + "\n";
    OutputFolder.claim(
        request.out(), SETTINGS, settings, List.of(MAPS, LABELS, STAGES), request.force());
  }

  private Path maps(Sample sample) {
    return MapFiles.of(request.out().resolve(MAPS), sample);
  }

  private Path labels(Sample sample) {
    return LabelFiles.of(request.out().resolve(LABELS), sample);
  }

  /** On the decoder's thread: null if the image is done already. */
  private @Nullable PreparedImage prepare(Sample sample) {
    int[] classes = sample.classes();
    if (isDone(sample, classes)) {
      return null;
    }
    return PreparedImage.of(
        sample.id(), request.data().image(sample), request.recipe().labelling());
  }

  private boolean isDone(Sample sample, int[] classes) {
    Path maps = maps(sample);
    Path labels = labels(sample);
    try {
      if (!Files.exists(maps)
          || !Files.exists(labels)
          || Files.getLastModifiedTime(labels).compareTo(Files.getLastModifiedTime(sample.image()))
              < 0) {
        return false;
      }
    } catch (IOException unreadable) {
      return false;
    }
    try (TensorFile file = MapFiles.open(maps)) {
      int[] wanted = new int[classes.length + 1];
      System.arraycopy(classes, 0, wanted, 1, classes.length);
      return Arrays.equals(MapFiles.ids(file), wanted);
    } catch (WispException | NumberFormatException damaged) {
      return false;
    }
  }

  private void label(Sample sample, Future<@Nullable PreparedImage> future) {
    try {
      PreparedImage prepared = future.get();
      if (prepared == null) {
        already++;
      } else {
        write(sample, prepared, localize(sample, prepared));
        labelled++;
      }
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof WispException unusable)) {
        throw new IllegalStateException("image " + sample.id(), e.getCause());
      }
      LOG.warn("skipped: {}", unusable.getMessage());
      skipped.put(sample.id(), String.valueOf(unusable.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while labelling", e);
    }
  }

  private Localization localize(Sample sample, PreparedImage prepared) {
    if (witness == null) {
      return network.localize(prepared.scales(), sample.classes());
    }
    StageMaps maps = StageMaps.of(network, prepared.scales(), sample.classes());
    witness.see(sample, maps);
    return maps.last();
  }

  private void write(Sample sample, PreparedImage prepared, Localization maps) {
    MapEnlarger enlarger = new MapEnlarger(backend, maps, prepared.height(), prepared.width());
    byte[] label = enlarger.labels((float) request.recipe().method().backgroundFactor());
    MapFiles.write(
        maps(sample), maps.classes(), prepared.height(), prepared.width(), enlarger::map);
    ImageCodec.writeMask(labels(sample), new Mask(prepared.width(), prepared.height(), label));
  }
}
