package dev.wisp.io;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * A PNG of any colour type, bit depth and interlacing, row by row. Own code because the JDK's
 * reader turns palettes, transparency and 16-bit samples into something else. Colour profiles,
 * gamma and transparency are left alone, as Pillow leaves them.
 */
final class PngDecoder {
  static final int GREY = 0;
  static final int RGB = 2;
  static final int PALETTE = 3;
  static final int GREY_ALPHA = 4;
  static final int RGB_ALPHA = 6;

  private static final long SIGNATURE = 0x89504E470D0A1A0AL;
  private static final int HEADER_END = 33;

  /** The best that deflate can do; larger pictures than this allows are not in the file. */
  private static final long BEST_RATIO = 1032;

  /** Column start, row start, column step, row step of Adam7's passes. */
  private static final int[][] PASSES = {
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
  };

  /** Takes unfiltered rows; pixel i of a row lies at column {@code x0 + i * dx}. */
  interface Rows {
    void row(int y, int x0, int dx, int pixels, byte[] packed);
  }

  private final Path file;
  private final ByteBuffer in;
  private final int width;
  private final int height;
  private final int depth;
  private final int colourType;
  private final boolean interlaced;
  private final List<ByteBuffer> compressed = new ArrayList<>();
  private byte @Nullable [] palette;
  private int orientation = ExifOrientation.UPRIGHT;

  /** Reads the header; {@link #readChunks} then reads the rest. */
  PngDecoder(Path file, byte[] data) {
    this.file = file;
    this.in = ByteBuffer.wrap(data);
    if (data.length < HEADER_END) {
      throw FileErrors.of(file, "truncated PNG: only " + data.length + " bytes");
    }
    if (in.getInt(8) != 13 || !"IHDR".equals(type(12))) {
      throw FileErrors.of(file, "damaged PNG: it does not begin with a header");
    }
    checkCrc(12, 17);
    width = in.getInt(16);
    height = in.getInt(20);
    depth = in.get(24) & 0xFF;
    colourType = in.get(25) & 0xFF;
    int interlace = in.get(28) & 0xFF;
    interlaced = interlace == 1;
    if (!validDepth() || in.get(26) != 0 || in.get(27) != 0 || interlace > 1) {
      throw FileErrors.of(
          file, "damaged PNG: colour type " + colourType + " with " + depth + " bits");
    }
    ImageCodec.checkSize(file, width, height);
    in.position(HEADER_END);
  }

  static boolean isPng(byte[] data) {
    return data.length >= 8 && ByteBuffer.wrap(data).getLong(0) == SIGNATURE;
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /** Bits a sample: 1, 2, 4, 8 or 16. */
  int depth() {
    return depth;
  }

  int colourType() {
    return colourType;
  }

  /** The orientation of an eXIf chunk, 1..8. */
  int orientation() {
    return orientation;
  }

  /** The palette's colours, three bytes each, 768 bytes; those not in the file are black. */
  byte[] palette() {
    if (palette == null) {
      throw FileErrors.of(file, "damaged PNG: the palette is missing");
    }
    return palette;
  }

  private boolean validDepth() {
    return switch (colourType) {
      case GREY -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
      case PALETTE -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
      case RGB, GREY_ALPHA, RGB_ALPHA -> depth == 8 || depth == 16;
      default -> false;
    };
  }

  /** Reads all chunks and checks their checksums. */
  PngDecoder readChunks() {
    while (true) {
      int at = in.position();
      if (in.remaining() < 12) {
        throw FileErrors.of(file, "truncated PNG: its end is missing");
      }
      int length = in.getInt(at);
      String type = type(at + 4);
      if (length < 0 || length > in.remaining() - 12) {
        throw FileErrors.of(file, "truncated PNG: chunk " + type + " is not whole");
      }
      checkCrc(at + 4, length + 4);
      ByteBuffer content = in.slice(at + 8, length);
      in.position(at + 12 + length);
      switch (type) {
        case "IDAT" -> compressed.add(content);
        case "PLTE" -> palette = palette(content);
        case "eXIf" -> orientation = ExifOrientation.of(content);
        case "IEND" -> {
          return this;
        }
        default -> {
          if (Character.isUpperCase(type.charAt(0))) {
            throw FileErrors.of(file, "unsupported PNG: unknown critical chunk " + type);
          }
        }
      }
    }
  }

  private byte[] palette(ByteBuffer content) {
    int length = content.remaining();
    if (length == 0 || length % 3 != 0 || length > 768) {
      throw FileErrors.of(file, "damaged PNG: a palette of " + length + " bytes");
    }
    byte[] colours = new byte[768];
    content.get(colours, 0, length);
    return colours;
  }

  private String type(int at) {
    byte[] letters = new byte[4];
    in.get(at, letters);
    return new String(letters, StandardCharsets.ISO_8859_1);
  }

  private void checkCrc(int at, int length) {
    CRC32 crc = new CRC32();
    crc.update(in.slice(at, length));
    if ((int) crc.getValue() != in.getInt(at + length)) {
      throw FileErrors.of(file, "damaged PNG: checksum of chunk " + type(at) + " is wrong");
    }
  }

  /** Decompresses the pixels and hands every row out. */
  void decode(Rows rows) {
    int bits =
        depth
            * switch (colourType) {
              case RGB -> 3;
              case GREY_ALPHA -> 2;
              case RGB_ALPHA -> 4;
              default -> 1;
            };
    long available = 0;
    for (ByteBuffer piece : compressed) {
      available += piece.remaining();
    }
    if (((long) width * height * bits + 7) / 8 > available * BEST_RATIO) {
      throw FileErrors.of(
          file, "damaged PNG: " + width + "x" + height + " pixels in " + available + " bytes");
    }
    try (Inflater inflater = new Inflater()) {
      if (interlaced) {
        for (int[] pass : PASSES) {
          pass(inflater, rows, bits, pass[0], pass[1], pass[2], pass[3]);
        }
      } else {
        pass(inflater, rows, bits, 0, 0, 1, 1);
      }
    } catch (DataFormatException e) {
      throw FileErrors.of(file, "damaged PNG: " + e.getMessage(), e);
    }
  }

  private void pass(Inflater inflater, Rows rows, int bits, int x0, int y0, int dx, int dy)
      throws DataFormatException {
    int pixels = (width - x0 + dx - 1) / dx;
    if (pixels <= 0) {
      return;
    }
    int bytes = (int) (((long) pixels * bits + 7) / 8);
    int step = Math.max(1, bits / 8);
    byte[] filter = new byte[1];
    byte[] above = new byte[bytes];
    byte[] row = new byte[bytes];
    for (int y = y0; y < height; y += dy) {
      inflate(inflater, filter, 1);
      inflate(inflater, row, bytes);
      if (!PngFilters.undo(filter[0], row, above, step)) {
        throw FileErrors.of(file, "damaged PNG: row filter " + filter[0]);
      }
      rows.row(y, x0, dx, pixels, row);
      byte[] swap = above;
      above = row;
      row = swap;
    }
  }

  private void inflate(Inflater inflater, byte[] into, int length) throws DataFormatException {
    int done = 0;
    while (done < length) {
      int n = inflater.inflate(into, done, length - done);
      done += n;
      if (n == 0) {
        if (!inflater.needsInput() || compressed.isEmpty()) {
          throw FileErrors.of(file, "truncated PNG: pixels are missing");
        }
        inflater.setInput(compressed.removeFirst());
      }
    }
  }
}
