package dev.wisp.pipeline;

import dev.wisp.data.transform.Resizing;
import dev.wisp.data.transform.Sizes;
import dev.wisp.io.Image;
import dev.wisp.method.ScaledImage;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An image ready to be labelled.
 *
 * @param height the image's own, of its labels
 * @param width the image's own, of its labels
 * @param scales what the network sees, the first one at the size of the maps
 */
record PreparedImage(int height, int width, List<ScaledImage> scales) {
  private static final Logger LOG = LoggerFactory.getLogger(PreparedImage.class);

  /**
   * Reduces an image of too many pixels, says so, and resizes it to the scales.
   *
   * @param name of the image, for the log
   */
  static PreparedImage of(String name, Image image, Recipe.Labelling settings) {
    Sizes.Size full = new Sizes.Size(image.height(), image.width());
    Image shown = image;
    if (full.pixels() > settings.maxPixels()) {
      Sizes.Size reduced =
          Sizes.scaled(
              image.height(),
              image.width(),
              Math.sqrt((double) settings.maxPixels() / full.pixels()));
      LOG.info(
          "{}: {}x{} pixels are more than {}; labelled at {}x{}, its maps enlarged",
          name,
          full.width(),
          full.height(),
          settings.maxPixels(),
          reduced.width(),
          reduced.height());
      shown = Resizing.to(image, reduced);
    }
    return new PreparedImage(full.height(), full.width(), Scales.of(shown, settings.scales()));
  }
}
