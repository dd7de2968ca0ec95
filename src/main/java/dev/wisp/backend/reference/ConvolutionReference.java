package dev.wisp.backend.reference;

import dev.wisp.backend.ConvSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link dev.wisp.backend.ConvolutionOps} on arrays; layouts and formulas as documented there. */
public final class ConvolutionReference {
  private final Rounding r;

  public ConvolutionReference(Rounding rounding) {
    this.r = rounding;
  }

  /**
   * {@code out[o, ...] = weight[o, ...] * (scale[0, o] + scale[1, o])}; scale may be null for 1.
   */
  public void loadWeights(ConvSpec spec, double[] weight, double @Nullable [] scale, double[] out) {
    int inner = out.length / spec.outChannels();
    for (int i = 0; i < out.length; i++) {
      int o = i / inner;
      out[i] =
          scale == null
              ? weight[i]
              : r.of(weight[i] * r.of(scale[o] + scale[spec.outChannels() + o]));
    }
  }

  /** x is {@code [n, h, w, I]}, weights {@code [O, I, kH, kW]} already scaled. */
  public void convForward(
      ConvSpec spec,
      double[] weights,
      double[] x,
      int n,
      int h,
      int w,
      double @Nullable [] bias,
      double @Nullable [] residual,
      boolean relu,
      double[] y) {
    int oh = (int) spec.outSize(h);
    int ow = (int) spec.outSize(w);
    int in = spec.inChannels();
    int out = spec.outChannels();
    int k = spec.kernel();
    for (int b = 0; b < n; b++) {
      for (int i = 0; i < oh; i++) {
        for (int j = 0; j < ow; j++) {
          for (int o = 0; o < out; o++) {
            double sum = 0;
            for (int ki = 0; ki < k; ki++) {
              int row = i * spec.stride() - spec.padding() + ki * spec.dilation();
              for (int kj = 0; kj < k; kj++) {
                int col = j * spec.stride() - spec.padding() + kj * spec.dilation();
                if (row < 0 || row >= h || col < 0 || col >= w) {
                  continue;
                }
                int from = ((b * h + row) * w + col) * in;
                for (int c = 0; c < in; c++) {
                  double weight = weights[((o * in + c) * k + ki) * k + kj];
                  sum = r.of(sum + r.of(x[from + c] * weight));
                }
              }
            }
            int at = ((b * oh + i) * ow + j) * out + o;
            if (bias != null) {
              sum = r.of(sum + bias[o]);
            }
            if (residual != null) {
              sum = r.of(sum + residual[at]);
            }
            y[at] = relu ? PointwiseReference.relu(sum) : sum;
          }
        }
      }
    }
  }

  /** dx is {@code [n, h, w, I]}, overwritten. */
  public void convBackwardData(
      ConvSpec spec, double[] weights, double[] dy, int n, int h, int w, double[] dx) {
    Arrays.fill(dx, 0);
    int oh = (int) spec.outSize(h);
    int ow = (int) spec.outSize(w);
    int in = spec.inChannels();
    int out = spec.outChannels();
    int k = spec.kernel();
    for (int b = 0; b < n; b++) {
      for (int i = 0; i < oh; i++) {
        for (int j = 0; j < ow; j++) {
          int at = ((b * oh + i) * ow + j) * out;
          for (int ki = 0; ki < k; ki++) {
            int row = i * spec.stride() - spec.padding() + ki * spec.dilation();
            for (int kj = 0; kj < k; kj++) {
              int col = j * spec.stride() - spec.padding() + kj * spec.dilation();
              if (row < 0 || row >= h || col < 0 || col >= w) {
                continue;
              }
              int to = ((b * h + row) * w + col) * in;
              for (int o = 0; o < out; o++) {
                for (int c = 0; c < in; c++) {
                  double weight = weights[((o * in + c) * k + ki) * k + kj];
                  dx[to + c] = r.of(dx[to + c] + r.of(dy[at + o] * weight));
                }
              }
            }
          }
        }
      }
    }
  }

