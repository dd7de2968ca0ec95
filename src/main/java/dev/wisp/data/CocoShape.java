package dev.wisp.data;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The outline of one COCO instance: polygons, or run lengths.
 *
 * @param label the instance's class, 1..K
 * @param polygons each {@code x, y, x, y, ...} in pixels; several together make one instance
 * @param counts lengths of runs of 0 and 1 in turn, column by column; null for polygons
 * @param width of the image that the runs are of; 0 for polygons
 * @param height of that image
 */
@SuppressWarnings("ArrayRecordComponent")
record CocoShape(
    int label, List<float[]> polygons, int @Nullable [] counts, int width, int height) {
  static CocoShape polygons(int label, List<float[]> polygons) {
    return new CocoShape(label, polygons, null, 0, 0);
  }

  static CocoShape runs(int label, int width, int height, int[] counts) {
    return new CocoShape(label, List.of(), counts, width, height);
  }

  /**
   * The pixels inside, as bits row by row. A pixel belongs to a polygon if its centre lies inside
   * by the even-odd rule; to the instance if it belongs to any of its polygons.
   *
   * @throws IllegalArgumentException if run lengths are those of another image
   */
  BitSet pixels(int imageWidth, int imageHeight) {
    BitSet pixels = new BitSet(imageWidth * imageHeight);
    if (counts != null) {
      if (width != imageWidth || height != imageHeight) {
        throw new IllegalArgumentException(
            "run lengths of %dx%d pixels for an image of %dx%d"
                .formatted(width, height, imageWidth, imageHeight));
      }
      fillRuns(counts, width, height, pixels);
    }
    for (float[] polygon : polygons) {
      for (int y = 0; y < imageHeight; y++) {
        fillRow(polygon, y, imageWidth, pixels);
      }
    }
    return pixels;
  }

  private static void fillRow(float[] polygon, int y, int width, BitSet pixels) {
    double centre = y + 0.5;
    double[] crossings = new double[polygon.length / 2];
    int found = 0;
    for (int i = 0; i < polygon.length; i += 2) {
      int j = (i + 2) % polygon.length;
      double fromY = polygon[i + 1];
      double toY = polygon[j + 1];
      if (fromY <= centre != toY <= centre) {
        double share = (centre - fromY) / (toY - fromY);
        crossings[found++] = polygon[i] + share * (polygon[j] - polygon[i]);
      }
    }
    Arrays.sort(crossings, 0, found);
    for (int i = 0; i + 1 < found; i += 2) {
      int begin = (int) Math.max(0, Math.ceil(crossings[i] - 0.5));
      int end = (int) Math.min(width, Math.ceil(crossings[i + 1] - 0.5));
      if (begin < end) {
        pixels.set(y * width + begin, y * width + end);
      }
    }
  }

  private static void fillRuns(int[] counts, int width, int height, BitSet pixels) {
    long at = 0;
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] < 0 || at + counts[i] > (long) width * height) {
        throw new IllegalArgumentException("run lengths leave the image");
      }
      for (long p = at; i % 2 == 1 && p < at + counts[i]; p++) {
        pixels.set((int) (p % height) * width + (int) (p / height));
      }
      at += counts[i];
    }
    if (at != (long) width * height) {
      throw new IllegalArgumentException("run lengths do not fill the image");
    }
  }

  /**
   * Run lengths from COCO's text form: each number in groups of five bits, low ones first, a
   * character {@code 48 + group}, 32 more where another group follows, and the last group's highest
   * bit the sign; from the fourth number on the difference to the one two before.
   *
   * @throws IllegalArgumentException for other characters or a number cut off
   */
  static int[] counts(String text) {
    int[] counts = new int[text.length()];
    int found = 0;
    int i = 0;
    while (i < text.length()) {
      long value = 0;
      int shift = 0;
      int group;
      do {
        if (i == text.length() || shift > 30) {
          throw new IllegalArgumentException("compressed run lengths are cut off");
        }
        group = text.charAt(i++) - 48;
        if (group < 0 || group > 63) {
          throw new IllegalArgumentException("compressed run lengths hold a wrong character");
        }
        value |= (group & 0x1FL) << shift;
        shift += 5;
      } while ((group & 0x20) != 0);
      if ((group & 0x10) != 0) {
        value |= -1L << shift;
      }
      counts[found] = Math.toIntExact(value + (found > 2 ? counts[found - 2] : 0));
      found++;
    }
    return Arrays.copyOf(counts, found);
  }
}
