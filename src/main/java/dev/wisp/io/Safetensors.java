package dev.wisp.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A safetensors file: 8 bytes of header length, a JSON header, the tensors' bytes (little-endian,
 * row-major, without gaps). Read by position rather than mapped: a file that shrinks under a map
 * takes the process with it, and a read is as fast once the page is cached.
 */
public final class Safetensors extends NamedTensors<SafetensorsHeader.Entry> {
  /** The longest header, as in the format's own library. */
  static final long LONGEST_HEADER = 100_000_000;

  private final FileChannel channel;
  private final SafetensorsHeader header;
  private final long dataStart;

  private Safetensors(Path path, FileChannel channel, SafetensorsHeader header, long dataStart) {
    super(path, header.tensors());
    this.channel = channel;
    this.header = header;
    this.dataStart = dataStart;
  }

  /**
   * Opens a file and checks its header against its length.
   *
   * @throws dev.wisp.common.WispException for a missing, truncated or malformed file
   */
  public static Safetensors open(Path path) {
    FileChannel channel = null;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
      Safetensors opened = open(path, channel);
      channel = null;
      return opened;
    } catch (IOException e) {
      throw FileErrors.reading(path, e);
    } finally {
      closeQuietly(channel);
    }
  }

  private static Safetensors open(Path path, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw FileErrors.of(path, "not a safetensors file: only " + size + " bytes");
    }
    ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, 0, length);
    long headerLength = length.getLong(0);
    if (headerLength < 2 || headerLength > LONGEST_HEADER) {
      throw FileErrors.of(
          path,
          "not a safetensors file: its first 8 bytes give a header of "
              + Long.toUnsignedString(headerLength)
              + " bytes");
    }
    if (headerLength > size - 8) {
      throw FileErrors.of(
          path,
          "truncated: the header needs " + headerLength + " bytes, the file has " + (size - 8));
    }
    ByteBuffer json = ByteBuffer.allocate((int) headerLength);
    readFully(channel, 8, json);
    long dataStart = 8 + headerLength;
    SafetensorsHeader header = SafetensorsHeader.parse(path, json.array(), size - dataStart);
    return new Safetensors(path, channel, header, dataStart);
  }

  /**
   * Writes a file, whole or not at all.
   *
   * @param metadata free-form text entries; empty for none
   * @throws IllegalArgumentException when two entries have the same name
   * @throws dev.wisp.common.WispException when the file system refuses
   */
  public static void write(Path path, List<TensorEntry> entries, Map<String, String> metadata) {
    SafetensorsWriter.write(path, entries, metadata);
  }

  @Override
  public ElementType type(String name) {
    return entry(name).type();
  }

  @Override
  public long[] shape(String name) {
    return entry(name).shape().clone();
  }

  @Override
  public Map<String, String> metadata() {
    return header.metadata();
  }

  @Override
  public FloatSource pieces(String name) {
    return values(name).pieces();
  }

  /** Idempotent. */
  @Override
  public void close() {
    closeQuietly(channel);
  }

  @Override
  Elements values(String name) {
    if (!channel.isOpen()) {
      throw new IllegalStateException("safetensors file is closed: " + path);
    }
    SafetensorsHeader.Entry entry = entry(name);
    return new Elements(
        path,
        name,
        (position, into) -> {
          try {
            readFully(channel, position, into);
          } catch (ClosedChannelException e) {
            throw new IllegalStateException("safetensors file is closed: " + path, e);
          }
        },
        dataStart + entry.begin(),
        entry.type(),
        ByteOrder.LITTLE_ENDIAN,
        entry.count());
  }

  static void readFully(FileChannel channel, long position, ByteBuffer into) throws IOException {
    long at = position;
    while (into.hasRemaining()) {
      int read = channel.read(into, at);
      if (read < 0) {
        throw new EOFException();
      }
      at += read;
    }
  }

  static void closeQuietly(@Nullable FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // Closing a file that was only read loses nothing.
      }
    }
  }
}
