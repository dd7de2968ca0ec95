package dev.wisp.backend.reference;

import org.jspecify.annotations.Nullable;

/** {@link dev.wisp.backend.NormOps} on arrays; layouts and formulas as documented there. */
public final class NormReference {
  private final Rounding r;

  public NormReference(Rounding rounding) {
    this.r = rounding;
  }

  /** x is {@code [positions, c]}. */
  public void batchNormForward(
      double[] x,
      int c,
      double[] gamma,
      double[] beta,
      double eps,
      double @Nullable [] residual,
      boolean relu,
      double[] y,
      double[] mean,
      double[] invStd) {
    int positions = x.length / c;
    for (int ch = 0; ch < c; ch++) {
      double sum = 0;
      for (int p = 0; p < positions; p++) {
        sum = r.of(sum + x[p * c + ch]);
      }
      mean[ch] = r.of(sum / positions);
      double squares = 0;
      for (int p = 0; p < positions; p++) {
        double d = r.of(x[p * c + ch] - mean[ch]);
        squares = r.of(squares + r.of(d * d));
      }
      double var = r.of(squares / positions);
      invStd[ch] = r.of(1 / r.of(Math.sqrt(r.of(var + eps))));
      for (int p = 0; p < positions; p++) {
        int i = p * c + ch;
        double normal = r.of(r.of(x[i] - mean[ch]) * invStd[ch]);
        double value = r.of(r.of(gamma[ch] * normal) + beta[ch]);
        if (residual != null) {
          value = r.of(value + residual[i]);
        }
        y[i] = relu ? PointwiseReference.relu(value) : value;
      }
    }
  }

  /** x and dy are {@code [positions, c]}. */
  public void batchNormBackward(
      double[] x,
      double[] dy,
      int c,
      double[] gamma,
      double[] mean,
      double[] invStd,
      double[] dx,
      double[] dgamma,
      double[] dbeta) {
    int positions = x.length / c;
    for (int ch = 0; ch < c; ch++) {
      double sum = 0;
      double product = 0;
      for (int p = 0; p < positions; p++) {
        int i = p * c + ch;
        double normal = r.of(r.of(x[i] - mean[ch]) * invStd[ch]);
        sum = r.of(sum + dy[i]);
        product = r.of(product + r.of(dy[i] * normal));
      }
      dgamma[ch] = product;
      dbeta[ch] = sum;
      double factor = r.of(gamma[ch] * invStd[ch]);
      for (int p = 0; p < positions; p++) {
        int i = p * c + ch;
        double normal = r.of(r.of(x[i] - mean[ch]) * invStd[ch]);
        double centred = r.of(dy[i] - r.of(sum / positions));
        dx[i] = r.of(factor * r.of(centred - r.of(normal * r.of(product / positions))));
      }
    }
  }

  public void batchNormUpdate(
      double[] mean,
      double[] invStd,
      double eps,
      long count,
      double momentum,
      double[] runningMean,
      double[] runningVar) {
    for (int c = 0; c < mean.length; c++) {
      double var = r.of(r.of(1 / r.of(invStd[c] * invStd[c])) - eps);
      double unbiased = r.of(r.of(var * count) / (count - 1));
      runningMean[c] = r.of(runningMean[c] + r.of(momentum * r.of(mean[c] - runningMean[c])));
      runningVar[c] = r.of(runningVar[c] + r.of(momentum * r.of(unbiased - runningVar[c])));
    }
  }

  /** x is {@code [positions, c]}, norms {@code [positions]}. */
  public void l2Normalize(double[] x, int c, double eps, double[] y, double[] norms) {
    for (int p = 0; p < norms.length; p++) {
      norms[p] = norm(x, p * c, c);
      double divisor = r.of(norms[p] + eps);
      for (int i = p * c; i < (p + 1) * c; i++) {
        y[i] = r.of(x[i] / divisor);
      }
    }
  }

  /** x and dy are {@code [positions, c]}; dx is overwritten. */
  public void l2NormalizeBackward(
      double[] x, int c, double[] norms, double[] dy, double eps, double[] dx) {
    for (int p = 0; p < norms.length; p++) {
      double n = norms[p];
      double divisor = r.of(n + eps);
      double dot = dot(x, p * c, dy, p * c, c);
      double factor = n == 0 ? 0 : r.of(r.of(dot / r.of(n * divisor)) / divisor);
      for (int i = p * c; i < (p + 1) * c; i++) {
        dx[i] = r.of(r.of(dy[i] / divisor) - r.of(x[i] * factor));
      }
    }
  }

  double norm(double[] x, int offset, int length) {
    return r.of(Math.sqrt(dot(x, offset, x, offset, length)));
  }

  double dot(double[] a, int aOffset, double[] b, int bOffset, int length) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum = r.of(sum + r.of(a[aOffset + i] * b[bOffset + i]));
    }
    return sum;
  }
}
