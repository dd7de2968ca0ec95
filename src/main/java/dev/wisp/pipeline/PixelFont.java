package dev.wisp.pipeline;

/**
 * Capital letters, digits and a few signs in 5 x 7 dots, for captions in pictures. The JDK's fonts
 * need a native font library that servers often lack.
 */
final class PixelFont {
  static final int HEIGHT = 7;
  static final int ADVANCE = 6;

  private static final String SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.% ";

  /** Seven rows of five dots each, one hexadecimal pair a row, highest bit left. */
  private static final String[] ROWS = {
    "0E11111F111111", "1E11111E11111E", "0E11101010110E", "1E11111111111E", "1F10101E10101F",
    "1F10101E101010", "0E11101713110F", "1111111F111111", "0E04040404040E", "0702020202120C",
    "11121418141211", "1010101010101F", "111B1515111111", "11191513111111", "0E11111111110E",
    "1E11111E101010", "0E11111115120D", "1E11111E141211", "0F10100E01011E", "1F040404040404",
    "1111111111110E", "11111111110A04", "1111111515150A", "11110A040A1111", "11110A04040404",
    "1F01020408101F", "0E11131519110E", "040C040404040E", "0E11010204081F", "1F02040201110E",
    "02060A121F0202", "1F101E0101110E", "0608101E11110E", "1F010204080808", "0E11110E11110E",
    "0E11110F01020C", "0000001F000000", "00000000000C0C", "18190204081303", "00000000000000"
  };

  private PixelFont() {}

  /** Whether a dot of a text is set; a character without a glyph is blank. */
  static boolean set(String text, int x, int y) {
    int position = x / ADVANCE;
    int column = x % ADVANCE;
    if (x < 0 || y < 0 || position >= text.length() || column == 5 || y >= HEIGHT) {
      return false;
    }
    int sign = SIGNS.indexOf(Character.toUpperCase(text.charAt(position)));
    if (sign < 0) {
      return false;
    }
    int row = Integer.parseInt(ROWS[sign], 2 * y, 2 * y + 2, 16);
    return (row >> 4 - column & 1) == 1;
  }
}
