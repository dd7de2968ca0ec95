package dev.wisp.backend.reference;

import dev.wisp.backend.PathIndex;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link dev.wisp.backend.IrnOps} on arrays; layouts and formulas as documented there. */
public final class IrnReference {
  private static final int BACKGROUND = 0;
  private static final int FOREGROUND = 1;
  private static final int NEGATIVE = 2;
  private static final int NONE = -1;

  private final Rounding r;

  public IrnReference(Rounding rounding) {
    this.r = rounding;
  }

  /** Sizes of maps, and the pairs that lie in them. */
  public record Pairs(int n, int h, int w, PathIndex paths, int classes) {
    /** Called with a path, and the positions of a source and a destination in the batch. */
    private interface Visitor {
      void pair(int image, int path, int source, int destination, int kind);
    }

    private void each(int[] label, Visitor visitor) {
      for (int image = 0; image < n; image++) {
        for (int path = 0; path < paths.count(); path++) {
          int first = paths.begin(path);
          for (int y = 0; y < paths.sourceRows(h); y++) {
            for (int x = 0; x < paths.sourceColumns(w); x++) {
              int source = (image * h + y) * w + x + paths.margin();
              int destination = source + paths.dy(first) * w + paths.dx(first);
              int kind = kind(label[source], label[destination]);
              if (kind != NONE) {
                visitor.pair(image, path, source, destination, kind);
              }
            }
          }
        }
      }
    }

    private int kind(int a, int b) {
      if (a < 0 || a > classes || b < 0 || b > classes) {
        return NONE;
      }
      return a != b ? NEGATIVE : a == 0 ? BACKGROUND : FOREGROUND;
    }
  }

  /** Both are {@code [n, h, w, c]} of their own sizes; see the operation. */
  public void crop(double[] source, int[] from, double[] target, int[] to, int offset) {
    eachCropped(from, to, offset, (s, t) -> target[t] = source[s]);
  }

  public void cropBackward(double[] dTarget, int[] to, int offset, double[] dSource, int[] from) {
    Arrays.fill(dSource, 0);
    eachCropped(from, to, offset, (s, t) -> dSource[s] = dTarget[t]);
  }

  private interface Moved {
    void element(int source, int target);
  }

  private static void eachCropped(int[] from, int[] to, int offset, Moved moved) {
    for (int row = 0; row < to[0] * to[1]; row++) {
      int sourceRow = row / to[1] * from[1] + row % to[1];
      for (int x = 0; x < to[2]; x++) {
        for (int k = 0; k < from[3]; k++) {
          moved.element(
              (sourceRow * from[2] + x) * from[3] + k, (row * to[2] + x) * to[3] + offset + k);
        }
      }
    }
  }

  public void sigmoid(double[] x, double scale, double[] out) {
    for (int i = 0; i < x.length; i++) {
      out[i] = r.of(1 / r.of(1 + r.of(Math.exp(r.of(-scale * x[i])))));
    }
  }

  public void sigmoidBackward(double[] y, double[] dy, double scale, double[] dx) {
    for (int i = 0; i < y.length; i++) {
      dx[i] = r.of(r.of(scale * dy[i]) * r.of(y[i] * r.of(1 - y[i])));
    }
  }

  /** counts is {@code [n, 3]}. */
  public void pairCounts(int[] label, Pairs pairs, double[] counts) {
    Arrays.fill(counts, 0);
    pairs.each(label, (image, path, source, destination, kind) -> counts[image * 3 + kind]++);
  }

  public void pathAffinityLoss(
      double[] boundary,
      int[] label,
      Pairs pairs,
      float[] weights,
      double[] losses,
      double @Nullable [] dBoundary) {
    Arrays.fill(losses, 0);
    if (dBoundary != null) {
      Arrays.fill(dBoundary, 0);
    }
    pairs.each(
        label,
        (image, path, source, destination, kind) -> {
          int highest = highest(boundary, pairs, path, source);
          double affinity = r.of(1 - boundary[highest]);
          double inside = kind == NEGATIVE ? r.of(1 + 1e-5 - affinity) : r.of(affinity + 1e-5);
          int term = image * 3 + kind;
          losses[term] = r.of(losses[term] - r.of(Math.log(inside)));
          if (dBoundary != null) {
            double slope = r.of(weights[kind] / inside);
            dBoundary[highest] = r.of(dBoundary[highest] + (kind == NEGATIVE ? -slope : slope));
          }
        });
  }

