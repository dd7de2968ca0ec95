package dev.wisp.data.transform;

import dev.wisp.common.CounterRandom;
import dev.wisp.io.Image;

/**
 * Training augmentation (method.md section 7): the longer side becomes a random integer, the image
 * is normalised, mirrored with a probability and cropped at random, or placed at random on zeros
 * where it is smaller than the crop.
 *
 * @param crop side of the square crop in pixels
 * @param longSideLow smallest length of the longer side
 * @param longSideHigh largest, inclusive
 * @param mirror probability
 */
public record Augmentation(int crop, int longSideLow, int longSideHigh, double mirror) {

  /** Applies it; equal random numbers give equal bits. */
  public Crop apply(Image image, CounterRandom random) {
    int target = longSideLow + random.nextInt(longSideHigh - longSideLow + 1);
    boolean mirrored = random.nextDouble() < mirror;
    Image scaled = Resizing.to(image, Sizes.longSide(image.height(), image.width(), target));
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
    return new Crop(pixels, crop, rows.to, rows.to + rows.length, left, left + columns.length);
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
