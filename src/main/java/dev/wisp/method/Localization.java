package dev.wisp.method;

/**
 * Localisation maps of one image at its own size (method.md section 8).
 *
 * @param classes class ids of the maps: 0 (background), then the present ones, ascending
 * @param maps {@code [classes.length, height, width]} in 0..1
 */
public record Localization(int[] classes, int height, int width, float[] maps) {
  /**
   * Pseudo-labels: the class of the largest map, the first among equals.
   *
   * @param backgroundFactor multiplies the background's map first; the paper's rescaling is 0.8
   * @return {@code [height, width]} class ids
   */
  public int[] labels(float backgroundFactor) {
    int pixels = height * width;
    int[] labels = new int[pixels];
    for (int p = 0; p < pixels; p++) {
      float best = maps[p] * backgroundFactor;
      for (int k = 1; k < classes.length; k++) {
        float value = maps[k * pixels + p];
        if (value > best) {
          best = value;
          labels[p] = classes[k];
        }
      }
    }
    return labels;
  }
}
