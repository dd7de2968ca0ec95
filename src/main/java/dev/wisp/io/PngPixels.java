package dev.wisp.io;

import java.nio.file.Path;

/** PNG samples as colours, the way Pillow's {@code convert("RGB")} makes them, and as labels. */
final class PngPixels {
  private PngPixels() {}

  /**
   * Colours: alpha and transparency are dropped; grey of 1, 2 and 4 bits is stretched to 0..255;
   * 16-bit colour and grey with alpha keep the high byte; plain 16-bit grey is clipped at 255
   * (Pillow's mode I;16 keeps the number and clips when it becomes RGB).
   */
  static Image rgb(PngDecoder png) {
    int width = png.width();
    byte[] rgb = new byte[3 * width * png.height()];
    int depth = png.depth();
    byte[] palette = png.colourType() == PngDecoder.PALETTE ? png.palette() : new byte[0];
    png.decode(
        (y, x0, dx, pixels, packed) -> {
          int to = 3 * (y * width + x0);
          for (int i = 0; i < pixels; i++, to += 3 * dx) {
            switch (png.colourType()) {
              case PngDecoder.GREY -> grey(rgb, to, grey(packed, i, depth));
              case PngDecoder.GREY_ALPHA -> grey(rgb, to, packed[i * depth / 4]);
              case PngDecoder.PALETTE ->
                  System.arraycopy(palette, 3 * sample(packed, i, depth), rgb, to, 3);
              default -> {
                int bytes = depth / 8;
                int channels = png.colourType() == PngDecoder.RGB ? 3 : 4;
                for (int c = 0; c < 3; c++) {
                  rgb[to + c] = packed[(i * channels + c) * bytes];
                }
              }
            }
          }
        });
    return new Image(width, png.height(), rgb);
  }

  private static void grey(byte[] rgb, int to, byte value) {
    rgb[to] = value;
    rgb[to + 1] = value;
    rgb[to + 2] = value;
  }

  private static byte grey(byte[] packed, int i, int depth) {
    return (byte)
        (depth == 16
            ? Math.min(255, sample(packed, i, 16))
            : sample(packed, i, depth) * (255 / ((1 << depth) - 1)));
  }

  /** Labels: palette indices or grey values as they are stored. */
  static Mask labels(Path file, PngDecoder png) {
    if (png.colourType() != PngDecoder.PALETTE && png.colourType() != PngDecoder.GREY) {
      throw FileErrors.of(file, "a colour picture, not a mask: masks are palette or grey PNGs");
    }
    int width = png.width();
    int depth = png.depth();
    byte[] index = new byte[width * png.height()];
    png.decode(
        (y, x0, dx, pixels, packed) -> {
          for (int i = 0, to = y * width + x0; i < pixels; i++, to += dx) {
            int label = sample(packed, i, depth);
            if (label > 255) {
              throw FileErrors.of(
                  file, "label " + label + " at column " + (x0 + i * dx) + ", row " + y);
            }
            index[to] = (byte) label;
          }
        });
    return new Mask(width, png.height(), index);
  }

  /** Sample i of a row with one sample a pixel. */
  private static int sample(byte[] packed, int i, int depth) {
    return switch (depth) {
      case 16 -> (packed[2 * i] & 0xFF) << 8 | (packed[2 * i + 1] & 0xFF);
      case 8 -> packed[i] & 0xFF;
      default -> {
        int perByte = 8 / depth;
        int shift = 8 - depth * (i % perByte + 1);
        yield packed[i / perByte] >> shift & ((1 << depth) - 1);
      }
    };
  }
}
