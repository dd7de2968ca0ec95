package dev.wisp.io;

/** The five row filters of PNG, section 9 of its specification. */
final class PngFilters {
  private PngFilters() {}

  /**
   * Turns a filtered row into samples, in place.
   *
   * @param above the row above as samples; zeros for the first
   * @param step bytes a pixel, at least 1
   * @return false for an unknown filter
   */
  static boolean undo(int filter, byte[] row, byte[] above, int step) {
    int n = row.length;
    switch (filter) {
      case 0 -> {}
      case 1 -> {
        for (int i = step; i < n; i++) {
          row[i] += row[i - step];
        }
      }
      case 2 -> {
        for (int i = 0; i < n; i++) {
          row[i] += above[i];
        }
      }
      case 3 -> {
        for (int i = 0; i < n; i++) {
          int left = i < step ? 0 : row[i - step] & 0xFF;
          row[i] += (byte) ((left + (above[i] & 0xFF)) >> 1);
        }
      }
      case 4 -> {
        for (int i = 0; i < n; i++) {
          int left = i < step ? 0 : row[i - step] & 0xFF;
          int corner = i < step ? 0 : above[i - step] & 0xFF;
          row[i] += (byte) paeth(left, above[i] & 0xFF, corner);
        }
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  static int paeth(int left, int up, int corner) {
    int toLeft = Math.abs(up - corner);
    int toUp = Math.abs(left - corner);
    int toCorner = Math.abs(left + up - 2 * corner);
    if (toLeft <= toUp && toLeft <= toCorner) {
      return left;
    }
    return toUp <= toCorner ? up : corner;
  }
}
