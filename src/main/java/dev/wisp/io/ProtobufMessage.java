package dev.wisp.io;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** A protocol buffer message under construction, field by field. */
public final class ProtobufMessage {
  private static final int FIXED64 = 1;
  private static final int DELIMITED = 2;
  private static final int FIXED32 = 5;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** An integer or an enumeration's number. */
  public void varint(int field, long value) {
    raw((long) field << 3);
    raw(value);
  }

  /** Eight bytes, such as a double's bits. */
  public void fixed64(int field, long bits) {
    raw((long) field << 3 | FIXED64);
    little(bits, Long.BYTES);
  }

  /** Four bytes, such as a float's bits. */
  public void fixed32(int field, int bits) {
    raw((long) field << 3 | FIXED32);
    little(bits, Integer.BYTES);
  }

  /** A string in UTF-8. */
  public void text(int field, String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    begin(field, bytes.length);
    out.writeBytes(bytes);
  }

  /** A message within this one. */
  public void message(int field, ProtobufMessage value) {
    begin(field, value.out.size());
    out.writeBytes(value.toByteArray());
  }

  /** The beginning of bytes or of a message of that length, which the caller writes after it. */
  public void begin(int field, long length) {
    raw((long) field << 3 | DELIMITED);
    raw(length);
  }

  public byte[] toByteArray() {
    return out.toByteArray();
  }

  private void raw(long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.write((int) (rest & 0x7F | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  private void little(long bits, int bytes) {
    for (int i = 0; i < bytes; i++) {
      out.write((int) (bits >>> 8 * i));
    }
  }
}
