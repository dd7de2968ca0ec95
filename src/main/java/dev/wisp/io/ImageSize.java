package dev.wisp.io;

/**
 * A picture's size.
 *
 * @param width in pixels
 * @param height in pixels
 */
public record ImageSize(int width, int height) {
  /** The number of pixels. */
  public long pixels() {
    return (long) width * height;
  }
}
