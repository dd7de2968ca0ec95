package dev.wisp.method;

import org.jspecify.annotations.Nullable;

/**
 * Images of one training step, on the host.
 *
 * @param images normalised, {@code [count, height, width, 3]}
 * @param labels foreground class ids (1..K) of each image, no repeats; may be empty
 * @param valid {@code [count, h, w]} at the feature grid: 1 where the position's top left pixel is
 *     inside the image, 0 in the padding; or null for 1 everywhere
 */
public record TrainingBatch(
    float[] images, int count, int height, int width, int[][] labels, float @Nullable [] valid) {
  public TrainingBatch {
    if (count < 1 || labels.length != count || images.length != (long) count * height * width * 3) {
      throw new IllegalArgumentException(
          "batch of %d images %dx%d with %d values and %d label sets"
              .formatted(count, height, width, images.length, labels.length));
    }
  }

  /** Labels as 0 and 1, {@code [images, foreground]}. */
  static float[] matrix(int[][] labels, int foreground) {
    float[] matrix = new float[labels.length * foreground];
    for (int n = 0; n < labels.length; n++) {
      for (int id : labels[n]) {
        if (id < 1 || id > foreground) {
          throw new IllegalArgumentException("label %d is not in 1..%d".formatted(id, foreground));
        }
        matrix[n * foreground + id - 1] = 1;
      }
    }
    return matrix;
  }
}
