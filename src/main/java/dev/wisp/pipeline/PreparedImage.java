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
    Image shown = reduced(name, image, settings.maxPixels());
    return new PreparedImage(image.height(), image.width(), Scales.of(shown, settings.scales()));
  }

  /** The image at no more than so many pixels; itself if it has no more, else it says so. */
  static Image reduced(String name, Image image, long maxPixels) {
    Sizes.Size full = new Sizes.Size(image.height(), image.width());
    if (full.pixels() <= maxPixels) {
      return image;
    }
    Sizes.Size reduced =
        Sizes.scaled(image.height(), image.width(), Math.sqrt((double) maxPixels / full.pixels()));
    LOG.info(
        "{}: {}x{} pixels are more than {}; labelled at {}x{}, the result enlarged",
        name,
        full.width(),
        full.height(),
        maxPixels,
        reduced.width(),
        reduced.height());
    return Resizing.to(image, reduced);
  }
}
