package dev.wisp.io;

/** The colours of PASCAL VOC's masks: the bits of an index dealt out to red, green and blue. */
public final class VocPalette {
  private VocPalette() {}

  /** The colour of a label 0..255 as 0xRRGGBB. */
  public static int rgb(int label) {
    if (label < 0 || label > 255) {
      throw new IllegalArgumentException("palette: label " + label + " is not within 0..255");
    }
    int red = 0;
    int green = 0;
    int blue = 0;
    int rest = label;
    for (int bit = 7; rest != 0; bit--, rest >>= 3) {
      red |= (rest & 1) << bit;
      green |= (rest >> 1 & 1) << bit;
      blue |= (rest >> 2 & 1) << bit;
    }
    return red << 16 | green << 8 | blue;
  }

  /** All 256 colours, three bytes each. A new array each time. */
  public static byte[] bytes() {
    byte[] palette = new byte[256 * 3];
    for (int label = 0; label < 256; label++) {
      int rgb = rgb(label);
      palette[3 * label] = (byte) (rgb >> 16);
      palette[3 * label + 1] = (byte) (rgb >> 8);
      palette[3 * label + 2] = (byte) rgb;
    }
    return palette;
  }
}
