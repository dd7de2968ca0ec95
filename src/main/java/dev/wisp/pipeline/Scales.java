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

  /** Resized with Pillow's bicubic filter and normalised, one per factor. */
  static List<ScaledImage> of(Image image, List<Double> factors) {
    List<ScaledImage> scales = new ArrayList<>();
    for (double factor : factors) {
      Image scaled = Resizing.to(image, Sizes.scaled(image.height(), image.width(), factor));
      scales.add(
          new ScaledImage(Normalizer.normalize(scaled.rgb()), scaled.height(), scaled.width()));
    }
    return scales;
  }
}
