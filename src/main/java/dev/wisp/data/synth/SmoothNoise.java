package dev.wisp.data.synth;

import dev.wisp.common.CounterRandom;

/** A smooth random field: random values on a coarse grid with smoothstep interpolation between. */
final class SmoothNoise {
  private final int cells;
  private final double[] grid;

  /** A field of {@code cells x cells} patches with values in [-1, 1]. */
  SmoothNoise(CounterRandom random, int cells) {
    this.cells = cells;
    this.grid = new double[(cells + 1) * (cells + 1)];
    for (int i = 0; i < grid.length; i++) {
      grid[i] = random.uniform(-1, 1);
    }
  }

  /** The value at a point of the unit square. */
  double at(double x, double y) {
    double gx = Math.clamp(x, 0, 1) * cells;
    double gy = Math.clamp(y, 0, 1) * cells;
    int ix = Math.min((int) gx, cells - 1);
    int iy = Math.min((int) gy, cells - 1);
    double tx = smooth(gx - ix);
    double ty = smooth(gy - iy);
    int row = iy * (cells + 1) + ix;
    double top = mix(grid[row], grid[row + 1], tx);
    double bottom = mix(grid[row + cells + 1], grid[row + cells + 2], tx);
    return mix(top, bottom, ty);
  }

  private static double smooth(double t) {
    return t * t * (3 - 2 * t);
  }

  private static double mix(double a, double b, double t) {
    return a + (b - a) * t;
  }
}
