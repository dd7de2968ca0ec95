package dev.wisp.pipeline;

import dev.wisp.io.VocPalette;

/** Photographs coloured by what was found in them, as RGB arrays of the photograph's size. */
public final class Overlay {
  private Overlay() {}

  /**
   * An image darkened and coloured by its strongest foreground map.
   *
   * @param image red, green, blue per pixel
   * @param maps one per class of {@code ids}, in [0, 1], of the image's size
   * @param ids class ids; the background (0) is not shown
   */
  public static byte[] heat(byte[] image, float[][] maps, int[] ids) {
    byte[] out = new byte[image.length];
    for (int p = 0; p < image.length / 3; p++) {
      int strongest = 0;
      float strength = 0;
      for (int k = 0; k < ids.length; k++) {
        if (ids[k] != 0 && maps[k][p] > strength) {
          strength = Math.min(1, maps[k][p]);
          strongest = ids[k];
        }
      }
      blend(image, out, p, strongest, strength * 0.85f, 0.6f);
    }
    return out;
  }

  /**
   * An image darkened and coloured by a label per pixel.
   *
   * @param image red, green, blue per pixel
   * @param label class id per pixel, unsigned; 0 (background) is left uncoloured
   */
  public static byte[] labels(byte[] image, byte[] label) {
    byte[] out = new byte[image.length];
    for (int p = 0; p < label.length; p++) {
      int id = label[p] & 0xFF;
      blend(image, out, p, id, id == 0 ? 0 : 0.75f, 0.6f);
    }
    return out;
  }

  private static void blend(
      byte[] image, byte[] out, int pixel, int id, float strength, float light) {
    for (int c = 0; c < 3; c++) {
      float under = (image[3 * pixel + c] & 0xFF) * light;
      out[3 * pixel + c] = (byte) Math.round(under + strength * (colour(id, c) - under));
    }
  }

  /**
   * A class's colour as 0xRRGGBB: VOC's palette, brightened so that it shows on a photograph.
   *
   * @param id class id, 0..255
   */
  public static int colour(int id) {
    return colour(id, 0) << 16 | colour(id, 1) << 8 | colour(id, 2);
  }

  private static int colour(int id, int channel) {
    int value = VocPalette.rgb(id) >> (16 - 8 * channel) & 0xFF;
    return 55 + value * 200 / 255;
  }
}
