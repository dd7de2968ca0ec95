package dev.wisp.backend.reference;

import java.util.Arrays;

/** {@link dev.wisp.backend.ResizeOps} on arrays; layouts and formulas as documented there. */
public final class ResizeReference {
  private final Rounding r;

  public ResizeReference(Rounding rounding) {
    this.r = rounding;
  }

  /** Where one output coordinate reads: {@code low}, {@code high}, and the weight of high. */
  private record Tap(int low, int high, double t) {}

  private Tap tap(int out, int in, int size, boolean alignCorners) {
    if (in == size) {
      return new Tap(out, out, 0);
    }
    double source;
    if (alignCorners) {
      source = size == 1 ? 0 : r.of(out * r.of((in - 1.0) / (size - 1.0)));
    } else {
      source = Math.max(0, r.of(r.of((out + 0.5) * r.of((double) in / size)) - 0.5));
    }
    int low = Math.min((int) source, in - 1);
    int high = Math.min(low + 1, in - 1);
    return new Tap(low, high, Math.min(1, r.of(source - low)));
  }

  /** source is {@code [n, h, w, c]}, target {@code [n, th, tw, tc]}. */
  public void resizeBilinear(
      double[] source,
      int n,
      int h,
      int w,
      int c,
      double[] target,
      int th,
      int tw,
      int tc,
      int channelOffset,
      boolean alignCorners) {
    for (int b = 0; b < n; b++) {
      for (int i = 0; i < th; i++) {
        Tap y = tap(i, h, th, alignCorners);
        for (int j = 0; j < tw; j++) {
          Tap x = tap(j, w, tw, alignCorners);
          for (int ch = 0; ch < c; ch++) {
            double top =
                between(
                    source[((b * h + y.low) * w + x.low) * c + ch],
                    source[((b * h + y.low) * w + x.high) * c + ch],
                    x.t);
            double bottom =
                between(
                    source[((b * h + y.high) * w + x.low) * c + ch],
                    source[((b * h + y.high) * w + x.high) * c + ch],
                    x.t);
            target[((b * th + i) * tw + j) * tc + channelOffset + ch] = between(top, bottom, y.t);
          }
        }
      }
    }
  }

  private double between(double a, double b, double t) {
    return r.of(a + r.of(t * r.of(b - a)));
  }

  /** dSource is {@code [n, h, w, c]}, overwritten; dTarget {@code [n, th, tw, tc]}. */
  public void resizeBilinearBackward(
      double[] dTarget,
      int th,
      int tw,
      int tc,
      int channelOffset,
      double[] dSource,
      int n,
      int h,
      int w,
      int c,
      boolean alignCorners) {
    Arrays.fill(dSource, 0);
    for (int b = 0; b < n; b++) {
      for (int i = 0; i < th; i++) {
        Tap y = tap(i, h, th, alignCorners);
        for (int j = 0; j < tw; j++) {
          Tap x = tap(j, w, tw, alignCorners);
          for (int ch = 0; ch < c; ch++) {
            double g = dTarget[((b * th + i) * tw + j) * tc + channelOffset + ch];
            double top = r.of(g * r.of(1 - y.t));
            double bottom = r.of(g * y.t);
            add(dSource, ((b * h + y.low) * w + x.low) * c + ch, r.of(top * r.of(1 - x.t)));
            add(dSource, ((b * h + y.low) * w + x.high) * c + ch, r.of(top * x.t));
            add(dSource, ((b * h + y.high) * w + x.low) * c + ch, r.of(bottom * r.of(1 - x.t)));
            add(dSource, ((b * h + y.high) * w + x.high) * c + ch, r.of(bottom * x.t));
          }
        }
      }
    }
  }

  private void add(double[] sums, int at, double value) {
    sums[at] = r.of(sums[at] + value);
  }
}
