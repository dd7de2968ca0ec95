package dev.wisp.backend.reference;

import dev.wisp.backend.SegmentationOps;
import dev.wisp.common.CounterRandom;
import java.util.Arrays;

/** {@link SegmentationOps} on arrays; layouts and formulas as documented there. */
public final class SegmentationReference {
  private final Rounding r;
  private final ResizeReference resize;

  public SegmentationReference(Rounding rounding) {
    this.r = rounding;
    this.resize = new ResizeReference(rounding);
  }

  /**
   * Sizes of scores and of the image they are resized to.
   *
   * @param n images
   * @param h height of the scores
   * @param w their width
   * @param k classes
   * @param height of the image
   * @param width of the image
   */
  public record Sizes(int n, int h, int w, int k, int height, int width) {
    int pixels() {
      return n * height * width;
    }
  }

  private double[] resized(double[] logits, Sizes s) {
    double[] full = new double[s.pixels() * s.k];
    resize.resizeBilinear(logits, s.n, s.h, s.w, s.k, full, s.height, s.width, s.k, 0, false);
    return full;
  }

  /** The loss; the gradient goes to dLogits. */
  public double pixelCrossEntropy(double[] logits, byte[] labels, Sizes s, double[] dLogits) {
    double[] full = resized(logits, s);
    long labelled = 0;
    for (byte label : labels) {
      labelled += (label & 0xFF) < s.k ? 1 : 0;
    }
    double total = 0;
    double share = r.of(1.0 / Math.max(1, labelled));
    for (int p = 0; p < s.pixels(); p++) {
      int label = labels[p] & 0xFF;
      if (label >= s.k) {
        Arrays.fill(full, p * s.k, (p + 1) * s.k, 0);
        continue;
      }
      double largest = largest(full, p * s.k, s.k);
      double sum = 0;
      double own = r.of(full[p * s.k + label] - largest);
      for (int i = p * s.k; i < (p + 1) * s.k; i++) {
        full[i] = r.of(Math.exp(r.of(full[i] - largest)));
        sum = r.of(sum + full[i]);
      }
      total += r.of(r.of(Math.log(sum)) - own);
      for (int i = p * s.k; i < (p + 1) * s.k; i++) {
        double probability = r.of(full[i] / sum);
        full[i] = r.of(share * (i == p * s.k + label ? r.of(probability - 1) : probability));
      }
    }
    resize.resizeBilinearBackward(
        full, s.height, s.width, s.k, 0, dLogits, s.n, s.h, s.w, s.k, false);
    return labelled == 0 ? 0 : r.of(total / labelled);
  }

  private static double largest(double[] values, int from, int count) {
    double largest = values[from];
    for (int i = from + 1; i < from + count; i++) {
      largest = Math.max(largest, values[i]);
    }
    return largest;
  }

  public void addProbabilities(double[] logits, Sizes s, double[] probabilities) {
    double[] full = resized(logits, s);
    for (int p = 0; p < s.pixels(); p++) {
      double largest = largest(full, p * s.k, s.k);
      double sum = 0;
      for (int i = p * s.k; i < (p + 1) * s.k; i++) {
        full[i] = r.of(Math.exp(r.of(full[i] - largest)));
        sum = r.of(sum + full[i]);
      }
      for (int i = p * s.k; i < (p + 1) * s.k; i++) {
        probabilities[i] = r.of(probabilities[i] + r.of(full[i] / sum));
      }
    }
  }

  public void argmaxLogits(double[] logits, Sizes s, int[] labels) {
    double[] full = resized(logits, s);
    for (int p = 0; p < s.pixels(); p++) {
      double best = Double.NEGATIVE_INFINITY;
      labels[p] = 0;
      for (int c = 0; c < s.k; c++) {
        if (full[p * s.k + c] > best) {
          best = full[p * s.k + c];
          labels[p] = c;
        }
      }
    }
  }

  public void dropout(double[] x, float probability, long key, long first, double[] out) {
    long dropped = SegmentationOps.dropped(probability);
    double scale = 1 / (1 - probability);
    for (int i = 0; i < x.length; i++) {
      boolean keeps = CounterRandom.bits(key, first + i) >>> 40 >= dropped;
      out[i] = keeps ? r.of(x[i] * scale) : 0;
    }
  }
}
