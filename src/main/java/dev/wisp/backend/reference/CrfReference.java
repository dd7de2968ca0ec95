package dev.wisp.backend.reference;

import dev.wisp.backend.CrfOptions;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@link dev.wisp.backend.CrfOps} on arrays; layouts and formulas as documented there. The geometry
 * is float32 as everywhere, values are as the rounding says.
 */
public final class CrfReference {
  private static final float FARTHEST = 0x1p24f;

  private final Rounding r;

  public CrfReference(Rounding rounding) {
    this.r = rounding;
  }

  /** A lattice: for each pixel the vertices of its corners and their weights. */
  private final class Lattice {
    private final int d;
    private final float[] scales;
    private final int pixels;
    private final int[] vertex;
    private final float[] weight;
    private final Map<IntBuffer, Integer> numbers = new HashMap<>();

    /** For each axis the vertices on both sides of each vertex, -1 where there is none. */
    private final int[][] beside;

    Lattice(double @Nullable [] image, int h, int w, float spatial, float colour) {
      d = image == null ? 2 : 5;
      scales = new float[d];
      float deviation = (float) (Math.sqrt(2.0 / 3.0) * (d + 1));
      for (int i = 0; i < d; i++) {
        scales[i] = (float) (1 / Math.sqrt((i + 1.0) * (i + 2.0)) * deviation);
      }
      pixels = h * w;
      vertex = new int[pixels * (d + 1)];
      weight = new float[pixels * (d + 1)];
      float[] feature = new float[d];
      for (int p = 0; p < pixels; p++) {
        feature[0] = bounded((float) (p % w) / spatial);
        feature[1] = bounded((float) (p / w) / spatial);
        for (int c = 0; image != null && c < 3; c++) {
          feature[2 + c] = bounded((float) image[p * 3 + c] / colour);
        }
        enter(feature, p);
      }
      if (pixels % 4 != 0) {
        enter(new float[d], -1);
      }
      beside = new int[d + 1][2 * numbers.size()];
      numbers.forEach(
          (key, number) -> {
            for (int axis = 0; axis <= d; axis++) {
              beside[axis][2 * number] = neighbour(key.array(), axis, -1);
              beside[axis][2 * number + 1] = neighbour(key.array(), axis, 1);
            }
          });
    }

    private int neighbour(int[] key, int axis, int step) {
      int[] other = key.clone();
      for (int i = 0; i < d; i++) {
        other[i] += i == axis ? -step * d : step;
      }
      return numbers.getOrDefault(IntBuffer.wrap(other), -1);
    }

    private static float bounded(float feature) {
      return feature >= -FARTHEST ? Math.min(feature, FARTHEST) : -FARTHEST;
    }

    /** Finds the simplex around a point; its corners become vertices, for a pixel its own. */
    private void enter(float[] feature, int pixel) {
      float[] elevated = new float[d + 1];
      float sum = 0;
      for (int j = d; j > 0; j--) {
        float part = feature[j - 1] * scales[j - 1];
        elevated[j] = sum - j * part;
        sum = sum + part;
      }
      elevated[0] = sum;
      float inverse = 1.0f / (d + 1);
      int[] base = new int[d + 1];
      int[] rank = new int[d + 1];
      int excess = 0;
      for (int i = 0; i <= d; i++) {
        int nearest = (int) Math.rint(elevated[i] * inverse);
        base[i] = nearest * (d + 1);
        excess += nearest;
      }
      for (int i = 0; i < d; i++) {
        for (int j = i + 1; j <= d; j++) {
          rank[elevated[i] - (float) base[i] < elevated[j] - (float) base[j] ? i : j]++;
        }
      }
      for (int i = 0; i <= d; i++) {
        rank[i] += excess;
        int over = rank[i] < 0 ? d + 1 : rank[i] > d ? -(d + 1) : 0;
        rank[i] += over;
        base[i] += over;
      }
      float[] shares = new float[d + 2];
      for (int i = 0; i <= d; i++) {
        float v = (elevated[i] - (float) base[i]) * inverse;
        shares[d - rank[i]] += v;
        shares[d + 1 - rank[i]] -= v;
      }
      shares[0] += 1.0f + shares[d + 1];
      for (int remainder = 0; remainder <= d; remainder++) {
        int[] key = new int[d];
        for (int i = 0; i < d; i++) {
          key[i] = base[i] + (rank[i] <= d - remainder ? remainder : remainder - (d + 1));
        }
        int number = numbers.computeIfAbsent(IntBuffer.wrap(key), unseen -> numbers.size());
        if (pixel >= 0) {
          vertex[pixel * (d + 1) + remainder] = number;
          weight[pixel * (d + 1) + remainder] = shares[remainder];
        }
      }
    }

