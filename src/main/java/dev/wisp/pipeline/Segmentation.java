package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.io.TarGz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Segments images with a trained DeepLabV3: {@code labels/ID.png} and {@code overlays/ID.png} below
 * the output folder.
 */
public final class Segmentation {
  private static final Logger LOG = LoggerFactory.getLogger(Segmentation.class);

  /** Where VOC's server looks for segmentations that were trained on any data. */
  private static final String SUBMISSION = "results/VOC2012/Segmentation/comp6_test_cls/";

  private Segmentation() {}

  /** An image: its name, and how to decode it. */
  private record Picture(String id, Source source) {}

  @FunctionalInterface
  private interface Source {
    Image read();
  }

  /**
   * What to do.
   *
   * @param weights of a trained DeepLabV3
   * @param out folder for labels and overlays
   * @param recipe its section {@code segmentation} counts
   * @param data images of a dataset, or null
   * @param photos image files, turned as their Exif data ask
   * @param submission archive to make for VOC's server, or null
   */
  public record Request(
      Path weights,
      Path out,
      Recipe recipe,
      @Nullable Dataset data,
      List<Path> photos,
      @Nullable Path submission) {}

  /**
   * What was done.
   *
   * @param segmented number of images
   * @param skipped images that could not be segmented, with the reason
   */
  public record Result(int segmented, Map<String, String> skipped) {}

  /**
   * Segments all images of the request.
   *
   * @throws WispException for weights that do not fit, no image, or two images of one name; for a
   *     submission also if an image was skipped
   */
  public static Result run(Backend backend, Request request, Progress progress) {
    List<Picture> pictures = pictures(request);
    AtomicFiles.makeFolder(request.out());
    if (request.data() != null) {
      Models.requireClasses(request.weights(), request.data());
    }
    TreeMap<String, String> skipped = new TreeMap<>();
    progress.begin("segment", 0, pictures.size());
    try (Segmenter segmenter = Segmenter.open(backend, request.weights(), request.recipe())) {
      int done = 0;
      for (Picture picture : pictures) {
        try {
          segment(segmenter, request.out(), picture);
        } catch (WispException unusable) {
          LOG.warn("skipped: {}", unusable.getMessage());
          skipped.put(picture.id, String.valueOf(unusable.getMessage()));
        }
        progress.advance(++done, picture.id);
      }
    } finally {
      progress.end();
    }
    if (request.submission() != null) {
      submit(request.submission(), request.out(), pictures, skipped);
    }
    return new Result(pictures.size() - skipped.size(), skipped);
  }

  /** The recipe stored with weights, if any. */
  public static Optional<Recipe> recipe(Path weights) {
    return Models.recipe(weights);
  }

  private static List<Picture> pictures(Request request) {
    List<Picture> pictures = new ArrayList<>();
    Dataset data = request.data();
    if (data != null) {
      for (Sample sample : data.samples()) {
        pictures.add(new Picture(sample.id(), () -> data.image(sample)));
      }
    }
    for (Path photo : request.photos()) {
      pictures.add(new Picture(stem(photo), () -> ImageCodec.decode(photo, true)));
    }
    if (pictures.isEmpty()) {
      throw new WispException("no image to segment; name photos, or a dataset with --data");
    }
    Map<String, Integer> seen = new HashMap<>();
    for (Picture picture : pictures) {
      if (seen.merge(picture.id, 1, Integer::sum) > 1) {
        throw new WispException(
            "two images are called '%s': their results would be one file".formatted(picture.id));
      }
    }
    return pictures;
  }

  private static String stem(Path photo) {
    Path file = photo.getFileName();
    String name = file == null ? photo.toString() : file.toString();
    int dot = name.lastIndexOf('.');
    return dot > 0 ? name.substring(0, dot) : name;
  }

  private static Path label(Path out, String id) {
    return out.resolve("labels").resolve(id + ".png");
  }

  private static void segment(Segmenter segmenter, Path out, Picture picture) {
    Image image = picture.source.read();
    Mask label = segmenter.segment(picture.id, image);
    ImageCodec.writeMask(label(out, picture.id), label);
    ImageCodec.writePng(
        out.resolve("overlays").resolve(picture.id + ".png"),
        new Image(image.width(), image.height(), Overlay.labels(image.rgb(), label.index())));
  }

  private static void submit(
      Path archive, Path out, List<Picture> pictures, TreeMap<String, String> skipped) {
    if (!skipped.isEmpty()) {
      throw FileErrors.of(
          archive,
          "not written: %d images are missing, the first is %s"
              .formatted(skipped.size(), skipped.firstKey()));
    }
    AtomicFiles.write(
        archive,
        stream -> {
          try (TarGz tar = new TarGz(stream)) {
            for (Picture picture : pictures) {
              tar.add(SUBMISSION + picture.id + ".png", Files.readAllBytes(label(out, picture.id)));
            }
          } catch (IllegalArgumentException name) {
            throw new IOException(String.valueOf(name.getMessage()), name);
          }
        });
  }
}
