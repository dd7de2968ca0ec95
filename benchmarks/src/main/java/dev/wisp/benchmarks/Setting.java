package dev.wisp.benchmarks;

import dev.wisp.common.HashFill;

/**
 * Sizes and seeded inputs of the kernel workloads: 21 classes, of which the background and {@code
 * foreground} others are present; 32x32x768 features; a 128x128 guide. Arrays are {@code [N, C, H,
 * W]}, row-major.
 *
 * @param batch number of images
 * @param foreground present classes besides the background
 */
public record Setting(int batch, int foreground) {
  /** Classes with the background. */
  public static final int CLASSES = 21;

  /** Channels of the feature. */
  public static final int CHANNELS = 768;

  /** Side of the feature grid. */
  public static final int GRID = 32;

  /** Side of the guide image. */
  public static final int GUIDE = 128;

  private static final int POSITIONS = GRID * GRID;

  /** Present foreground classes of an image, ascending; they differ between images. */
  public int[] present(int image) {
    int[] ids = new int[foreground];
    for (int k = 0; k < foreground; k++) {
      ids[k] = 1 + image % 4 + 5 * k;
    }
    return ids;
  }

  /** 1 for the background and the present classes, else 0: {@code [N, classes]}. */
  public float[] validity() {
    float[] valid = new float[batch * CLASSES];
    for (int n = 0; n < batch; n++) {
      valid[n * CLASSES] = 1;
      for (int id : present(n)) {
        valid[n * CLASSES + id] = 1;
      }
    }
    return valid;
  }

  /**
   * Features with regions: each position three parts its region's vector and one part noise, so
   * that seeds are decided by clear margins.
   */
  public float[] features() {
    float[] prototypes = HashFill.uniforms("benchmark/prototypes", (foreground + 1) * CHANNELS);
    float[] values = HashFill.uniforms("benchmark/features", batch * CHANNELS * POSITIONS);
    for (int n = 0; n < batch; n++) {
      for (int c = 0; c < CHANNELS; c++) {
        int plane = (n * CHANNELS + c) * POSITIONS;
        for (int p = 0; p < POSITIONS; p++) {
          float base = prototypes[region(n, p) * CHANNELS + c];
          values[plane + p] = 0.75f * Math.max(0, 4 * base - 3) + 0.25f * values[plane + p];
        }
      }
    }
    return values;
  }

  /** Maps of the present classes in [0, 1], strongest in a part of the class's region. */
  public float[] maps() {
    float[] noise = HashFill.uniforms("benchmark/maps", batch * CLASSES * POSITIONS);
    float[] values = new float[batch * CLASSES * POSITIONS];
    for (int n = 0; n < batch; n++) {
      int[] ids = present(n);
      for (int p = 0; p < POSITIONS; p++) {
        float most = 0;
        for (int k = 0; k < ids.length; k++) {
          int at = (n * CLASSES + ids[k]) * POSITIONS + p;
          boolean inside = region(n, p) == k + 1;
          values[at] = inside ? 0.5f + 0.5f * noise[at] : 0.2f * noise[at];
          most = Math.max(most, values[at]);
        }
        values[n * CLASSES * POSITIONS + p] = 1 - most;
      }
    }
    return values;
  }

  /** Class of every position's seed, or -1: {@code [N, GRID, GRID]}; about a third have none. */
  public int[] seeds() {
    float[] drop = HashFill.uniforms("benchmark/seeds", batch * POSITIONS);
    int[] seeds = new int[batch * POSITIONS];
    for (int n = 0; n < batch; n++) {
      int[] ids = present(n);
      for (int p = 0; p < POSITIONS; p++) {
        int region = region(n, p);
        int id = region == 0 ? 0 : ids[region - 1];
        seeds[n * POSITIONS + p] = drop[n * POSITIONS + p] < 0.3f ? -1 : id;
      }
    }
    return seeds;
  }

  /** Guide images in [0, 1]: a colour a region, noise, and an exactly flat corner. */
  public float[] guides() {
    int pixels = GUIDE * GUIDE;
    int scale = GUIDE / GRID;
    float[] colours = HashFill.uniforms("benchmark/colours", (foreground + 1) * 3);
    float[] values = HashFill.uniforms("benchmark/guides", batch * 3 * pixels);
    for (int n = 0; n < batch; n++) {
      for (int c = 0; c < 3; c++) {
        for (int i = 0; i < GUIDE; i++) {
          for (int j = 0; j < GUIDE; j++) {
            int at = ((n * 3 + c) * GUIDE + i) * GUIDE + j;
            int region = region(n, i / scale * GRID + j / scale);
            boolean flat = i < GUIDE / 4 && j < GUIDE / 4;
            values[at] = flat ? 0.45f : 0.8f * colours[region * 3 + c] + 0.2f * values[at];
          }
        }
      }
    }
    return values;
  }

  /** 0 for the background, else 1 + the number of the present class: discs on the grid. */
  private int region(int image, int position) {
    int i = position / GRID;
    int j = position % GRID;
    for (int k = 0; k < foreground; k++) {
      int di = i - (8 + (7 * k + 3 * image) % 17);
      int dj = j - (8 + (13 * k + 5 * image) % 17);
      if (di * di + dj * dj < 49) {
        return k + 1;
      }
    }
    return 0;
  }
}
