package dev.wisp.pipeline;

import java.util.Arrays;

/** A picture of captioned columns and one row per image, drawn into an RGB array. */
final class PictureGrid {
  private static final int GAP = 4;
  private static final int CAPTION = PixelFont.HEIGHT + 6;

  private final int cell;
  private final int columns;
  private final int rows;
  private final byte[] rgb;

  /** An empty grid of square cells of {@code cell} pixels with these captions over its columns. */
  PictureGrid(int cell, String[] captions, int rows) {
    this.cell = cell;
    this.columns = captions.length;
    this.rows = rows;
    this.rgb = new byte[3 * width() * height()];
    Arrays.fill(rgb, (byte) 255);
    for (int i = 0; i < columns; i++) {
      caption(captions[i], GAP + i * (cell + GAP));
    }
  }

  int width() {
    return GAP + columns * (cell + GAP);
  }

  int height() {
    return CAPTION + rows * (cell + GAP);
  }

  byte[] rgb() {
    return rgb;
  }

  private void caption(String text, int left) {
    int wide = text.length() * PixelFont.ADVANCE - 1;
    int begin = left + Math.max(0, (cell - wide) / 2);
    for (int y = 0; y < PixelFont.HEIGHT; y++) {
      for (int x = 0; x < Math.min(wide, cell); x++) {
        if (PixelFont.set(text, x, y)) {
          Arrays.fill(rgb, offset(begin + x, 3 + y), offset(begin + x, 3 + y) + 3, (byte) 0);
        }
      }
    }
  }

  /** Puts an image of any size into a cell, scaled by the nearest pixel, shape kept. */
  void put(int row, int column, byte[] image, int height, int width) {
    double scale = (double) cell / Math.max(height, width);
    int shownWidth = Math.max(1, (int) (width * scale));
    int shownHeight = Math.max(1, (int) (height * scale));
    for (int y = 0; y < shownHeight; y++) {
      for (int x = 0; x < shownWidth; x++) {
        int from =
            3
                * (Math.min(height - 1, (int) (y / scale)) * width
                    + Math.min(width - 1, (int) (x / scale)));
        int left = GAP + column * (cell + GAP) + (cell - shownWidth) / 2;
        int top = CAPTION + row * (cell + GAP) + (cell - shownHeight) / 2;
        System.arraycopy(image, from, rgb, offset(left + x, top + y), 3);
      }
    }
  }

  private int offset(int x, int y) {
    return 3 * (y * width() + x);
  }

  /**
   * An image darkened and coloured by its strongest foreground map.
   *
   * @param maps one per class of {@code ids}, in [0, 1], of the image's size
   * @param ids class ids; the background (0) is not shown
   */
  static byte[] heat(byte[] image, float[][] maps, int[] ids) {
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

  /** An image coloured by a label per pixel. */
  static byte[] overlay(byte[] image, byte[] label) {
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

  /** VOC's palette, brightened so that it shows on a photograph. */
  private static int colour(int id, int channel) {
    int value = 0;
    for (int bit = 0; bit < 8; bit++) {
      value |= (id >> 3 * bit + channel & 1) << 7 - bit;
    }
    return 55 + value * 200 / 255;
  }
}
