package dev.wisp.data.transform;

/** Image sizes after scaling: rounded half to even in double precision, at least one pixel. */
public final class Sizes {
  private Sizes() {}

  /**
   * A size in pixels.
   *
   * @param height at least 1
   * @param width at least 1
   */
  public record Size(int height, int width) {
    public long pixels() {
      return (long) height * width;
    }
  }

  /** The size times a factor. */
  public static Size scaled(int height, int width, double factor) {
    return new Size(side(height, factor), side(width, factor));
  }

  /** The size whose longer side is {@code target}. */
  public static Size longSide(int height, int width, int target) {
    return scaled(height, width, (double) target / Math.max(height, width));
  }

  private static int side(int side, double factor) {
    return (int) Math.max(1, Math.rint(side * factor));
  }
}