  /** Position of the first maximum on a path; a NaN is the largest. */
  private static int highest(double[] boundary, Pairs pairs, int path, int source) {
    PathIndex paths = pairs.paths();
    int best = -1;
    for (int c = paths.begin(path); c < paths.begin(path + 1); c++) {
      int at = source + paths.dy(c) * pairs.w() + paths.dx(c);
      if (best < 0
          || boundary[at] > boundary[best]
          || (Double.isNaN(boundary[at]) && !Double.isNaN(boundary[best]))) {
        best = at;
      }
    }
    return best;
  }

  public void displacementLoss(
      double[] displacement,
      int[] label,
      Pairs pairs,
      float[] weights,
      double[] losses,
      double @Nullable [] dDisplacement) {
    Arrays.fill(losses, 0);
    if (dDisplacement != null) {
      Arrays.fill(dDisplacement, 0);
    }
    PathIndex paths = pairs.paths();
    pairs.each(
        label,
        (image, path, source, destination, kind) -> {
          if (kind == NEGATIVE) {
            return;
          }
          int first = paths.begin(path);
          for (int axis = 0; axis < 2; axis++) {
            int offset = axis == 0 ? paths.dy(first) : paths.dx(first);
            double difference =
                r.of(displacement[2 * source + axis] - displacement[2 * destination + axis]);
            double off = kind == FOREGROUND ? r.of(difference - offset) : difference;
            int term = image * 2 + kind;
            losses[term] = r.of(losses[term] + Math.abs(off));
            if (dDisplacement != null) {
              double slope = weights[kind] * Math.signum(off);
              int from = 2 * source + axis;
              int to = 2 * destination + axis;
              dDisplacement[from] = r.of(dDisplacement[from] + slope);
              dDisplacement[to] = r.of(dDisplacement[to] - slope);
            }
          }
        });
  }

  /** Float64 whatever the rounding: the operation says so. out may not be maps. */
  public void randomWalk(
      double[] boundary,
      double[] maps,
      int h,
      int w,
      PathIndex paths,
      double beta,
      int steps,
      double[] out) {
    int positions = h * w;
    double[][] affinity = affinities(boundary, h, w, paths, beta);
    double[] ones = new double[positions];
    Arrays.fill(ones, 1);
    double[] sums = product(affinity, ones, h, w, paths);
    for (int at = 0; at < maps.length; at += positions) {
      double[] now = new double[positions];
      for (int p = 0; p < positions; p++) {
        now[p] = maps[at + p] * (1 - boundary[p]);
      }
      for (int step = 0; step < steps; step++) {
        now = product(affinity, now, h, w, paths);
        for (int p = 0; p < positions; p++) {
          now[p] /= sums[p];
        }
      }
      System.arraycopy(now, 0, out, at, positions);
    }
  }

  /** Of each path the affinity of every source whose destination lies in the map, else 0. */
  private static double[][] affinities(
      double[] boundary, int h, int w, PathIndex paths, double beta) {
    Pairs pairs = new Pairs(1, h, w, paths, 0);
    double[][] affinity = new double[paths.count()][h * w];
    for (int path = 0; path < paths.count(); path++) {
      for (int p = 0; p < h * w; p++) {
        if (inside(paths, path, p, h, w)) {
          double highest = boundary[highest(boundary, pairs, path, p)];
          affinity[path][p] = Math.pow(1 - highest, beta);
        }
      }
    }
    return affinity;
  }

  private static boolean inside(PathIndex paths, int path, int p, int h, int w) {
    int y = p / w + paths.dy(paths.begin(path));
    int x = p % w + paths.dx(paths.begin(path));
    return y < h && x >= 0 && x < w;
  }

  /** {@code sum_i x_i A_ij} with the symmetric A that has ones on its diagonal. */
  private static double[] product(double[][] affinity, double[] x, int h, int w, PathIndex paths) {
    double[] y = x.clone();
    for (int path = 0; path < paths.count(); path++) {
      int shift = paths.dy(paths.begin(path)) * w + paths.dx(paths.begin(path));
      for (int p = 0; p < h * w; p++) {
        if (inside(paths, path, p, h, w)) {
          y[p] += affinity[path][p] * x[p + shift];
          y[p + shift] += affinity[path][p] * x[p];
        }
      }
    }
    return y;
  }
}
