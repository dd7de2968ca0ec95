package dev.wisp.io;

/**
 * A decoded picture.
 *
 * @param width in pixels, at least 1
 * @param height in pixels, at least 1
 * @param rgb red, green, blue, 0..255 as unsigned bytes, row by row from the top left; {@code width
 *     * height * 3} bytes, not copied: whoever holds the image may read it, nobody should write it
 */
@SuppressWarnings("ArrayRecordComponent")
public record Image(int width, int height, byte[] rgb) {
  /** Checks the sizes. */
  public Image {
    if (width < 1 || height < 1 || rgb.length != (long) width * height * 3) {
      throw new IllegalArgumentException(
          "image: " + width + "x" + height + " pixels in " + rgb.length + " bytes");
    }
  }
}
