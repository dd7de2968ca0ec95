package dev.wisp.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/** Writes 8-bit PNGs: RGB pictures and palette masks. */
final class PngEncoder {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int UP = 2;
  private static final int NONE = 0;

  private PngEncoder() {}

  static void rgb(OutputStream out, Image image) throws IOException {
    begin(out, image.width(), image.height(), PngDecoder.RGB);
    pixels(out, image.rgb(), 3 * image.width(), UP);
  }

  /** Indices are compressed unfiltered: runs of equal labels need no prediction. */
  static void palette(OutputStream out, Mask mask, byte[] palette) throws IOException {
    begin(out, mask.width(), mask.height(), PngDecoder.PALETTE);
    chunk(out, "PLTE", palette);
    pixels(out, mask.index(), mask.width(), NONE);
  }

  private static void begin(OutputStream out, int width, int height, int colourType)
      throws IOException {
    out.write(SIGNATURE);
    byte[] header =
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put((byte) 8)
            .put((byte) colourType)
            .array();
    chunk(out, "IHDR", header);
  }

  private static void pixels(OutputStream out, byte[] samples, int rowBytes, int filter)
      throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    Deflater deflater = new Deflater();
    try (DeflaterOutputStream deflated = new DeflaterOutputStream(compressed, deflater, 1 << 14)) {
      byte[] row = new byte[rowBytes + 1];
      row[0] = (byte) filter;
      for (int start = 0; start < samples.length; start += rowBytes) {
        System.arraycopy(samples, start, row, 1, rowBytes);
        for (int i = 0; filter == UP && start > 0 && i < rowBytes; i++) {
          row[i + 1] -= samples[start - rowBytes + i];
        }
        deflated.write(row);
      }
    } finally {
      deflater.end();
    }
    chunk(out, "IDAT", compressed.toByteArray());
    chunk(out, "IEND", new byte[0]);
  }

  private static void chunk(OutputStream out, String type, byte[] content) throws IOException {
    byte[] name = type.getBytes(StandardCharsets.ISO_8859_1);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(content);
    out.write(ByteBuffer.allocate(4).putInt(content.length).array());
    out.write(name);
    out.write(content);
    out.write(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }
}
