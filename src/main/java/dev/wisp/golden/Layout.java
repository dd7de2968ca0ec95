package dev.wisp.golden;

/** Between the files' planar layout and the engine's channels-last one. */
final class Layout {
  private Layout() {}

  /** {@code [n, c, h, w]} to {@code [n, h, w, c]}. */
  static float[] channelsLast(float[] planar, int... nchw) {
    int c = nchw[1];
    int positions = nchw[2] * nchw[3];
    float[] out = new float[planar.length];
    for (int i = 0; i < planar.length; i++) {
      int p = i % positions;
      int ch = i / positions % c;
      int n = i / positions / c;
      out[(n * positions + p) * c + ch] = planar[i];
    }
    return out;
  }
}
