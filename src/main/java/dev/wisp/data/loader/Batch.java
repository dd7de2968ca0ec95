package dev.wisp.data.loader;

import dev.wisp.data.transform.Crop;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The samples of one training step.
 *
 * @param step position in the whole training, from 0
 * @param first position of the first sample in the step's whole batch, from 0
 * @param crops one per sample
 * @param labels class ids (1..K) per sample
 * @param skipped images that could not be decoded and were replaced
 */
public record Batch(long step, int first, List<Crop> crops, int[][] labels, List<Skipped> skipped) {

  /**
   * An image that could not be used.
   *
   * @param name the image
   * @param reason one line
   */
  public record Skipped(String name, String reason) {}

  /**
   * Some of the samples, as a batch of the same step; what was skipped is told by the whole.
   *
   * @param from first sample
   * @param to one after the last
   */
  public Batch part(int from, int to) {
    return new Batch(
        step,
        first + from,
        crops.subList(from, to),
        Arrays.copyOfRange(labels, from, to),
        List.of());
  }

  /** All crops in one array {@code [N, size, size, 3]}. */
  public float[] pixels() {
    int each = crops.getFirst().pixels().length;
    float[] pixels = new float[each * crops.size()];
    for (int n = 0; n < crops.size(); n++) {
      System.arraycopy(crops.get(n).pixels(), 0, pixels, n * each, each);
    }
    return pixels;
  }

  /** {@link Crop#mask} of all crops in one array {@code [N, size, size]}, or null without masks. */
  public byte @Nullable [] masks() {
    byte[] of = crops.getFirst().mask();
    if (of == null) {
      return null;
    }
    byte[] masks = new byte[of.length * crops.size()];
    for (int n = 0; n < crops.size(); n++) {
      System.arraycopy(
          Objects.requireNonNull(crops.get(n).mask()), 0, masks, n * of.length, of.length);
    }
    return masks;
  }

  /** {@link Crop#valid} of all crops in one array {@code [N, size / stride, size / stride]}. */
  public float[] valid(int stride) {
    int side = crops.getFirst().size() / stride;
    float[] valid = new float[side * side * crops.size()];
    for (int n = 0; n < crops.size(); n++) {
      System.arraycopy(crops.get(n).valid(stride), 0, valid, n * side * side, side * side);
    }
    return valid;
  }

  /** Labels as 0 and 1, {@code [N, classes]}. */
  public float[] labelMatrix(int classes) {
    float[] matrix = new float[labels.length * classes];
    for (int n = 0; n < labels.length; n++) {
      for (int id : labels[n]) {
        matrix[n * classes + id - 1] = 1;
      }
    }
    return matrix;
  }
}
