package dev.wisp.backend.reference;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MapOps.Normalization;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link dev.wisp.backend.MapOps} on arrays; layouts and formulas as documented there. */
public final class MapReference {
  private final Rounding r;

  public MapReference(Rounding rounding) {
    this.r = rounding;
  }

  /** Whether a later value takes an argmax from the best so far: larger, or the first NaN. */
  static boolean beats(double value, double best) {
    return value > best || (Double.isNaN(value) && !Double.isNaN(best));
  }

  /** cam is {@code [n, positions, k]}, valid {@code [n, positions]} or null. */
  public void camToMaps(
      double[] cam,
      int k,
      double @Nullable [] valid,
      ClassRows classes,
      double eps,
      double[] maps,
      int[] peak,
      int[] winner) {
    int n = classes.images();
    int positions = n == 0 ? 0 : winner.length / n;
    for (int b = 0; b < n; b++) {
      double[][] m = new double[k + 1][positions];
      for (int c = 0; c < k; c++) {
        int first = 0;
        for (int p = 1; p < positions; p++) {
          if (beats(
              activation(cam, k, positions, b, p, c), activation(cam, k, positions, b, first, c))) {
            first = p;
          }
        }
        peak[b * k + c] = first;
        double divisor = r.of(activation(cam, k, positions, b, first, c) + eps);
        for (int p = 0; p < positions; p++) {
          m[c + 1][p] = r.of(activation(cam, k, positions, b, p, c) / divisor);
        }
      }
      for (int p = 0; p < positions; p++) {
        int first = 1;
        for (int id = 2; id <= k; id++) {
          if (beats(m[id][p], m[first][p])) {
            first = id;
          }
        }
        winner[b * positions + p] = first;
        m[0][p] = r.of(1 - m[first][p]);
      }
      for (int row = classes.begin(b); row < classes.end(b); row++) {
        for (int p = 0; p < positions; p++) {
          double factor = valid == null ? 1 : valid[b * positions + p];
          maps[row * positions + p] = r.of(m[classes.id(row)][p] * factor);
        }
      }
    }
  }

  private static double activation(double[] cam, int k, int positions, int b, int p, int c) {
    return PointwiseReference.relu(cam[(b * positions + p) * k + c]);
  }

  /** dCam is {@code [n, positions, k]}, overwritten. */
  public void camToMapsBackward(
      double[] cam,
      int k,
      double @Nullable [] valid,
      ClassRows classes,
      double eps,
      int[] peak,
      int[] winner,
      double[] dMaps,
      double[] dCam) {
    int n = classes.images();
    int positions = n == 0 ? 0 : winner.length / n;
    Arrays.fill(dCam, 0);
    for (int b = 0; b < n; b++) {
      double[][] dm = new double[k + 1][positions];
      for (int row = classes.begin(b); row < classes.end(b); row++) {
        for (int p = 0; p < positions; p++) {
          double factor = valid == null ? 1 : valid[b * positions + p];
          dm[classes.id(row)][p] = r.of(dMaps[row * positions + p] * factor);
        }
      }
      for (int p = 0; p < positions; p++) {
        int id = winner[b * positions + p];
        if (id >= 1 && id <= k) {
          dm[id][p] = r.of(dm[id][p] - dm[0][p]);
        }
      }
      for (int c = 0; c < k; c++) {
        int top = peak[b * k + c];
        double divisor =
            r.of((inside(top, positions) ? activation(cam, k, positions, b, top, c) : 0) + eps);
        double dPeak = 0;
        for (int p = 0; p < positions; p++) {
          double m = r.of(activation(cam, k, positions, b, p, c) / divisor);
          dPeak = r.of(dPeak - r.of(r.of(dm[c + 1][p] * m) / divisor));
        }
        for (int p = 0; p < positions; p++) {
          int at = (b * positions + p) * k + c;
          if (cam[at] > 0) {
            double g = r.of(dm[c + 1][p] / divisor);
            dCam[at] = p == top ? r.of(g + dPeak) : g;
          }
        }
      }
    }
  }

