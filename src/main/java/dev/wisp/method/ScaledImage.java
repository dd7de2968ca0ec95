package dev.wisp.method;

/**
 * One image at one scale, on the host.
 *
 * @param pixels normalised, {@code [height, width, 3]}
 */
public record ScaledImage(float[] pixels, int height, int width) {
  public ScaledImage {
    if (height < 1 || width < 1 || pixels.length != (long) height * width * 3) {
      throw new IllegalArgumentException(
          "image %dx%d of %d values".formatted(height, width, pixels.length));
    }
  }

  /** The pixels mirrored left to right. */
  float[] mirrored() {
    float[] out = new float[pixels.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        System.arraycopy(pixels, (y * width + width - 1 - x) * 3, out, (y * width + x) * 3, 3);
      }
    }
    return out;
  }
}
