package dev.wisp.pipeline;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * A TensorBoard event file of scalars: TFRecord frames (length, masked CRC-32C, data, masked
 * CRC-32C) around hand-encoded {@code Event} messages. Not thread-safe.
 */
final class EventFile implements AutoCloseable {
  private final OutputStream out;

  private EventFile(OutputStream out) {
    this.out = out;
  }

  /** Starts a file, replacing one of the same name. */
  static EventFile create(Path file) throws IOException {
    EventFile events = new EventFile(new BufferedOutputStream(Files.newOutputStream(file)));
    Message header = new Message();
    header.fixed64(1, Double.doubleToRawLongBits(seconds()));
    header.bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8));
    events.record(header.toByteArray());
    return events;
  }

  /** Adds scalars of one step. */
  void scalars(long step, Map<String, Double> values) throws IOException {
    Message summary = new Message();
    values.forEach(
        (tag, value) -> {
          Message entry = new Message();
          entry.bytes(1, tag.getBytes(StandardCharsets.UTF_8));
          entry.fixed32(2, Float.floatToRawIntBits(value.floatValue()));
          summary.bytes(1, entry.toByteArray());
        });
    Message event = new Message();
    event.fixed64(1, Double.doubleToRawLongBits(seconds()));
    event.varint(2, step);
    event.bytes(5, summary.toByteArray());
    record(event.toByteArray());
  }

  void flush() throws IOException {
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private static double seconds() {
    return System.currentTimeMillis() / 1000.0;
  }

  private void record(byte[] data) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(16 + data.length).order(ByteOrder.LITTLE_ENDIAN);
    frame.putLong(data.length);
    frame.putInt(maskedCrc(frame.array(), 8));
    frame.put(data);
    frame.putInt(maskedCrc(data, data.length));
    out.write(frame.array());
  }

  /** CRC-32C rotated and offset, as the TFRecord format asks. */
  static int maskedCrc(byte[] data, int length) {
    CRC32C crc = new CRC32C();
    crc.update(data, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + 0xA282EAD8;
  }

  /** A protocol buffer message under construction. */
  private static final class Message {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void varint(int field, long value) {
      raw((long) field << 3);
      raw(value);
    }

    void fixed64(int field, long bits) {
      raw((long) field << 3 | 1);
      little(bits, 8);
    }

    void fixed32(int field, int bits) {
      raw((long) field << 3 | 5);
      little(bits, 4);
    }

    void bytes(int field, byte[] value) {
      raw((long) field << 3 | 2);
      raw(value.length);
      out.writeBytes(value);
    }

    byte[] toByteArray() {
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
}
