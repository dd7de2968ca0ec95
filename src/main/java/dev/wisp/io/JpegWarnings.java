package dev.wisp.io;

import java.io.IOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Tells harmless warnings of libjpeg from lost pixels. */
final class JpegWarnings {
  private static final Pattern EXTRANEOUS = Pattern.compile(".*?(\\d{1,9}) extraneous bytes.*");

  /** More left over than this means that the pixels were read with the wrong tables. */
  private static final int MOST_EXTRANEOUS = 512;

  private JpegWarnings() {}

  /** What libjpeg says when pixels are lost; other warnings are about profiles and markers. */
  private static final Pattern LOST =
      Pattern.compile("(?i).*(corrupt|premature|truncated|inconsistent|invalid|too many).*");

  /**
   * Whether the one warning is about a few bytes between the last pixel and the next marker. Such
   * files are common in photograph collections, nothing is missing in them, and Pillow reads them.
   */
  static boolean onlyExtraneousBytes(byte[] data) {
    try {
      List<String> warnings = decoder(JpegRasters.read(data).warnings());
      return warnings.size() == 1 && harmless(warnings.getFirst(), data.length);
    } catch (IOException e) {
      return false;
    }
  }

  /** The first warning that means lost pixels, or null. */
  static @Nullable String lostPixels(List<String> warnings, int fileLength) {
    for (String warning : decoder(warnings)) {
      if (LOST.matcher(warning).matches() && !harmless(warning, fileLength)) {
        return warning;
      }
    }
    return null;
  }

  /** The JDK's own remarks on colour profiles say nothing about pixels. */
  private static List<String> decoder(List<String> warnings) {
    return warnings.stream().filter(warning -> !warning.contains("rofile")).toList();
  }

  private static boolean harmless(String warning, int fileLength) {
    Matcher extraneous = EXTRANEOUS.matcher(warning);
    return extraneous.matches()
        && Integer.parseInt(extraneous.group(1)) <= Math.min(MOST_EXTRANEOUS, fileLength / 50);
  }
}
