package dev.wisp;

/** Argument checks of the operations on arrays. */
final class Arrays2d {
  private Arrays2d() {}

  static void requireSizes(String operation, int height, int width, int count) {
    if (height < 1 || width < 1 || count < 1) {
      throw new IllegalArgumentException(
          "%s: height %d, width %d and count %d must be at least 1"
              .formatted(operation, height, width, count));
    }
  }

  static void requireLength(String operation, String name, int length, int a, int b, int c) {
    if (c < 1 || length != (long) a * b * c) {
      throw new IllegalArgumentException(
          "%s: %s has %d elements, but [%d][%d][%d] needs %d"
              .formatted(operation, name, length, a, b, c, (long) a * b * c));
    }
  }
}
