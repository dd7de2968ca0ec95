package dev.wisp.pipeline;

import dev.wisp.data.transform.Normalizer;
import dev.wisp.data.transform.Resizing;
import dev.wisp.data.transform.Sizes;
import dev.wisp.io.Image;
import dev.wisp.method.ScaledImage;
import java.util.ArrayList;
import java.util.List;

/** An image at the scales of labelling. */
final class Scales {
  private Scales() {}

  /** Resized with Pillow's bicubic filter, one per factor; normalised when they are read. */
  static List<ScaledImage> of(Image image, List<Double> factors) {
    List<ScaledImage> scales = new ArrayList<>();
    for (double factor : factors) {
      Image scaled = Resizing.to(image, Sizes.scaled(image.height(), image.width(), factor));
      byte[] rgb = scaled.rgb();
      int width = scaled.width();
      scales.add(
          new ScaledImage(
              scaled.height(),
              width,
              (y, into) -> Normalizer.normalize(rgb, 3 * y * width, width, into, 0)));
    }
    return scales;
  }
}
