package dev.wisp.data.transform;

import dev.wisp.backend.cpu.PillowResize;
import dev.wisp.io.Image;

/** Pillow's bicubic resizing of images. */
public final class Resizing {
  private static final int CHANNELS = 3;

  private Resizing() {}

  /** The image at another size; itself if the size is the same. */
  public static Image to(Image image, Sizes.Size size) {
    if (size.height() == image.height() && size.width() == image.width()) {
      return image;
    }
    byte[] rgb =
        PillowResize.bicubic(
            image.rgb(), image.height(), image.width(), CHANNELS, size.height(), size.width());
    return new Image(size.width(), size.height(), rgb);
  }
}
