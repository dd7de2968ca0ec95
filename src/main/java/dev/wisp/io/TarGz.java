package dev.wisp.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;

/** Writes a gzipped tar archive (POSIX ustar) of regular files, the same bytes each time. */
public final class TarGz implements AutoCloseable {
  private static final int BLOCK = 512;
  private static final int LONGEST_NAME = 99;
  private static final int MODE = 0644;

  private final GZIPOutputStream out;

  /** An archive that goes to a stream, which it does not close. */
  public TarGz(OutputStream target) throws IOException {
    out = new GZIPOutputStream(target);
  }

  /**
   * Adds a file.
   *
   * @param name path in the archive, ASCII, at most 99 characters
   */
  public void add(String name, byte[] content) throws IOException {
    if (name.isEmpty()
        || name.length() > LONGEST_NAME
        || !StandardCharsets.US_ASCII.newEncoder().canEncode(name)) {
      throw new IllegalArgumentException("a tar archive cannot name '" + name + "'");
    }
    byte[] header = new byte[BLOCK];
    put(header, 0, name);
    octal(header, 100, 8, MODE);
    octal(header, 108, 8, 0);
    octal(header, 116, 8, 0);
    octal(header, 124, 12, content.length);
    octal(header, 136, 12, 0);
    put(header, 148, "        ");
    put(header, 156, "0");
    put(header, 257, "ustar");
    put(header, 263, "00");
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xFF;
    }
    put(header, 148, "%06o\0 ".formatted(sum));
    out.write(header);
    out.write(content);
    out.write(new byte[(BLOCK - content.length % BLOCK) % BLOCK]);
  }

  private static void put(byte[] header, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }

  /** A number of {@code length - 1} octal digits. */
  private static void octal(byte[] header, int at, int length, long value) {
    put(header, at, ("%0" + (length - 1) + "o").formatted(value));
  }

  /** Ends the archive; the stream below stays open. */
  @Override
  public void close() throws IOException {
    out.write(new byte[2 * BLOCK]);
    out.finish();
  }
}
