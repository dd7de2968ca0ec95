package dev.wisp.pipeline;

import dev.wisp.io.ProtobufMessage;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
    ProtobufMessage header = new ProtobufMessage();
    header.fixed64(1, Double.doubleToRawLongBits(seconds()));
    header.text(3, "brain.Event:2");
    events.record(header.toByteArray());
    return events;
  }

  /** Adds scalars of one step. */
  void scalars(long step, Map<String, Double> values) throws IOException {
    ProtobufMessage summary = new ProtobufMessage();
    values.forEach(
        (tag, value) -> {
          ProtobufMessage entry = new ProtobufMessage();
          entry.text(1, tag);
          entry.fixed32(2, Float.floatToRawIntBits(value.floatValue()));
          summary.message(1, entry);
        });
    ProtobufMessage event = new ProtobufMessage();
    event.fixed64(1, Double.doubleToRawLongBits(seconds()));
    event.varint(2, step);
    event.message(5, summary);
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
}
