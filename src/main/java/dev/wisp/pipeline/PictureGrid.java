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
}
