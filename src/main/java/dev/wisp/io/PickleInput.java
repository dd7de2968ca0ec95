package dev.wisp.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Bytes of a pickle, read ahead; lengths are checked against what is left before allocating. */
final class PickleInput {
  private static final int LONGEST_LINE = 1 << 16;

  private final Elements.Source source;
  private final long limit;
  private final ByteBuffer buffer = ByteBuffer.allocate(1 << 13).limit(0);
  private long next;

  /**
   * Input from a part of a file.
   *
   * @param position where it begins
   * @param limit where the file ends
   */
  PickleInput(Elements.Source source, long position, long limit) {
    this.source = source;
    this.next = position;
    this.limit = limit;
  }

  /** Where the next byte lies. */
  long position() {
    return next - buffer.remaining();
  }

  /** How many bytes are left in the file. */
  long remaining() {
    return limit - position();
  }

  int u1() throws IOException {
    if (!buffer.hasRemaining()) {
      if (next >= limit) {
        throw new EOFException();
      }
      buffer.clear().limit((int) Math.min(buffer.capacity(), limit - next));
      next += buffer.remaining();
      source.read(next - buffer.remaining(), buffer);
      buffer.flip();
    }
    return buffer.get() & 0xFF;
  }

  /** A little-endian integer of up to 8 bytes, unsigned below 8. */
  long little(int bytes) throws IOException {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (long) u1() << (8 * i);
    }
    return value;
  }

  int i4() throws IOException {
    return (int) little(4);
  }

  double bigEndianDouble() throws IOException {
    return Double.longBitsToDouble(Long.reverseBytes(little(8)));
  }

  byte[] bytes(long length) throws IOException {
    if (length < 0 || length > remaining() || length > Integer.MAX_VALUE - 8) {
      throw new EOFException();
    }
    byte[] bytes = new byte[(int) length];
    int buffered = Math.min(buffer.remaining(), bytes.length);
    buffer.get(bytes, 0, buffered);
    if (buffered < bytes.length) {
      source.read(next, ByteBuffer.wrap(bytes, buffered, bytes.length - buffered));
      next += bytes.length - buffered;
    }
    return bytes;
  }

  String utf8(long length) throws IOException {
    return new String(bytes(length), StandardCharsets.UTF_8);
  }

  String latin1(long length) throws IOException {
    return new String(bytes(length), StandardCharsets.ISO_8859_1);
  }

  /** The text up to a line feed. */
  String line() throws IOException {
    StringBuilder line = new StringBuilder();
    while (true) {
      int c = u1();
      if (c == '\n') {
        return line.toString();
      }
      if (line.length() >= LONGEST_LINE) {
        throw new IOException("a line does not end");
      }
      line.append((char) c);
    }
  }
}
