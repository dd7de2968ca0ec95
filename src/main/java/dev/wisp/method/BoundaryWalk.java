package dev.wisp.method;

import dev.wisp.backend.Backend;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Pseudo-labels by a random walk of localisation maps that class boundaries hold back (method.md
 * section 10): maps are brought to the boundary's grid, sharpened by a power, walk, and are
 * enlarged to the image again. The background's map walks too; there is no threshold.
 */
public final class BoundaryWalk {
  private final Backend backend;
  private final IrnNet.Field boundary;
  private final Options options;
  private final List<float[]> maps = new ArrayList<>();

  /**
   * How maps walk.
   *
   * @param power maps are raised to it first
   * @param radius of the paths, 2..64
   * @param beta power of the affinities
   * @param steps of the walk
   */
  public record Options(double power, int radius, double beta, int steps) {
    public Options {
      if (!(power > 0 && beta >= 0) || steps < 0 || radius < 2 || radius > 64) {
        throw new IllegalArgumentException(
            "random walk of power %s, radius %d, beta %s, %d steps"
                .formatted(power, radius, beta, steps));
      }
    }

    /** As published: power 1.5, radius 5, beta 10, 2^8 steps. */
    public static Options published() {
      return new Options(1.5, 5, 10, 256);
    }
  }

  /** A walk without maps: {@link #add} them in the order of their classes. */
  public BoundaryWalk(Backend backend, IrnNet.Field boundary, Options options) {
    this.backend = backend;
    this.boundary = boundary;
    this.options = options;
  }

  /** Adds a map {@code [height, width]} of any size; only its reduction is kept. */
  public void add(float[] map, int height, int width) {
    maps.add(
        backend.compute(
            () -> {
              try (Scope scope = backend.scope()) {
                Tensor from = scope.f32(1, height, width, 1);
                Tensor to = scope.f32(1, boundary.height(), boundary.width(), 1);
                backend.upload(map, from);
                backend.resizeBilinear(from, to, 0, false);
                return backend.floats(to);
              }
            }));
  }

  /** The reduced maps to the power, {@code [maps, h, w]}. */
  public float[] sharpened() {
    int size = boundary.height() * boundary.width();
    float[] all = new float[maps.size() * size];
    for (int k = 0; k < maps.size(); k++) {
      for (int p = 0; p < size; p++) {
        all[k * size + p] = (float) Math.pow(maps.get(k)[p], options.power());
      }
    }
    return all;
  }

  /** Where the maps have walked to, {@code [maps, h, w]}. */
  public float[] walked() {
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor from = scope.f32(maps.size(), boundary.height(), boundary.width());
            Tensor edges = scope.f32(boundary.height(), boundary.width());
            Tensor to = scope.f32(maps.size(), boundary.height(), boundary.width());
            backend.upload(sharpened(), from);
            backend.upload(boundary.values(), edges);
            backend.randomWalk(
                edges,
                from,
                PathIndex.of(options.radius()),
                (float) options.beta(),
                options.steps(),
                to);
            return backend.floats(to);
          }
        });
  }

  /**
   * The walked maps at the image's size, divided by the largest value of all; zeros stay.
   *
   * @param stride image pixels per position of the boundary
   * @return {@code [maps, height, width]}
   */
  public float[] enlarged(int height, int width, int stride) {
    int h = stride * boundary.height();
    int w = stride * boundary.width();
    if (h < height || w < width) {
      throw new IllegalArgumentException(
          "a boundary of %dx%d is less than an image of %dx%d"
              .formatted(boundary.height(), boundary.width(), height, width));
    }
    float[] small = walked();
    int size = boundary.height() * boundary.width();
    float[] scores = new float[Math.multiplyExact(maps.size(), height * width)];
    float[] row = new float[w];
    backend.run(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor from = scope.f32(1, boundary.height(), boundary.width(), 1);
            Tensor to = scope.f32(1, h, w, 1);
            for (int k = 0; k < maps.size(); k++) {
              backend.upload(Arrays.copyOfRange(small, k * size, (k + 1) * size), from);
              backend.resizeBilinear(from, to, 0, false);
              for (int y = 0; y < height; y++) {
                backend.download(to, (long) y * w, row, width);
                System.arraycopy(row, 0, scores, (k * height + y) * width, width);
              }
            }
          }
        });
    float largest = 0;
    for (float score : scores) {
      largest = Math.max(largest, score);
    }
    for (int i = 0; largest > 0 && i < scores.length; i++) {
      scores[i] /= largest;
    }
    return scores;
  }

  /**
   * The class of the largest map per pixel, the first among equals.
   *
   * @param ids classes of the maps in their order, 0 first
   */
  public byte[] labels(int[] ids, int height, int width, int stride) {
    float[] scores = enlarged(height, width, stride);
    int pixels = height * width;
    byte[] labels = new byte[pixels];
    for (int p = 0; p < pixels; p++) {
      int best = 0;
      for (int k = 1; k < ids.length; k++) {
        best = scores[k * pixels + p] > scores[best * pixels + p] ? k : best;
      }
      labels[p] = (byte) ids[best];
    }
    return labels;
  }
}
