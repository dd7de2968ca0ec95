package dev.wisp.data.transform;

/**
 * ImageNet's normalisation, {@code (value / 255 - mean) / std}: computed in double, rounded to
 * float once, by table.
 */
public final class Normalizer {
  private static final double[] MEAN = {0.485, 0.456, 0.406};
  private static final double[] STD = {0.229, 0.224, 0.225};
  private static final float[][] TABLE = table();

  private Normalizer() {}

  /** Mean per channel as float, for undoing the normalisation. */
  public static float[] mean() {
    return new float[] {(float) MEAN[0], (float) MEAN[1], (float) MEAN[2]};
  }

  /** Standard deviation per channel as float. */
  public static float[] std() {
    return new float[] {(float) STD[0], (float) STD[1], (float) STD[2]};
  }

  /** All of an image, HWC RGB. */
  public static float[] normalize(byte[] rgb) {
    float[] values = new float[rgb.length];
    normalize(rgb, 0, rgb.length / 3, values, 0);
    return values;
  }

  /** Normalises {@code pixels} pixels from one position of an RGB array to another of an array. */
  public static void normalize(byte[] rgb, int from, int pixels, float[] values, int to) {
    for (int i = 0; i < 3 * pixels; i += 3) {
      values[to + i] = TABLE[0][rgb[from + i] & 0xFF];
      values[to + i + 1] = TABLE[1][rgb[from + i + 1] & 0xFF];
      values[to + i + 2] = TABLE[2][rgb[from + i + 2] & 0xFF];
    }
  }

  private static float[][] table() {
    float[][] table = new float[3][256];
    for (int c = 0; c < 3; c++) {
      for (int v = 0; v < 256; v++) {
        table[c][v] = (float) ((v / 255.0 - MEAN[c]) / STD[c]);
      }
    }
    return table;
  }
}
