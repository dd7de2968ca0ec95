package dev.wisp.io;

import java.awt.image.Raster;
import java.io.IOException;

/**
 * JPEGs of four components as Pillow reads them: stored inverted (Adobe's habit, assumed with and
 * without its marker), converted without a colour profile.
 */
final class CmykJpeg {
  private static final int HALF = 1 << 15;

  private CmykJpeg() {}

  static Image decode(byte[] data, JpegHeader header) throws IOException {
    JpegRasters.Decoded decoded = JpegRasters.read(data);
    String lost = JpegWarnings.lostPixels(decoded.warnings(), data.length);
    if (lost != null) {
      throw new IOException(lost);
    }
    Raster raster = decoded.raster();
    int width = raster.getWidth();
    int height = raster.getHeight();
    if (raster.getNumBands() != 4 || width != header.width() || height != header.height()) {
      throw new IOException("not the four components that its header promises");
    }
    // libjpeg takes every Adobe transform but 0 for YCCK.
    boolean ycck = header.adobeTransform() > 0;
    int[] row = new int[4 * width];
    byte[] rgb = new byte[3 * width * height];
    int to = 0;
    for (int y = 0; y < height; y++) {
      raster.getPixels(0, y, width, 1, row);
      for (int x = 0; x < row.length; x += 4) {
        if (ycck) {
          toCmy(row, x);
        }
        int k = row[x + 3];
        rgb[to++] = ink(row[x], k);
        rgb[to++] = ink(row[x + 1], k);
        rgb[to++] = ink(row[x + 2], k);
      }
    }
    return new Image(width, height, rgb);
  }

  /** libjpeg's ycck_cmyk_convert: 16-bit fixed point, then the complement. */
  private static void toCmy(int[] row, int x) {
    int luma = row[x];
    int cb = row[x + 1] - 128;
    int cr = row[x + 2] - 128;
    row[x] = clamp(255 - (luma + ((fixed(1.40200) * cr + HALF) >> 16)));
    row[x + 1] = clamp(255 - (luma + ((-fixed(0.34414) * cb - fixed(0.71414) * cr + HALF) >> 16)));
    row[x + 2] = clamp(255 - (luma + ((fixed(1.77200) * cb + HALF) >> 16)));
  }

  /** One colour of Pillow's CMYK to RGB from inverted samples: k - round((255 - c) * k / 255). */
  private static byte ink(int c, int k) {
    int product = (255 - c) * k + 128;
    return (byte) clamp(k - ((product + (product >> 8)) >> 8));
  }

  private static int fixed(double factor) {
    return (int) (factor * (1 << 16) + 0.5);
  }

  private static int clamp(int value) {
    return Math.clamp(value, 0, 255);
  }
}
