package dev.wisp.backend.reference;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PamrOptions;
import org.jspecify.annotations.Nullable;

/** {@link dev.wisp.backend.PamrOps} on arrays; layouts and formulas as documented there. */
public final class PamrReference {
  private static final int[] ROW = {-1, -1, -1, 0, 0, 1, 1, 1};
  private static final int[] COL = {-1, 0, 1, -1, 1, -1, 0, 1};

  private final Rounding r;

  public PamrReference(Rounding rounding) {
    this.r = rounding;
  }

  private static int clamped(int at, int size) {
    return Math.min(Math.max(at, 0), size - 1);
  }

  /** Position {@code i * w + j} of neighbour q of pixel (i, j). */
  private static int neighbour(int[] dilations, int q, int i, int j, int h, int w) {
    int d = dilations[q / 8];
    return clamped(i + d * ROW[q % 8], h) * w + clamped(j + d * COL[q % 8], w);
  }

  /** guide is {@code [n, h, w, c]}; std and logit may be null. */
  public void pamrAffinity(
      double[] guide,
      int n,
      int h,
      int w,
      int c,
      PamrOptions options,
      double[] affinity,
      double @Nullable [] std,
      double @Nullable [] logit) {
    int[] dilations = options.dilations();
    int q = options.neighbours();
    for (int b = 0; b < n; b++) {
      for (int i = 0; i < h; i++) {
        for (int j = 0; j < w; j++) {
          double[] logits = new double[q];
          for (int ch = 0; ch < c; ch++) {
            double centre = guide[((b * h + i) * w + j) * c + ch];
            double[] taps = new double[q];
            for (int k = 0; k < q; k++) {
              taps[k] = guide[(b * h * w + neighbour(dilations, k, i, j, h, w)) * c + ch];
            }
            double deviation = deviation(taps, centre, dilations.length);
            if (std != null) {
              std[((b * c + ch) * h + i) * w + j] = deviation;
            }
            for (int k = 0; k < q; k++) {
              double difference = r.of(taps[k] - centre);
              logits[k] = r.of(logits[k] + term(difference, deviation, options));
            }
          }
          double largest = Double.NEGATIVE_INFINITY;
          for (int k = 0; k < q; k++) {
            logits[k] = r.of(logits[k] / c);
            largest = Math.max(largest, logits[k]);
          }
          double sum = 0;
          double[] powers = new double[q];
          for (int k = 0; k < q; k++) {
            powers[k] = r.of(Math.exp(r.of(logits[k] - largest)));
            sum = r.of(sum + powers[k]);
          }
          for (int k = 0; k < q; k++) {
            int at = ((b * q + k) * h + i) * w + j;
            affinity[at] = r.of(powers[k] / sum);
            if (logit != null) {
              logit[at] = logits[k];
            }
          }
        }
      }
    }
  }

  private double term(double difference, double deviation, PamrOptions options) {
    return switch (options.kernel()) {
      case ABS_STD -> -r.of(Math.abs(difference) / r.of(1e-8 + r.of(0.1 * deviation)));
      case GAUSSIAN -> {
        double sigma = options.sigma();
        yield -r.of(r.of(difference * difference) / r.of(2 * r.of(sigma * sigma)));
      }
    };
  }

  /** Sample deviation of the neighbours and {@code centres} copies of the centre. */
  private double deviation(double[] taps, double centre, int centres) {
    int count = taps.length + centres;
    double sum = 0;
    for (double tap : taps) {
      sum = r.of(sum + tap);
    }
    for (int k = 0; k < centres; k++) {
      sum = r.of(sum + centre);
    }
    double mean = r.of(sum / count);
    double squares = 0;
    for (int k = 0; k < count; k++) {
      double d = r.of((k < taps.length ? taps[k] : centre) - mean);
      squares = r.of(squares + r.of(d * d));
    }
    return r.of(Math.sqrt(r.of(squares / (count - 1))));
  }

  /** affinity is {@code [n, neighbours, h, w]}, maps and out {@code [rows, h, w]}. */
  public void pamrSteps(
      double[] affinity,
      int h,
      int w,
      double[] maps,
      ClassRows classes,
      PamrOptions options,
      double[] out) {
    int[] dilations = options.dilations();
    int q = options.neighbours();
    double[] now = maps.clone();
    for (int step = 0; step < options.iterations(); step++) {
      double[] next = new double[now.length];
      for (int b = 0; b < classes.images(); b++) {
        for (int row = classes.begin(b); row < classes.end(b); row++) {
          for (int i = 0; i < h; i++) {
            for (int j = 0; j < w; j++) {
              double sum = 0;
              for (int k = 0; k < q; k++) {
                double alpha = affinity[((b * q + k) * h + i) * w + j];
                double value = now[row * h * w + neighbour(dilations, k, i, j, h, w)];
                sum = r.of(sum + r.of(alpha * value));
              }
              next[(row * h + i) * w + j] = sum;
            }
          }
        }
      }
      now = next;
    }
    System.arraycopy(now, 0, out, 0, out.length);
  }
}
