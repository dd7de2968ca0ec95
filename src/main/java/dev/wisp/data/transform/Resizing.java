package dev.wisp.data.transform;

import dev.wisp.backend.cpu.PillowResize;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;

/** Pillow's resizing: bicubic for images, nearest for masks. */
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

  /** The mask at another size; itself if the size is the same. */
  public static Mask to(Mask mask, Sizes.Size size) {
    if (size.height() == mask.height() && size.width() == mask.width()) {
      return mask;
    }
    byte[] index =
        PillowResize.nearest(
            mask.index(), mask.height(), mask.width(), size.height(), size.width());
    return new Mask(size.width(), size.height(), index);
  }
}