    /** The filter of one channel. */
    double[] filter(double[] values) {
      double[] now = new double[numbers.size()];
      for (int k = 0; k < vertex.length; k++) {
        now[vertex[k]] = r.of(now[vertex[k]] + r.of(weight[k] * values[k / (d + 1)]));
      }
      for (int axis = 0; axis <= d; axis++) {
        double[] next = new double[now.length];
        for (int v = 0; v < now.length; v++) {
          double sum = r.of(value(now, beside[axis][2 * v]) + value(now, beside[axis][2 * v + 1]));
          next[v] = r.of(now[v] + r.of(0.5 * sum));
        }
        now = next;
      }
      double share = r.of(1 / (1 + Math.pow(2, -d)));
      double[] out = new double[pixels];
      for (int p = 0; p < pixels; p++) {
        double sum = 0;
        for (int k = p * (d + 1); k < (p + 1) * (d + 1); k++) {
          sum = r.of(sum + r.of(weight[k] * now[vertex[k]]));
        }
        out[p] = r.of(share * sum);
      }
      return out;
    }

    private static double value(double[] now, int vertex) {
      return vertex < 0 ? 0 : now[vertex];
    }
  }

  /** image may be null; values and out are {@code [channels, h, w]}. */
  public void latticeFilter(
      double @Nullable [] image,
      int h,
      int w,
      float spatial,
      float colour,
      double[] values,
      double[] out) {
    int pixels = h * w;
    if (values.length == 0) {
      return;
    }
    Lattice lattice = new Lattice(image, h, w, spatial, colour);
    for (int at = 0; at < values.length; at += pixels) {
      double[] channel = Arrays.copyOfRange(values, at, at + pixels);
      System.arraycopy(lattice.filter(channel), 0, out, at, pixels);
    }
  }

  /** unary and q are {@code [labels, h, w]}. */
  public void denseCrf(
      double[] unary, double[] image, int h, int w, CrfOptions options, double[] q) {
    int pixels = h * w;
    if (unary.length == 0) {
      return;
    }
    double[] start = new double[unary.length];
    for (int i = 0; i < start.length; i++) {
      start[i] = -unary[i];
    }
    softmax(start, pixels, q);
    if (options.steps() == 0) {
      return;
    }
    Lattice gaussian = new Lattice(null, h, w, options.gaussianSpatial(), 1);
    Lattice bilateral =
        new Lattice(image, h, w, options.bilateralSpatial(), options.bilateralColour());
    double[] gaussianNorm = norm(gaussian, pixels);
    double[] bilateralNorm = norm(bilateral, pixels);
    for (int step = 0; step < options.steps(); step++) {
      double[] logits = start.clone();
      message(gaussian, gaussianNorm, options.gaussianCompat(), q, logits);
      message(bilateral, bilateralNorm, options.bilateralCompat(), q, logits);
      softmax(logits, pixels, q);
    }
  }

  private double[] norm(Lattice lattice, int pixels) {
    double[] ones = new double[pixels];
    Arrays.fill(ones, 1);
    double[] norm = lattice.filter(ones);
    for (int p = 0; p < pixels; p++) {
      norm[p] = r.of(1 / r.of(Math.sqrt(r.of(norm[p] + 1e-20))));
    }
    return norm;
  }

  private void message(Lattice lattice, double[] norm, float compat, double[] q, double[] logits) {
    int pixels = norm.length;
    for (int at = 0; at < q.length; at += pixels) {
      double[] scaled = new double[pixels];
      for (int p = 0; p < pixels; p++) {
        scaled[p] = r.of(norm[p] * q[at + p]);
      }
      double[] filtered = lattice.filter(scaled);
      for (int p = 0; p < pixels; p++) {
        double message = r.of(compat * r.of(norm[p] * filtered[p]));
        logits[at + p] = r.of(logits[at + p] + message);
      }
    }
  }

  private void softmax(double[] logits, int pixels, double[] q) {
    for (int p = 0; p < pixels; p++) {
      double largest = logits[p];
      for (int at = p; at < logits.length; at += pixels) {
        largest = logits[at] > largest ? logits[at] : largest;
      }
      double sum = 0;
      for (int at = p; at < logits.length; at += pixels) {
        q[at] = r.of(Math.exp(r.of(logits[at] - largest)));
        sum = r.of(sum + q[at]);
      }
      for (int at = p; at < logits.length; at += pixels) {
        q[at] = r.of(q[at] / sum);
      }
    }
  }
}
