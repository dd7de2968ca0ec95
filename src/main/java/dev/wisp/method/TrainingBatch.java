package dev.wisp.method;

import org.jspecify.annotations.Nullable;

/**
 * Images of one training step, on the host.
 *
 * @param images normalised, {@code [count, height, width, 3]}
 * @param labels foreground class ids (1..K) of each image, no repeats; may be empty
 * @param valid {@code [count, h, w]} at the feature grid: 1 where the position's top left pixel is
 *     inside the image, 0 in the padding; or null for 1 everywhere
 * @param masks {@code [count, height, width]}: the label of every pixel, 255 where there is none;
 *     or null
 * @param step position in the whole training, from 0: with {@code first} it numbers the images for
 *     what is random in a network
 * @param first position of the first image in the step's whole batch, from 0
 */
@SuppressWarnings("ArrayRecordComponent")
public record TrainingBatch(
    float[] images,
    int count,
    int height,
    int width,
    int[][] labels,
    float @Nullable [] valid,
    byte @Nullable [] masks,
    long step,
    int first) {
  public TrainingBatch {
    if (count < 1 || labels.length != count || images.length != (long) count * height * width * 3) {
      throw new IllegalArgumentException(
          "batch of %d images %dx%d with %d values and %d label sets"
              .formatted(count, height, width, images.length, labels.length));
    }
    if (masks != null && masks.length != (long) count * height * width) {
      throw new IllegalArgumentException(
          "batch of %d images %dx%d with %d pixel labels"
              .formatted(count, height, width, masks.length));
    }
  }

  /** Images that are labelled as a whole, of the first step. */
  public TrainingBatch(
      float[] images, int count, int height, int width, int[][] labels, float @Nullable [] valid) {
    this(images, count, height, width, labels, valid, null, 0, 0);
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
