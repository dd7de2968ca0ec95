package dev.wisp.pipeline;

import java.util.Arrays;
import java.util.List;

/**
 * Pixel counts of truth against prediction over a set of images, and the scores made of them
 * (intersection over union). Pixels whose truth is 255 are passed over. Not thread-safe.
 */
public final class Confusion {
  /** Truth of a pixel that is not scored. */
  public static final int IGNORED = 255;

  /** How a prediction that is no class of the dataset (255, say) counts. */
  public enum Convention {
    /** As a miss of the true class: the default. */
    VOC,
    /** Not at all, as the authors' release does by cutting its matrix. */
    RELEASE
  }

  private final int classes;

  /** Row = truth; column = prediction; the last column holds predictions that are no class. */
  private final long[][] counts;

  /**
   * Counts that were stored.
   *
   * @param counts pixels by true class (row) and predicted one; the last column is what was
   *     predicted as no class
   * @throws IllegalArgumentException if a row has not a column for each class and one more
   */
  public static Confusion of(List<List<Long>> counts) {
    Confusion confusion = new Confusion(counts.size());
    for (int row = 0; row < counts.size(); row++) {
      List<Long> columns = counts.get(row);
      if (columns.size() != counts.size() + 1) {
        throw new IllegalArgumentException(
            "a confusion of %d classes has a row of %d".formatted(counts.size(), columns.size()));
      }
      for (int column = 0; column < columns.size(); column++) {
        confusion.counts[row][column] = columns.get(column);
      }
    }
    return confusion;
  }

  /** Empty counts for class ids {@code 0..classes - 1}, the background included. */
  public Confusion(int classes) {
    if (classes < 1 || classes > IGNORED) {
      throw new IllegalArgumentException("confusion over " + classes + " classes");
    }
    this.classes = classes;
    this.counts = new long[classes][classes + 1];
  }

  /**
   * Counts one image.
   *
   * @param truth class id per pixel, unsigned; 255 is passed over
   * @param prediction class id per pixel, unsigned, same length
   * @throws IllegalArgumentException if lengths differ or the truth holds an unknown class
   */
  public void add(byte[] truth, byte[] prediction) {
    if (truth.length != prediction.length) {
      throw new IllegalArgumentException(
          "truth of %d pixels, prediction of %d".formatted(truth.length, prediction.length));
    }
    for (int i = 0; i < truth.length; i++) {
      int row = truth[i] & 0xFF;
      if (row == IGNORED) {
        continue;
      }
      if (row >= classes) {
        throw new IllegalArgumentException(
            "truth holds class %d, but the dataset has classes 0..%d".formatted(row, classes - 1));
      }
      counts[row][Math.min(prediction[i] & 0xFF, classes)]++;
    }
  }

  /** Adds the counts of another set of images. */
  public void add(Confusion other) {
    if (other.classes != classes) {
      throw new IllegalArgumentException(
          "confusions over %d and %d classes".formatted(classes, other.classes));
    }
    for (int row = 0; row < classes; row++) {
      for (int column = 0; column <= classes; column++) {
        counts[row][column] += other.counts[row][column];
      }
    }
  }

  public int classes() {
    return classes;
  }

  /** Pixels of a true class predicted as a class; column {@code classes()}: as no class. */
  public long count(int truth, int prediction) {
    return counts[truth][prediction];
  }

  /**
   * {@code TP / (TP + FP + FN)} per class; NaN for a class in neither truth nor prediction, 0 for
   * one that was only predicted.
   */
  public double[] iou(Convention convention) {
    int columns = convention == Convention.VOC ? classes + 1 : classes;
    long[] predicted = new long[columns];
    long[] present = new long[classes];
    for (int row = 0; row < classes; row++) {
      for (int column = 0; column < columns; column++) {
        predicted[column] += counts[row][column];
        present[row] += counts[row][column];
      }
    }
    double[] iou = new double[classes];
    for (int k = 0; k < classes; k++) {
      long union = present[k] + predicted[k] - counts[k][k];
      iou[k] = union == 0 ? Double.NaN : (double) counts[k][k] / union;
    }
    return iou;
  }

  /** Mean of {@link #iou} over the classes that are not NaN; NaN if all are. */
  public double meanIou(Convention convention) {
    return Arrays.stream(iou(convention))
        .filter(value -> !Double.isNaN(value))
        .average()
        .orElse(Double.NaN);
  }
}