  /** dw is {@code [O, I, kH, kW]}, db {@code [O]} or null; both overwritten. */
  public void convBackwardWeights(
      ConvSpec spec,
      double[] x,
      double[] dy,
      int n,
      int h,
      int w,
      double[] dw,
      double @Nullable [] db) {
    Arrays.fill(dw, 0);
    if (db != null) {
      Arrays.fill(db, 0);
    }
    int oh = (int) spec.outSize(h);
    int ow = (int) spec.outSize(w);
    int in = spec.inChannels();
    int out = spec.outChannels();
    int k = spec.kernel();
    for (int b = 0; b < n; b++) {
      for (int i = 0; i < oh; i++) {
        for (int j = 0; j < ow; j++) {
          int at = ((b * oh + i) * ow + j) * out;
          for (int o = 0; o < out && db != null; o++) {
            db[o] = r.of(db[o] + dy[at + o]);
          }
          for (int ki = 0; ki < k; ki++) {
            int row = i * spec.stride() - spec.padding() + ki * spec.dilation();
            for (int kj = 0; kj < k; kj++) {
              int col = j * spec.stride() - spec.padding() + kj * spec.dilation();
              if (row < 0 || row >= h || col < 0 || col >= w) {
                continue;
              }
              int from = ((b * h + row) * w + col) * in;
              for (int o = 0; o < out; o++) {
                for (int c = 0; c < in; c++) {
                  int to = ((o * in + c) * k + ki) * k + kj;
                  dw[to] = r.of(dw[to] + r.of(x[from + c] * dy[at + o]));
                }
              }
            }
          }
        }
      }
    }
  }

  /** scale is {@code [2, O]}. */
  public void foldNorm(
      double[] gamma,
      double[] beta,
      double[] mean,
      double[] var,
      double eps,
      double[] scale,
      double[] bias) {
    for (int o = 0; o < gamma.length; o++) {
      double factor = r.of(gamma[o] / deviation(var[o], eps));
      scale[o] = (float) factor;
      scale[gamma.length + o] = factor - scale[o];
      bias[o] = r.of(beta[o] - r.of(mean[o] * factor));
    }
  }

  /** dw may be dwFolded. */
  public void foldNormBackward(
      double[] dwFolded,
      double[] weight,
      double[] db,
      double[] gamma,
      double[] mean,
      double[] var,
      double eps,
      double[] dw,
      double[] dgamma) {
    int inner = weight.length / gamma.length;
    for (int o = 0; o < gamma.length; o++) {
      double deviation = deviation(var[o], eps);
      double scale = r.of(gamma[o] / deviation);
      double sum = 0;
      for (int i = o * inner; i < (o + 1) * inner; i++) {
        sum = r.of(sum + r.of(dwFolded[i] * weight[i]));
        dw[i] = r.of(dwFolded[i] * scale);
      }
      dgamma[o] = r.of(r.of(sum - r.of(db[o] * mean[o])) / deviation);
    }
  }

  private double deviation(double var, double eps) {
    return r.of(Math.sqrt(r.of(var + eps)));
  }

  /** Output size of the pooling along one axis. */
  public static int pooled(int in) {
    return (in - 1) / 2 + 1;
  }

  /** x is {@code [n, h, w, c]}; index may be null. */
  public void maxPool(double[] x, int n, int h, int w, int c, double[] y, int @Nullable [] index) {
    int oh = pooled(h);
    int ow = pooled(w);
    for (int b = 0; b < n; b++) {
      for (int i = 0; i < oh; i++) {
        for (int j = 0; j < ow; j++) {
          for (int ch = 0; ch < c; ch++) {
            int winner = -1;
            double best = 0;
            for (int row = Math.max(0, 2 * i - 1); row <= Math.min(h - 1, 2 * i + 1); row++) {
              for (int col = Math.max(0, 2 * j - 1); col <= Math.min(w - 1, 2 * j + 1); col++) {
                double value = x[((b * h + row) * w + col) * c + ch];
                if (winner < 0 || MapReference.beats(value, best)) {
                  winner = row * w + col;
                  best = value;
                }
              }
            }
            int at = ((b * oh + i) * ow + j) * c + ch;
            y[at] = best;
            if (index != null) {
              index[at] = winner;
            }
          }
        }
      }
    }
  }

  /** dx is {@code [n, h, w, c]}, overwritten. */
  public void maxPoolBackward(double[] dy, int[] index, int n, int h, int w, int c, double[] dx) {
    Arrays.fill(dx, 0);
    int positions = pooled(h) * pooled(w);
    for (int b = 0; b < n; b++) {
      for (int p = 0; p < positions; p++) {
        for (int ch = 0; ch < c; ch++) {
          int at = (b * positions + p) * c + ch;
          if (index[at] >= 0 && index[at] < h * w) {
            int to = (b * h * w + index[at]) * c + ch;
            dx[to] = r.of(dx[to] + dy[at]);
          }
        }
      }
    }
  }
}
