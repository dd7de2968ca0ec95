package dev.wisp.backend;

import java.util.Arrays;

/**
 * Which classes of which image the rows of a map tensor {@code [rows, h, w]} hold: only present
 * classes are computed. Class 0 is the background. Rows are grouped by image; within an image class
 * ids ascend and begin with 0. Immutable.
 */
public final class ClassRows {
  private final int[] offsets;
  private final int[] ids;
  private final int total;

  private ClassRows(int[] offsets, int[] ids, int total) {
    this.offsets = offsets;
    this.ids = ids;
    this.total = total;
  }

  /**
   * Rows for the background and the foreground classes each image carries.
   *
   * @param present foreground class ids (1..K) of each image, any order, no repeats; may be empty
   * @param foreground K, the number of foreground classes of the dataset
   * @throws IllegalArgumentException for other ids, or a negative K
   */
  public static ClassRows present(int[][] present, int foreground) {
    requireCounts(present.length, foreground);
    int[] offsets = new int[present.length + 1];
    int rows = 0;
    for (int n = 0; n < present.length; n++) {
      rows += 1 + present[n].length;
      offsets[n + 1] = rows;
    }
    int[] ids = new int[rows];
    for (int n = 0; n < present.length; n++) {
      int[] sorted = present[n].clone();
      Arrays.sort(sorted);
      int previous = 0;
      for (int i = 0; i < sorted.length; i++) {
        if (sorted[i] <= previous || sorted[i] > foreground) {
          throw new IllegalArgumentException(
              "class ids of image %d must be distinct and in 1..%d: %s"
                  .formatted(n, foreground, Arrays.toString(present[n])));
        }
        previous = sorted[i];
        ids[offsets[n] + 1 + i] = sorted[i];
      }
    }
    return new ClassRows(offsets, ids, foreground + 1);
  }

  /**
   * Rows for every class of every image.
   *
   * @throws IllegalArgumentException for a negative count, or more than 2^31-1 rows
   */
  public static ClassRows all(int images, int foreground) {
    requireCounts(images, foreground);
    int total = foreground + 1;
    int[] offsets = new int[images + 1];
    int[] ids = new int[images * total];
    for (int n = 0; n < images; n++) {
      offsets[n + 1] = (n + 1) * total;
      for (int k = 0; k < total; k++) {
        ids[n * total + k] = k;
      }
    }
    return new ClassRows(offsets, ids, total);
  }

  private static void requireCounts(int images, int foreground) {
    if (images < 0 || foreground < 0 || images * (foreground + 1L) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "class rows of %d images and %d classes".formatted(images, foreground));
    }
  }

  public int images() {
    return offsets.length - 1;
  }

  /** Number of rows over all images. */
  public int rows() {
    return ids.length;
  }

  /** Number of classes of the dataset with the background: K + 1. */
  public int total() {
    return total;
  }

  /** First row of an image. */
  public int begin(int image) {
    return offsets[image];
  }

  /** One past the last row of an image. */
  public int end(int image) {
    return offsets[image + 1];
  }

  /** Class id of a row. */
  public int id(int row) {
    return ids[row];
  }

  /** The row of a class in an image, or -1 where the image has no such row. */
  public int row(int image, int id) {
    int row = Arrays.binarySearch(ids, offsets[image], offsets[image + 1], id);
    return row < 0 ? -1 : row;
  }

  /** {@code images + 1} row offsets, for a kernel. */
  public int[] offsets() {
    return offsets.clone();
  }

  /** Class id per row, for a kernel. */
  public int[] ids() {
    return ids.clone();
  }

  @Override
  public String toString() {
    return "ClassRows[images=%d, rows=%d, classes=%d]".formatted(images(), rows(), total);
  }
}
