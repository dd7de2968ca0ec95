package dev.wisp.io;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.leptonica.PIX;
import org.bytedeco.leptonica.global.leptonica;

/**
 * JPEG to RGB as Pillow's {@code convert("RGB")} gives it, by libjpeg-turbo (inside leptonica).
 * Four-component files go through {@link CmykJpeg}: leptonica's own conversion rounds differently.
 * Holds no state; decodes run in parallel.
 */
final class JpegDecoder {
  static {
    leptonica.setMsgSeverity(leptonica.L_SEVERITY_NONE);
  }

  private JpegDecoder() {}

  static Image decode(Path file, byte[] data, JpegHeader header) {
    if (!header.complete()) {
      // Found by our own walk: libjpeg would fill the rest with grey and only warn.
      throw FileErrors.of(file, "truncated JPEG: its end is missing");
    }
    if (header.components() == 4) {
      try {
        return CmykJpeg.decode(data, header);
      } catch (IOException e) {
        throw FileErrors.of(file, "damaged JPEG: " + FileErrors.reason(e), e);
      }
    }
    int[] warnings = new int[1];
    PIX pix = leptonica.pixReadMemJpeg(data, data.length, 0, 1, warnings, 0);
    if (pix == null && warnings[0] == 1 && JpegWarnings.onlyExtraneousBytes(data)) {
      int hint = leptonica.L_JPEG_CONTINUE_WITH_BAD_DATA;
      pix = leptonica.pixReadMemJpeg(data, data.length, 0, 1, warnings, hint);
    }
    if (pix == null) {
      throw FileErrors.of(
          file,
          warnings[0] > 0
              ? "damaged JPEG: the decoder gave " + warnings[0] + " warnings"
              : "damaged or unsupported JPEG");
    }
    try {
      return unpack(file, pix, header);
    } finally {
      leptonica.pixDestroy(pix);
    }
  }

  private static Image unpack(Path file, PIX pix, JpegHeader header) {
    int width = leptonica.pixGetWidth(pix);
    int height = leptonica.pixGetHeight(pix);
    int depth = leptonica.pixGetDepth(pix);
    if (width != header.width() || height != header.height() || (depth != 32 && depth != 8)) {
      throw FileErrors.of(file, "damaged or unsupported JPEG");
    }
    int[] row = new int[leptonica.pixGetWpl(pix)];
    byte[] rgb = new byte[width * height * 3];
    // The pointer is a view of the picture's memory: it must not outlive the picture.
    var words = leptonica.pixGetData(pix);
    for (int y = 0; y < height; y++) {
      words.position((long) y * row.length).get(row);
      if (depth == 32) {
        colour(row, width, rgb, 3 * y * width);
      } else {
        grey(row, width, rgb, 3 * y * width);
      }
    }
    return new Image(width, height, rgb);
  }

  private static void colour(int[] row, int width, byte[] rgb, int start) {
    int to = start;
    for (int x = 0; x < width; x++) {
      int word = row[x];
      rgb[to++] = (byte) (word >>> 24);
      rgb[to++] = (byte) (word >>> 16);
      rgb[to++] = (byte) (word >>> 8);
    }
  }

  /** Four pixels a word, the leftmost in the highest bits. */
  private static void grey(int[] row, int width, byte[] rgb, int start) {
    for (int x = 0; x < width; x++) {
      byte value = (byte) (row[x >> 2] >>> (24 - 8 * (x & 3)));
      Arrays.fill(rgb, start + 3 * x, start + 3 * x + 3, value);
    }
  }
}
