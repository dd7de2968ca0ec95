package dev.wisp.data.synth;

/**
 * The black-and-white patterns that tell classes apart: five shapes in a fine and a coarse period.
 * Mirroring shifts a pattern at most, because training mirrors.
 */
final class PartPattern {
  /** Number of distinct patterns, hence of classes. */
  static final int COUNT = 10;

  private PartPattern() {}

  /**
   * Whether the pattern is white at a point.
   *
   * @param pattern 0..COUNT-1
   * @param x horizontal distance from the part's centre in units of 1/128 of the image
   * @param y vertical distance, same unit
   */
  static boolean white(int pattern, double x, double y) {
    double period = pattern < 5 ? 5 : 9;
    double value =
        switch (pattern % 5) {
          case 0 -> y;
          case 1 -> Math.sqrt(x * x + y * y);
          case 2 -> x;
          case 3 -> Math.abs(x) + Math.abs(y);
          default -> stripe(x, period) == stripe(y, period) ? 0 : period / 2;
        };
    return stripe(value, period);
  }

  private static boolean stripe(double value, double period) {
    double phase = value / period;
    return phase - Math.floor(phase) < 0.5;
  }
}
