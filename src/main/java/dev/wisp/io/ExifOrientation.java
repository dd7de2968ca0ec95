package dev.wisp.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Which way up a camera held a picture: the orientation entry of Exif data. */
final class ExifOrientation {
  /** As stored. */
  static final int UPRIGHT = 1;

  private static final int TAG = 0x0112;
  private static final int SHORT = 3;

  private ExifOrientation() {}

  /** The orientation 1..8 in a TIFF block; 1 where there is none or the block is damaged. */
  static int of(ByteBuffer tiff) {
    if (tiff.remaining() < 8) {
      return UPRIGHT;
    }
    ByteBuffer in = tiff.slice();
    short order = in.getShort(0);
    if (order == 0x4949) {
      in.order(ByteOrder.LITTLE_ENDIAN);
    } else if (order != 0x4D4D) {
      return UPRIGHT;
    }
    long directory = Integer.toUnsignedLong(in.getInt(4));
    if (in.getShort(2) != 42 || directory + 2 > in.limit()) {
      return UPRIGHT;
    }
    int start = (int) directory + 2;
    int entries = Short.toUnsignedInt(in.getShort(start - 2));
    for (int at = start; at + 12 <= in.limit() && at < start + 12 * entries; at += 12) {
      if (Short.toUnsignedInt(in.getShort(at)) == TAG && in.getShort(at + 2) == SHORT) {
        int value = Short.toUnsignedInt(in.getShort(at + 8));
        return value >= 1 && value <= 8 ? value : UPRIGHT;
      }
    }
    return UPRIGHT;
  }

  /** Whether an orientation exchanges width and height. */
  static boolean swapsSides(int orientation) {
    return orientation >= 5;
  }

  /** The picture turned and mirrored so that it is seen as it was taken. */
  static Image apply(Image image, int orientation) {
    if (orientation == UPRIGHT) {
      return image;
    }
    int w = image.width();
    int h = image.height();
    int width = swapsSides(orientation) ? h : w;
    int height = swapsSides(orientation) ? w : h;
    byte[] from = image.rgb();
    byte[] to = new byte[from.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int sourceX =
            switch (orientation) {
              case 2, 3 -> w - 1 - x;
              case 4 -> x;
              case 5, 6 -> y;
              default -> w - 1 - y;
            };
        int sourceY =
            switch (orientation) {
              case 2 -> y;
              case 3, 4 -> h - 1 - y;
              case 5, 8 -> x;
              default -> h - 1 - x;
            };
        System.arraycopy(from, 3 * (sourceY * w + sourceX), to, 3 * (y * width + x), 3);
      }
    }
    return new Image(width, height, to);
  }
}
