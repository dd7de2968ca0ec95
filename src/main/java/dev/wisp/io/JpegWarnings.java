package dev.wisp.io;

import java.io.IOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Tells harmless warnings of libjpeg from lost pixels. */
final class JpegWarnings {
  private static final Pattern EXTRANEOUS = Pattern.compile(".*?(\\d{1,9}) extraneous bytes.*");

  /** More left over than this means that the pixels were read with the wrong tables. */
  private static final int MOST_EXTRANEOUS = 512;

  private JpegWarnings() {}

  /**
   * Whether the one warning is about a few bytes between the last pixel and the next marker. Such
   * files are common in photograph collections, nothing is missing in them, and Pillow reads them.
   */
  static boolean onlyExtraneousBytes(byte[] data) {
    try {
      List<String> warnings = JpegRasters.read(data).warnings();
      if (warnings.size() != 1) {
        return false;
      }
      Matcher extraneous = EXTRANEOUS.matcher(warnings.getFirst());
      return extraneous.matches()
          && Integer.parseInt(extraneous.group(1)) <= Math.min(MOST_EXTRANEOUS, data.length / 50);
    } catch (IOException e) {
      return false;
    }
  }
}
