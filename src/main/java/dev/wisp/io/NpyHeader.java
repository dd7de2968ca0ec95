package dev.wisp.io;

import dev.wisp.io.Pickles.PickleException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The header of an npy file, versions 1 to 3.
 *
 * @param type the element type; null for Python objects
 * @param columnMajor whether the first index varies fastest (Fortran order)
 * @param length bytes before the data
 */
@SuppressWarnings("ArrayRecordComponent")
record NpyHeader(
    @Nullable ElementType type, ByteOrder order, boolean columnMajor, long[] shape, int length) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int LONGEST = 1 << 16;
  private static final Pattern DICTIONARY =
      Pattern.compile(
          "\\{\\s*'descr':\\s*'([^']{1,8})',\\s*'fortran_order':\\s*(True|False),"
              + "\\s*'shape':\\s*\\(([0-9,L ]*)\\),?\\s*}\\s*");

  /** Where a header's bytes come from. */
  interface Bytes {
    byte[] next(int count) throws IOException;
  }

  static NpyHeader read(Bytes in) throws IOException {
    byte[] start = in.next(8);
    if (start.length < 8 || !Arrays.equals(start, 0, 6, MAGIC, 0, 6)) {
      throw new PickleException("not a NumPy file");
    }
    int version = start[6];
    if (version < 1 || version > 3) {
      throw new PickleException("npy version " + version + " is not known");
    }
    byte[] size = in.next(version == 1 ? 2 : 4);
    long length = 0;
    for (int i = size.length - 1; i >= 0; i--) {
      length = length << 8 | (size[i] & 0xFF);
    }
    if (length > LONGEST) {
      throw new PickleException("damaged: an npy header of " + length + " bytes");
    }
    byte[] text = in.next((int) length);
    if (text.length < length || size.length < (version == 1 ? 2 : 4)) {
      throw new EOFException();
    }
    return parse(
        new String(text, version == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1),
        8 + size.length + text.length);
  }

  private static NpyHeader parse(String text, int length) throws PickleException {
    Matcher dictionary = DICTIONARY.matcher(text);
    if (!dictionary.matches()) {
      throw new PickleException("unsupported npy header: " + text.strip());
    }
    String descr = dictionary.group(1);
    long[] shape;
    try {
      shape =
          Arrays.stream(dictionary.group(3).replace("L", "").split(","))
              .map(String::strip)
              .filter(part -> !part.isEmpty())
              .mapToLong(Long::parseLong)
              .toArray();
    } catch (NumberFormatException e) {
      throw new PickleException("unsupported npy header: " + text.strip());
    }
    return new NpyHeader(
        descr.endsWith("O") ? null : type(descr),
        order(descr.charAt(0)),
        dictionary.group(2).equals("True"),
        shape,
        length);
  }

  /** The byte order of NumPy's prefix. */
  static ByteOrder order(char prefix) {
    return switch (prefix) {
      case '>' -> ByteOrder.BIG_ENDIAN;
      case '=' -> ByteOrder.nativeOrder();
      default -> ByteOrder.LITTLE_ENDIAN;
    };
  }

  /** The element type of NumPy's name for it, with or without byte order. */
  static ElementType type(String descr) throws PickleException {
    return switch (descr.replaceFirst("^[<>=|]", "")) {
      case "f8" -> ElementType.F64;
      case "f4" -> ElementType.F32;
      case "f2" -> ElementType.F16;
      case "i8" -> ElementType.I64;
      case "i4" -> ElementType.I32;
      case "i2" -> ElementType.I16;
      case "i1" -> ElementType.I8;
      case "u8" -> ElementType.U64;
      case "u4" -> ElementType.U32;
      case "u2" -> ElementType.U16;
      case "u1" -> ElementType.U8;
      case "b1", "?" -> ElementType.BOOL;
      default -> throw new PickleException("unsupported NumPy element type '" + descr + "'");
    };
  }

  /** The number of elements. */
  long count() throws PickleException {
    try {
      long count = 1;
      for (long n : shape) {
        count = Math.multiplyExact(count, n);
      }
      return count;
    } catch (ArithmeticException e) {
      throw new PickleException("damaged: an array larger than any memory");
    }
  }

  /** The header that NumPy would write for an array in row-major order, padded to 64 bytes. */
  static byte[] of(TensorEntry entry) {
    StringBuilder shape = new StringBuilder();
    for (long length : entry.shape()) {
      shape.append(length).append(", ");
    }
    int end = shape.length() - (entry.shape().length > 1 ? 2 : 1);
    String text =
        "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }"
            .formatted(descr(entry.type()), shape.substring(0, Math.max(0, end)));
    int total = (10 + text.length() + 1 + 63) / 64 * 64;
    String padded = text + " ".repeat(total - 10 - text.length() - 1) + "\n";
    byte[] header = Arrays.copyOf(MAGIC, total);
    header[6] = 1;
    header[8] = (byte) (total - 10);
    header[9] = (byte) ((total - 10) >> 8);
    byte[] ascii = padded.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(ascii, 0, header, 10, ascii.length);
    return header;
  }

  private static String descr(ElementType type) {
    return switch (type) {
      case F64 -> "<f8";
      case F32 -> "<f4";
      case I64 -> "<i8";
      case I32 -> "<i4";
      case U8 -> "|u1";
      case BOOL -> "|b1";
      default -> throw new IllegalArgumentException("npy: cannot write " + type);
    };
  }
}
