package dev.wisp.io;

import java.io.IOException;

/** Tells harmless warnings of libjpeg from lost pixels. */
final class JpegWarnings {
  private JpegWarnings() {}

  /**
   * Whether the one warning is about bytes between the last pixel and the next marker. Such files
   * are common in photograph collections, nothing is missing in them, and Pillow reads them.
   */
  static boolean onlyExtraneousBytes(byte[] data) {
    try {
      var warnings = JpegRasters.read(data).warnings();
      return warnings.size() == 1 && warnings.getFirst().contains("extraneous bytes");
    } catch (IOException e) {
      return false;
    }
  }
}
