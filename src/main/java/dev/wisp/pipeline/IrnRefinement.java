package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.data.transform.Resizing;
import dev.wisp.data.transform.Sizes;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.method.BoundaryWalk;
import dev.wisp.method.IrnNet;
import dev.wisp.method.Localization;
import dev.wisp.method.ScaledImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pseudo-labels of a dataset from its maps and IRN's boundaries (method.md section 10): {@code
 * labels/ID.png} below the output folder. What is done already is passed over.
 */
public final class IrnRefinement {
  private static final Logger LOG = LoggerFactory.getLogger(IrnRefinement.class);
  private static final String SETTINGS = "refining.yaml";
  private static final String LABELS = "labels";

  private final Backend backend;
  private final IrnNet network;
  private final Request request;
  private int already;

  private IrnRefinement(Backend backend, IrnNet network, Request request) {
    this.backend = backend;
    this.network = network;
    this.request = request;
  }

  /**
   * What to do.
   *
   * @param recipe its section {@code irn} counts, and how large an image may be
   * @param weights of a trained IRN, the release's too
   * @param data the images
   * @param maps folder of {@code ID.npz}, as {@code wisp label} writes it
   * @param out folder that gets {@code labels/}
   * @param force whether to label again what other weights or settings have labelled
   */
  public record Request(
      Recipe recipe, Path weights, Dataset data, Path maps, Path out, boolean force) {}

  /**
   * What was done.
   *
   * @param refined images labelled now
   * @param already images that an earlier command had labelled
   * @param skipped images that could not be labelled, with the reason
   */
  public record Result(int refined, int already, Map<String, String> skipped) {}

  /**
   * Labels all images of the request.
   *
   * @throws WispException if the folder of maps is missing, for weights that do not fit, or an
   *     output folder of other settings
   */
  public static Result run(Backend backend, Request request, Progress progress) {
    MapFiles.requireFolder(request.maps());
    Models.requireClasses(request.weights(), request.data());
    try (IrnNet network =
        new IrnNet(backend, Models.irn(request.recipe(), request.data().classCount()))) {
      Weights.loadFrozen(network, request.weights());
      OutputFolder.claim(
          request.out(),
          SETTINGS,
          Models.refiningText(request.recipe())
              + "weights: "
              + Fingerprint.of(request.weights())
              + "\n",
          List.of(LABELS),
          request.force());
      return new IrnRefinement(backend, network, request).all(progress);
    }
  }

  private Result all(Progress progress) {
    Map<String, String> skipped =
        EachSample.run("irn refine", request.data(), progress, LOG, this::refine);
    int refined = request.data().samples().size() - already - skipped.size();
    return new Result(refined, already, skipped);
  }

  private Path labels(Sample sample) {
    return LabelFiles.of(request.out().resolve(LABELS), sample);
  }

  private void refine(Sample sample) {
    if (isDone(sample)) {
      already++;
      return;
    }
    Image image = request.data().image(sample);
    Localization maps = MapFiles.read(request.maps(), sample, image.height(), image.width());
    Image shown =
        PreparedImage.reduced(sample.id(), image, request.recipe().labelling().maxPixels());
    ScaledImage scaled = Scales.of(shown, List.of(1.0)).getFirst();
    IrnNet.Field boundary = network.boundary(scaled, request.recipe().irn().crop());
    BoundaryWalk walk =
        new BoundaryWalk(backend, boundary, request.recipe().irn().walk().options());
    int pixels = image.height() * image.width();
    for (int k = 0; k < maps.classes().length; k++) {
      float[] map = Arrays.copyOfRange(maps.maps(), k * pixels, (k + 1) * pixels);
      walk.add(map, image.height(), image.width());
    }
    byte[] label =
        walk.labels(
            maps.classes(), shown.height(), shown.width(), network.config().boundaryStride());
    ImageCodec.writeMask(
        labels(sample),
        Resizing.to(
            new Mask(shown.width(), shown.height(), label),
            new Sizes.Size(image.height(), image.width())));
  }

  /** Whether a label is there that is no older than the image and its maps. */
  private boolean isDone(Sample sample) {
    Path label = labels(sample);
    Path maps = MapFiles.of(request.maps(), sample);
    try {
      return Files.exists(label)
          && Files.exists(maps)
          && !isOlder(label, sample.image())
          && !isOlder(label, maps);
    } catch (IOException e) {
      throw FileErrors.reading(label, e);
    }
  }

  private static boolean isOlder(Path file, Path than) throws IOException {
    return Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(than)) < 0;
  }
}
