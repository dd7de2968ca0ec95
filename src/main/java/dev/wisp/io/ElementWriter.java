package dev.wisp.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes arrays little-endian in bounded pieces. */
final class ElementWriter {
  private static final int PIECE = 1 << 16;

  private ElementWriter() {}

  /** Writes a float[], double[], long[], int[], byte[] or boolean[]. */
  static void write(OutputStream out, Object array) throws IOException {
    switch (array) {
      case byte[] a -> out.write(a);
      case boolean[] a ->
          pieces(out, a.length, 1, (buffer, i) -> buffer.put((byte) (a[i] ? 1 : 0)));
      case float[] a -> pieces(out, a.length, 4, (buffer, i) -> buffer.putFloat(a[i]));
      case int[] a -> pieces(out, a.length, 4, (buffer, i) -> buffer.putInt(a[i]));
      case double[] a -> pieces(out, a.length, 8, (buffer, i) -> buffer.putDouble(a[i]));
      case long[] a -> pieces(out, a.length, 8, (buffer, i) -> buffer.putLong(a[i]));
      default -> throw new IllegalArgumentException("cannot store " + array.getClass());
    }
  }

  /** Writes so many elements of a source. */
  static void write(OutputStream out, FloatSource source, long count) throws IOException {
    float[] piece = new float[(int) Math.min(count, FloatSource.PIECE)];
    ByteBuffer bytes =
        ByteBuffer.allocate(piece.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long at = 0; at < count; at += piece.length) {
      int n = (int) Math.min(piece.length, count - at);
      source.read(at, piece, n);
      bytes.asFloatBuffer().put(piece, 0, n);
      out.write(bytes.array(), 0, n * Float.BYTES);
    }
  }

  private interface Put {
    void at(ByteBuffer buffer, int index);
  }

  private static void pieces(OutputStream out, int count, int size, Put put) throws IOException {
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.min(PIECE, Math.max(1, count)) * size)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      if (!buffer.hasRemaining()) {
        out.write(buffer.array(), 0, buffer.position());
        buffer.clear();
      }
      put.at(buffer, i);
    }
    out.write(buffer.array(), 0, buffer.position());
  }
}
