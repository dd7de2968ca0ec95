package dev.wisp.io;

/**
 * A label for every pixel: 0 background, 1..254 classes, {@value #VOID} void.
 *
 * @param width in pixels, at least 1
 * @param height in pixels, at least 1
 * @param index one unsigned byte a pixel, row by row from the top left; not copied
 */
@SuppressWarnings("ArrayRecordComponent")
public record Mask(int width, int height, byte[] index) {
  /** The label of pixels that do not count. */
  public static final int VOID = 255;

  /** Checks the sizes. */
  public Mask {
    if (width < 1 || height < 1 || index.length != (long) width * height) {
      throw new IllegalArgumentException(
          "mask: " + width + "x" + height + " pixels in " + index.length + " bytes");
    }
  }

  /** The label at a column and row, 0..255. */
  public int at(int x, int y) {
    return Byte.toUnsignedInt(index[y * width + x]);
  }
}
