package dev.wisp.data.transform;

import dev.wisp.io.Image;

/**
 * Pillow's bicubic resizing of 8-bit images: each axis on its own, horizontally first, the result
 * rounded to bytes in between, weights rounded to 22 bits after the point.
 */
public final class Resizing {
  private static final int BITS = 22;
  private static final double A = -0.5;

  private Resizing() {}

  /** The image at another size; itself if the size is the same. */
  public static Image to(Image image, Sizes.Size size) {
    byte[] rgb = image.rgb();
    if (size.width() != image.width()) {
      rgb = axis(rgb, image.height(), image.width(), 3, size.width());
    }
    if (size.height() != image.height()) {
      rgb = axis(rgb, 1, image.height(), 3 * size.width(), size.height());
    }
    return rgb == image.rgb() ? image : new Image(size.width(), size.height(), rgb);
  }

  /** Resizes the middle axis of {@code [outer, in, inner]} to {@code out}. */
  private static byte[] axis(byte[] source, int outer, int in, int inner, int out) {
    byte[] target = new byte[outer * out * inner];
    double scale = (double) in / out;
    double filterScale = Math.max(scale, 1);
    double support = 2 * filterScale;
    for (int o = 0; o < out; o++) {
      double centre = (o + 0.5) * scale;
      int low = Math.max(0, (int) (centre - support + 0.5));
      int high = Math.min(in, (int) (centre + support + 0.5));
      int[] weights = weights(centre, filterScale, low, high);
      for (int n = 0; n < outer; n++) {
        int from = (n * in + low) * inner;
        int to = (n * out + o) * inner;
        for (int i = 0; i < inner; i++) {
          int sum = 1 << BITS - 1;
          for (int tap = 0; tap < weights.length; tap++) {
            sum += weights[tap] * (source[from + tap * inner + i] & 0xFF);
          }
          target[to + i] = (byte) Math.clamp(sum >> BITS, 0, 255);
        }
      }
    }
    return target;
  }

  private static int[] weights(double centre, double filterScale, int low, int high) {
    double[] exact = new double[high - low];
    double sum = 0;
    for (int i = 0; i < exact.length; i++) {
      exact[i] = cubic((low + i - centre + 0.5) / filterScale);
      sum += exact[i];
    }
    int[] rounded = new int[exact.length];
    for (int i = 0; i < exact.length; i++) {
      double value = exact[i] / sum * (1 << BITS);
      rounded[i] = (int) (value < 0 ? value - 0.5 : value + 0.5);
    }
    return rounded;
  }

  private static double cubic(double x) {
    double d = Math.abs(x);
    if (d < 1) {
      return ((A + 2) * d - (A + 3)) * d * d + 1;
    }
    return d < 2 ? ((d - 5) * d + 8) * d * A - 4 * A : 0;
  }
}
