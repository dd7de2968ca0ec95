package dev.wisp.pipeline;

import dev.wisp.method.Localization;
import java.util.ArrayList;
import java.util.List;

/**
 * Scores maps at many background factors at once. The best factor is chosen on the scored images
 * themselves: an upper bound that shows how much the factor costs, not a result to report alone.
 */
public final class FactorSweep {
  /** What every table and printout says beside a best factor. */
  public static final String UPPER_BOUND =
      "the factor of 0.10 to 2.00 that scores best on these very images:"
          + " an upper bound, not a result";

  /** The factors tried: 0.10 to 2.00 in steps of 0.05. */
  public static final float[] FACTORS = factors();

  private final int classes;
  private final List<List<Confusion>> images = new ArrayList<>();

  /** An empty sweep over class ids {@code 0..classes - 1}. */
  public FactorSweep(int classes) {
    this.classes = classes;
    for (int i = 0; i < FACTORS.length; i++) {
      images.add(new ArrayList<>());
    }
  }

  private static float[] factors() {
    float[] factors = new float[39];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = (2 + i) / 20f;
    }
    return factors;
  }

  /** Counts one image at every factor. */
  public void add(Localization maps, byte[] truth) {
    for (int i = 0; i < FACTORS.length; i++) {
      Confusion confusion = new Confusion(classes);
      confusion.add(truth, bytes(maps.labels(FACTORS[i])));
      images.get(i).add(confusion);
    }
  }

  /** Class ids as the bytes that masks store. */
  static byte[] bytes(int[] labels) {
    byte[] bytes = new byte[labels.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) labels[i];
    }
    return bytes;
  }

  /** One confusion per image at a factor of {@link #FACTORS}. */
  public List<Confusion> at(float factor) {
    for (int i = 0; i < FACTORS.length; i++) {
      if (Math.abs(FACTORS[i] - factor) < 1e-4f) {
        return List.copyOf(images.get(i));
      }
    }
    throw new IllegalArgumentException("factor " + factor + " is not among those tried");
  }

  /** mIoU over all images at a factor. */
  public double score(float factor) {
    Confusion sum = new Confusion(classes);
    at(factor).forEach(sum::add);
    return sum.meanIou(Confusion.Convention.VOC);
  }

  /** The factor with the largest mIoU, the smallest among equals. */
  public float best() {
    float best = FACTORS[0];
    double score = Double.NEGATIVE_INFINITY;
    for (float factor : FACTORS) {
      if (score(factor) > score) {
        score = score(factor);
        best = factor;
      }
    }
    return best;
  }
}
