package dev.wisp.backend.reference;

import dev.wisp.backend.ClassRows;
import org.jspecify.annotations.Nullable;

/** {@link dev.wisp.backend.PointwiseOps} on arrays; layouts and formulas as documented there. */
public final class PointwiseReference {
  private final Rounding r;

  public PointwiseReference(Rounding rounding) {
    this.r = rounding;
  }

  /** max(0, x), NaN stays NaN. */
  static double relu(double x) {
    return x > 0 || Double.isNaN(x) ? x : 0;
  }

  public void addScaled(double factor, double[] source, double[] target) {
    for (int i = 0; i < target.length; i++) {
      target[i] = r.of(target[i] + r.of(factor * source[i]));
    }
  }

  public void scale(double[] x, double factor) {
    for (int i = 0; i < x.length; i++) {
      x[i] = r.of(x[i] * factor);
    }
  }

  public void relu(double[] x, double[] out) {
    for (int i = 0; i < x.length; i++) {
      out[i] = relu(x[i]);
    }
  }

  public void reluBackward(double[] y, double[] dy, double @Nullable [] extra, double[] dx) {
    for (int i = 0; i < y.length; i++) {
      double g = extra == null ? dy[i] : r.of(dy[i] + extra[i]);
      dx[i] = y[i] > 0 ? g : 0;
    }
  }

  /** Both are {@code [rows, w, c]}; target is updated. */
  public void addMirrored(double[] mirrored, int w, int c, double[] target) {
    for (int i = 0; i < target.length; i++) {
      int row = i / (w * c);
      int j = i / c % w;
      target[i] = r.of(target[i] + mirrored[(row * w + w - 1 - j) * c + i % c]);
    }
  }

  /** Rounds product and sum to float32 whatever the rounding: the operation says so. */
  public void denormalize(double[] x, float[] mean, float[] std, double[] out) {
    for (int i = 0; i < x.length; i++) {
      int c = i % mean.length;
      out[i] = (float) ((float) (x[i] * std[c]) + (double) mean[c]);
    }
  }

  /** x is {@code [n, positions, c]}, out {@code [n, c]}. */
  public void spatialMean(double[] x, int n, int positions, int c, double[] out) {
    for (int b = 0; b < n; b++) {
      for (int ch = 0; ch < c; ch++) {
        double sum = 0;
        for (int p = 0; p < positions; p++) {
          sum += x[(b * positions + p) * c + ch];
        }
        out[b * c + ch] = r.of(sum / positions);
      }
    }
  }

  /** dx is {@code [n, positions, c]}; adds to it. */
  public void spatialMeanBackward(double[] dOut, int n, int positions, int c, double[] dx) {
    for (int i = 0; i < dx.length; i++) {
      int b = i / (positions * c);
      dx[i] = r.of(dx[i] + r.of(dOut[b * c + i % c] / positions));
    }
  }

  /** Returns the loss; dScore may be null. */
  public double softMarginLoss(double[] score, double[] label, double @Nullable [] dScore) {
    double sum = 0;
    for (int i = 0; i < score.length; i++) {
      double z = score[i];
      double y = label[i];
      double positive = r.of(y * softplus(-z));
      double negative = r.of(r.of(1 - y) * softplus(z));
      sum = r.of(sum + r.of(positive + negative));
      if (dScore != null) {
        double logistic = r.of(1 / r.of(1 + r.of(Math.exp(-z))));
        dScore[i] = r.of(r.of(logistic - y) / score.length);
      }
    }
    return r.of(sum / score.length);
  }

  /** log(1 + e^z). */
  private double softplus(double z) {
    return r.of(Math.max(z, 0) + r.of(Math.log1p(r.of(Math.exp(-Math.abs(z))))));
  }

  /** Returns the loss; a and b are {@code [rows, positions]}; dA may be null. */
  public double meanAbsoluteDifference(
      double[] a, double[] b, ClassRows classes, int positions, double @Nullable [] dA) {
    double count = (double) classes.images() * classes.total() * positions;
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      double d = r.of(a[i] - b[i]);
      sum = r.of(sum + Math.abs(d));
      if (dA != null) {
        dA[i] = r.of(Math.signum(d) / count);
      }
    }
    return r.of(sum / count);
  }
}
