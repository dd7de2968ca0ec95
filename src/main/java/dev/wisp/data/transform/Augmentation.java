package dev.wisp.data.transform;

import dev.wisp.common.CounterRandom;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Training augmentation (method.md section 7): the image is scaled, normalised, mirrored with a
 * probability and cropped at random, or placed at random on zeros where it is smaller than the
 * crop. A mask goes the same way: nearest pixels, {@link Mask#VOID} beside the image.
 *
 * @param crop side of the square crop in pixels
 * @param mirror probability
 */
public record Augmentation(int crop, Scaling scaling, double mirror) {

  /** Without a mask: see {@link #apply(Image, Mask, CounterRandom)}. */
  public Crop apply(Image image, CounterRandom random) {
    return apply(image, null, random);
  }

  /**
   * Applies it; equal random numbers give equal bits.
   *
   * @param mask of the image's size, or null
   */
  public Crop apply(Image image, @Nullable Mask mask, CounterRandom random) {
    Sizes.Size size = scaling.size(image.height(), image.width(), random);
    boolean mirrored = random.nextDouble() < mirror;
    Image scaled = Resizing.to(image, size);
    Span rows = Span.place(scaled.height(), crop, random);
    Span columns = Span.place(scaled.width(), crop, random);
    float[] pixels = new float[3 * crop * crop];
    for (int y = 0; y < rows.length; y++) {
      int from = 3 * ((rows.from + y) * scaled.width() + columns.from);
      int to = 3 * ((rows.to + y) * crop + columns.to);
      Normalizer.normalize(scaled.rgb(), from, columns.length, pixels, to);
    }
    int left = columns.to;
    if (mirrored) {
      mirrorRows(pixels, crop);
      left = crop - columns.to - columns.length;
    }
    byte[] labels = mask == null ? null : labels(mask, size, rows, columns, mirrored);
    return new Crop(
        pixels, crop, rows.to, rows.to + rows.length, left, left + columns.length, labels);
  }

  private byte[] labels(Mask mask, Sizes.Size size, Span rows, Span columns, boolean mirrored) {
    Mask scaled = Resizing.to(mask, size);
    byte[] labels = new byte[crop * crop];
    Arrays.fill(labels, (byte) Mask.VOID);
    for (int y = 0; y < rows.length; y++) {
      for (int x = 0; x < columns.length; x++) {
        int column = columns.to + x;
        labels[(rows.to + y) * crop + (mirrored ? crop - 1 - column : column)] =
            (byte) scaled.at(columns.from + x, rows.from + y);
      }
    }
    return labels;
  }

  private static void mirrorRows(float[] pixels, int side) {
    for (int y = 0; y < side; y++) {
      for (int a = 0, b = side - 1; a < b; a++, b--) {
        int i = 3 * (y * side + a);
        int j = 3 * (y * side + b);
        for (int c = 0; c < 3; c++) {
          float swap = pixels[i + c];
          pixels[i + c] = pixels[j + c];
          pixels[j + c] = swap;
        }
      }
    }
  }

  /** Where one axis of the image meets one axis of the crop. */
  private record Span(int from, int to, int length) {
    static Span place(int side, int crop, CounterRandom random) {
      int space = side - crop;
      return space > 0
          ? new Span(random.nextInt(space + 1), 0, crop)
          : new Span(0, random.nextInt(-space + 1), side);
    }
  }
}
