package dev.wisp.method;

import dev.wisp.autograd.Tape;
import dev.wisp.backend.Backend;
import dev.wisp.tensor.Tensor;

/** One image at one scale, on the host, as rows of normalised pixels. */
public final class ScaledImage {
  private final int height;
  private final int width;
  private final Rows rows;

  /** Where the rows come from. */
  @FunctionalInterface
  public interface Rows {
    /**
     * Writes row y to the start of an array: normalised, {@code [width, 3]}. Called any number of
     * times, on the compute thread.
     */
    void read(int y, float[] into);
  }

  /** An image whose rows are made when they are needed. */
  public ScaledImage(int height, int width, Rows rows) {
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException("image %dx%d".formatted(height, width));
    }
    this.height = height;
    this.width = width;
    this.rows = rows;
  }

  /**
   * An image that lies ready.
   *
   * @param pixels normalised, {@code [height, width, 3]}
   */
  public ScaledImage(float[] pixels, int height, int width) {
    this(height, width, (y, into) -> System.arraycopy(pixels, y * width * 3, into, 0, width * 3));
    if (pixels.length != (long) height * width * 3) {
      throw new IllegalArgumentException(
          "image %dx%d of %d values".formatted(height, width, pixels.length));
    }
  }

  public int height() {
    return height;
  }

  public int width() {
    return width;
  }

  /** The image, or the image mirrored left to right, as {@code [1, height, width, 3]}. */
  Tensor upload(Tape tape, boolean mirrored) {
    Tensor tensor = tape.scope().f32(1, height, width, 3);
    upload(tape.backend(), tensor, mirrored);
    return tensor;
  }

  /** Writes it to the top left of {@code [1, H, W, 3]}, at least as large; the rest stays. */
  void upload(Backend backend, Tensor target, boolean mirrored) {
    float[] row = new float[3 * width];
    long stride = 3 * target.shape().size(2);
    for (int y = 0; y < height; y++) {
      read(y, mirrored, row);
      backend.upload(row, row.length, target, y * stride);
    }
  }

  private void read(int y, boolean mirrored, float[] into) {
    rows.read(y, into);
    for (int left = 0, right = width - 1; mirrored && left < right; left++, right--) {
      for (int c = 0; c < 3; c++) {
        float value = into[3 * left + c];
        into[3 * left + c] = into[3 * right + c];
        into[3 * right + c] = value;
      }
    }
  }
}
