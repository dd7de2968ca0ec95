package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.Image;
import dev.wisp.io.ImageCodec;
import dev.wisp.io.Mask;
import dev.wisp.method.IrnLabels;
import dev.wisp.method.Localization;
import java.nio.file.Path;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the labels that IRN learns from out of a dataset's maps: {@code ID.png}. */
public final class IrLabels {
  private static final Logger LOG = LoggerFactory.getLogger(IrLabels.class);

  private IrLabels() {}

  /**
   * What to do.
   *
   * @param maps folder of {@code ID.npz}, as {@code wisp label} writes it
   * @param out folder of the labels
   * @param factor multiplies the background's map where the CRF looks for background, at least 0
   * @param certainty probability that an argmax is right, above 0 and below 1
   */
  public record Request(
      Dataset data, Path maps, Path out, double factor, double certainty, CrfOptions options) {}

  /**
   * What was done.
   *
   * @param done number of images
   * @param skipped images that got no label, with the reason
   */
  public record Result(int done, Map<String, String> skipped) {}

  /**
   * Labels every sample from {@code maps/ID.npz}: a class, 0, or 255 where the CRF is not sure.
   *
   * @throws WispException if the folder of maps is missing
   */
  public static Result run(Backend backend, Request request, Progress progress) {
    MapFiles.requireFolder(request.maps());
    AtomicFiles.makeFolder(request.out());
    Map<String, String> skipped =
        EachSample.run(
            "irn labels", request.data(), progress, LOG, sample -> label(backend, request, sample));
    return new Result(request.data().samples().size() - skipped.size(), skipped);
  }

  private static void label(Backend backend, Request request, Sample sample) {
    Image image = request.data().image(sample);
    Localization maps = MapFiles.read(request.maps(), sample, image.height(), image.width());
    byte[] label =
        IrnLabels.of(backend, image, maps, request.factor(), request.certainty(), request.options())
            .label();
    ImageCodec.writeMask(
        LabelFiles.of(request.out(), sample), new Mask(image.width(), image.height(), label));
  }
}
