package dev.wisp.pipeline;

import dev.wisp.common.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Percentile intervals of mIoU and of its differences, by resampling images in pairs. */
public final class Bootstrap {
  /** Number of resamples. */
  public static final int RESAMPLES = 1000;

  private Bootstrap() {}

  /**
   * A value with its 95 % interval.
   *
   * @param value of the whole set
   * @param low 2.5th percentile over the resamples
   * @param high 97.5th percentile
   */
  public record Interval(double value, double low, double high) {}

  /**
   * Interval of the mIoU of method a minus that of method b (of a alone if b is empty): each
   * resample draws the same images for both.
   *
   * @param a one confusion per image
   * @param b the same images in the same order, or empty
   */
  public static Interval difference(List<Confusion> a, List<Confusion> b, long seed) {
    if (a.isEmpty() || !(b.isEmpty() || b.size() == a.size())) {
      throw new IllegalArgumentException(
          "bootstrap over %d and %d images".formatted(a.size(), b.size()));
    }
    int[] all = new int[a.size()];
    Arrays.setAll(all, i -> i);
    double value = score(a, all) - (b.isEmpty() ? 0 : score(b, all));
    double[] samples = new double[RESAMPLES];
    int[] drawn = new int[a.size()];
    for (int r = 0; r < RESAMPLES; r++) {
      CounterRandom random = CounterRandom.of(seed, r);
      for (int i = 0; i < drawn.length; i++) {
        drawn[i] = random.nextInt(drawn.length);
      }
      samples[r] = score(a, drawn) - (b.isEmpty() ? 0 : score(b, drawn));
    }
    Arrays.sort(samples);
    return new Interval(value, percentile(samples, 0.025), percentile(samples, 0.975));
  }

  /** Counts of images one by one, kept for an interval as long as they take little memory. */
  public static final class Images {
    private static final long MOST_COUNTS = 1L << 22;

    private final List<Confusion> each = new ArrayList<>();
    private final boolean fits;

    /**
     * None so far.
     *
     * @param images most that will come
     * @param classes with the background
     */
    public Images(int images, int classes) {
      fits = (long) images * classes * (classes + 1) <= MOST_COUNTS;
    }

    /** Counts one image. */
    public void add(Confusion one) {
      if (fits) {
        each.add(one);
      }
    }

    /**
     * mIoU of all with its interval, whose ends are NaN where there are no counts to resample.
     *
     * @param whole counts of all images
     */
    public Interval interval(Confusion whole, long seed) {
      return each.isEmpty()
          ? new Interval(whole.meanIou(Confusion.Convention.VOC), Double.NaN, Double.NaN)
          : difference(each, List.of(), seed);
    }
  }

  private static double score(List<Confusion> images, int[] drawn) {
    Confusion sum = new Confusion(images.getFirst().classes());
    for (int image : drawn) {
      sum.add(images.get(image));
    }
    return sum.meanIou(Confusion.Convention.VOC);
  }

  private static double percentile(double[] sorted, double q) {
    double position = q * (sorted.length - 1);
    int below = (int) position;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
