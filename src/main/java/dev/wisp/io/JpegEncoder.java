package dev.wisp.io;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.leptonica.PIX;
import org.bytedeco.leptonica.global.leptonica;

/** RGB to JPEG in memory, by libjpeg-turbo (inside leptonica). Holds no state. */
final class JpegEncoder {
  private static final int FULL_CHROMA = 0;
  private static final int BASELINE = 0;

  private JpegEncoder() {}

  /** Colour keeps its full resolution: edges of coloured labels stay sharp. */
  static byte[] encode(Image image, int quality) {
    PIX pix = leptonica.pixCreate(image.width(), image.height(), 32);
    if (pix == null) {
      throw new IllegalStateException(
          "no memory for a picture of " + image.width() + "x" + image.height() + " pixels");
    }
    try (PointerPointer<BytePointer> data = new PointerPointer<>(1);
        SizeTPointer size = new SizeTPointer(1)) {
      pack(image, pix);
      leptonica.pixSetChromaSampling(pix, FULL_CHROMA);
      if (leptonica.pixWriteMemJpeg(data, size, pix, quality, BASELINE) != 0) {
        throw new IllegalStateException("leptonica does not write this picture as a JPEG");
      }
      BytePointer encoded = new BytePointer(data.get(0));
      try {
        byte[] bytes = new byte[Math.toIntExact(size.get())];
        encoded.get(bytes);
        return bytes;
      } finally {
        leptonica.lept_free(encoded);
      }
    } finally {
      leptonica.pixDestroy(pix);
    }
  }

  private static void pack(Image image, PIX pix) {
    int[] row = new int[leptonica.pixGetWpl(pix)];
    byte[] rgb = image.rgb();
    // A view of the picture's memory, as in JpegDecoder.
    var words = leptonica.pixGetData(pix);
    for (int y = 0; y < image.height(); y++) {
      int from = 3 * y * image.width();
      for (int x = 0; x < image.width(); x++, from += 3) {
        row[x] =
            (rgb[from] & 0xFF) << 24 | (rgb[from + 1] & 0xFF) << 16 | (rgb[from + 2] & 0xFF) << 8;
      }
      words.position((long) y * row.length).put(row);
    }
  }
}
