package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.method.CrfRefinement;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Refines the label files of a dataset with the dense CRF. */
public final class CrfLabels {
  private static final Logger LOG = LoggerFactory.getLogger(CrfLabels.class);

  private CrfLabels() {}

  /**
   * What to do.
   *
   * @param labels folder of {@code ID.png}
   * @param out folder of the refined ones, another one
   * @param certainty probability that a given label is right, above 0 and below 1
   */
  public record Request(
      Dataset data, Path labels, Path out, double certainty, CrfOptions options) {}

  /**
   * What was done.
   *
   * @param refined number of images
   * @param skipped images that could not be refined, with the reason
   */
  public record Result(int refined, Map<String, String> skipped) {}

  /**
   * Refines {@code labels/ID.png} of every sample. The background and the image's labels compete,
   * and what else its file holds but 255, which the CRF decides.
   *
   * @throws WispException if the folder is missing, or is the output folder too
   */
  public static Result run(Backend backend, Request request, Progress progress) {
    LabelFiles.requireFolder(request.labels());
    if (request
        .labels()
        .toAbsolutePath()
        .normalize()
        .equals(request.out().toAbsolutePath().normalize())) {
      throw FileErrors.of(request.out(), "holds the labels to refine; name another folder");
    }
    AtomicFiles.makeFolder(request.out());
    Map<String, String> skipped =
        EachSample.run(
            "crf", request.data(), progress, LOG, sample -> refine(backend, request, sample));
    return new Result(request.data().samples().size() - skipped.size(), skipped);
  }

  private static void refine(Backend backend, Request request, Sample sample) {
    Path file = LabelFiles.of(request.labels(), sample);
    Mask label = ImageCodec.readMask(file);
    Image image = request.data().image(sample);
    LabelFiles.requireSize(file, label, "image", image.width(), image.height());
    byte[] refined =
        CrfRefinement.refine(
            backend,
            image,
            label.index(),
            ids(sample, label),
            request.certainty(),
            request.options());
    ImageCodec.writeMask(
        LabelFiles.of(request.out(), sample), new Mask(label.width(), label.height(), refined));
  }

  private static int[] ids(Sample sample, Mask label) {
    boolean[] seen = new boolean[Mask.VOID + 1];
    seen[0] = true;
    for (int id : sample.classes()) {
      seen[id] = true;
    }
    for (byte id : label.index()) {
      seen[id & 0xFF] = true;
    }
    return IntStream.range(0, Mask.VOID).filter(id -> seen[id]).toArray();
  }
}