  /** maps is {@code [rows, positions]}, peak {@code [rows, 2]}. */
  public void normalizeMaps(
      double[] maps, int rows, Normalization mode, double eps, double[] out, int[] peak) {
    int positions = rows == 0 ? 0 : maps.length / rows;
    for (int row = 0; row < rows; row++) {
      int from = row * positions;
      int top = 0;
      int bottom = 0;
      for (int p = 1; p < positions; p++) {
        if (maps[from + p] > maps[from + top]) {
          top = p;
        }
        if (maps[from + p] < maps[from + bottom]) {
          bottom = p;
        }
      }
      peak[2 * row] = top;
      peak[2 * row + 1] = bottom;
      double low = low(maps, from, peak, row, mode);
      double divisor = divisor(maps, from, peak, row, mode, eps);
      for (int p = 0; p < positions; p++) {
        out[from + p] = r.of(r.of(maps[from + p] - low) / divisor);
      }
    }
  }

  private static boolean inside(int position, int positions) {
    return position >= 0 && position < positions;
  }

  private static double low(double[] maps, int from, int[] peak, int row, Normalization mode) {
    return mode == Normalization.MIN_MAX ? maps[from + peak[2 * row + 1]] : 0;
  }

  private double divisor(
      double[] maps, int from, int[] peak, int row, Normalization mode, double eps) {
    double high = maps[from + peak[2 * row]];
    return r.of(r.of(high - low(maps, from, peak, row, mode)) + eps);
  }

  /** dMaps is {@code [rows, positions]}, overwritten. */
  public void normalizeMapsBackward(
      double[] maps,
      int rows,
      Normalization mode,
      double eps,
      int[] peak,
      double[] dOut,
      double[] dMaps) {
    int positions = rows == 0 ? 0 : maps.length / rows;
    for (int row = 0; row < rows; row++) {
      int from = row * positions;
      if (!inside(peak[2 * row], positions) || !inside(peak[2 * row + 1], positions)) {
        Arrays.fill(dMaps, from, from + positions, 0);
        continue;
      }
      double low = low(maps, from, peak, row, mode);
      double divisor = divisor(maps, from, peak, row, mode, eps);
      double dLow = 0;
      double dDivisor = 0;
      for (int p = from; p < from + positions; p++) {
        double g = r.of(dOut[p] / divisor);
        dMaps[p] = g;
        dLow = r.of(dLow - g);
        dDivisor = r.of(dDivisor - r.of(r.of(g * r.of(maps[p] - low)) / divisor));
      }
      int top = from + peak[2 * row];
      dMaps[top] = r.of(dMaps[top] + dDivisor);
      if (mode == Normalization.MIN_MAX) {
        int bottom = from + peak[2 * row + 1];
        dMaps[bottom] = r.of(dMaps[bottom] + r.of(dLow - dDivisor));
      }
    }
  }

  /** maps is {@code [rows, positions]}, seeds {@code [n, positions]}. */
  public void argmaxMaps(double[] maps, ClassRows classes, double backgroundFactor, int[] seeds) {
    int n = classes.images();
    int positions = n == 0 ? 0 : seeds.length / n;
    for (int b = 0; b < n; b++) {
      for (int p = 0; p < positions; p++) {
        int winner = -1;
        double best = 0;
        for (int row = classes.begin(b); row < classes.end(b); row++) {
          double value = maps[row * positions + p];
          if (classes.id(row) == 0) {
            value = r.of(value * backgroundFactor);
          }
          if (winner < 0 || beats(value, best)) {
            winner = classes.id(row);
            best = value;
          }
        }
        seeds[b * positions + p] = winner;
      }
    }
  }

  /** support is {@code [rows, positions]}, seeds {@code [n, positions]}, changed in place. */
  public void limitSeeds(double[] support, ClassRows classes, double share, int[] seeds) {
    int n = classes.images();
    int positions = n == 0 ? 0 : seeds.length / n;
    for (int b = 0; b < n; b++) {
      for (int p = 0; p < positions; p++) {
        int seed = seeds[b * positions + p];
        for (int row = classes.begin(b); row < classes.end(b); row++) {
          boolean supported = support[row * positions + p] >= share;
          if (seed > 0 && classes.id(row) == seed && !supported) {
            seeds[b * positions + p] = -1;
          }
        }
      }
    }
  }
}
