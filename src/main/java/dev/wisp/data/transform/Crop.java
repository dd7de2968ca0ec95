package dev.wisp.data.transform;

import dev.wisp.io.Mask;
import org.jspecify.annotations.Nullable;

/**
 * A normalised square crop.
 *
 * @param pixels {@code [size, size, 3]}; zeros (the mean colour) outside the valid box
 * @param size side in pixels
 * @param top first valid row
 * @param bottom one past the last valid row
 * @param left first valid column
 * @param right one past the last valid column
 * @param mask {@code [size, size]}: the label of every pixel, {@link Mask#VOID} outside the valid
 *     box; null where only whole images are labelled
 */
@SuppressWarnings("ArrayRecordComponent")
public record Crop(
    float[] pixels, int size, int top, int bottom, int left, int right, byte @Nullable [] mask) {

  /**
   * Which positions of a feature grid lie in the image: 1 where pixel {@code (i * stride, j *
   * stride)} is in the valid box, else 0.
   *
   * @return {@code [size / stride, size / stride]}
   */
  public float[] valid(int stride) {
    int side = size / stride;
    float[] valid = new float[side * side];
    for (int i = 0; i < side; i++) {
      for (int j = 0; j < side; j++) {
        int y = i * stride;
        int x = j * stride;
        valid[i * side + j] = y >= top && y < bottom && x >= left && x < right ? 1 : 0;
      }
    }
    return valid;
  }
}
