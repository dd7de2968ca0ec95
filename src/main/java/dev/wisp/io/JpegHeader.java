package dev.wisp.io;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What the markers of a JPEG say.
 *
 * @param components of the frame: 1 grey, 3 colour, 4 CMYK or YCCK
 * @param adobeTransform of the Adobe marker, -1 where there is none
 * @param orientation Exif's, 1..8
 * @param complete whether the scans are followed by the end-of-image marker
 */
record JpegHeader(
    int width, int height, int components, int adobeTransform, int orientation, boolean complete) {
  private static final int EXIF = 0xE1;
  private static final int ADOBE = 0xEE;
  private static final int START_OF_SCAN = 0xDA;
  private static final int END_OF_IMAGE = 0xD9;

  /** Whether the bytes begin as a JPEG does. */
  static boolean isJpeg(byte[] data) {
    return data.length >= 3
        && data[0] == (byte) 0xFF
        && data[1] == (byte) 0xD8
        && data[2] == (byte) 0xFF;
  }

  /**
   * Walks over the markers.
   *
   * @param toTheEnd false stops at the first scan, and {@code complete} is then false
   * @return null when the data end before a frame header
   */
  static @Nullable JpegHeader read(byte[] data, boolean toTheEnd) {
    return new Walk(data).walk(toTheEnd);
  }

  private static final class Walk {
    private final byte[] data;
    private int at = 2;
    private int width;
    private int height;
    private int components;
    private int adobe = -1;
    private int orientation = ExifOrientation.UPRIGHT;
    private boolean scanned;

    Walk(byte[] data) {
      this.data = data;
    }

    @Nullable JpegHeader walk(boolean toTheEnd) {
      while (true) {
        int marker = nextMarker();
        if (marker < 0) {
          return result(false);
        }
        if (marker == END_OF_IMAGE) {
          return result(scanned);
        }
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
          continue;
        }
        if (at + 2 > data.length) {
          return result(false);
        }
        int length = u16(at);
        if (length < 2 || at + length > data.length) {
          return result(false);
        }
        segment(marker, at + 2, length - 2);
        at += length;
        if (marker == START_OF_SCAN) {
          if (!toTheEnd) {
            return result(false);
          }
          scanned = true;
        }
      }
    }

    private @Nullable JpegHeader result(boolean complete) {
      return components == 0
          ? null
          : new JpegHeader(width, height, components, adobe, orientation, complete);
    }

    /** Skips entropy-coded bytes, stuffed zeros and restarts; -1 at the end of the data. */
    private int nextMarker() {
      while (at + 1 < data.length) {
        int code = data[at + 1] & 0xFF;
        if (data[at] != (byte) 0xFF || code == 0xFF) {
          at++;
        } else if (code == 0 || (code >= 0xD0 && code <= 0xD7)) {
          at += 2;
        } else {
          at += 2;
          return code;
        }
      }
      return -1;
    }

    private void segment(int marker, int start, int length) {
      boolean frame =
          marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
      if (frame && length >= 6 && components == 0) {
        height = u16(start + 1);
        width = u16(start + 3);
        components = data[start + 5] & 0xFF;
      } else if (marker == EXIF && length > 6 && begins(start, "Exif\0\0")) {
        orientation = ExifOrientation.of(ByteBuffer.wrap(data, start + 6, length - 6));
      } else if (marker == ADOBE && length >= 12 && begins(start, "Adobe")) {
        adobe = data[start + 11] & 0xFF;
      }
    }

    private boolean begins(int start, String text) {
      for (int i = 0; i < text.length(); i++) {
        if (data[start + i] != text.charAt(i)) {
          return false;
        }
      }
      return true;
    }

    private int u16(int offset) {
      return (data[offset] & 0xFF) << 8 | (data[offset + 1] & 0xFF);
    }
  }
}
