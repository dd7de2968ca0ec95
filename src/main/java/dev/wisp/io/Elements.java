package dev.wisp.io;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A run of stored elements: where they are, their type, order and number; turns them into arrays.
 * Reads in bounded pieces, so that nothing beyond the result is allocated.
 *
 * @param file for messages
 * @param name the tensor's, for messages
 * @param source where the bytes come from
 * @param position of the first byte in the source
 * @param count number of elements
 */
record Elements(
    Path file,
    String name,
    Source source,
    long position,
    ElementType type,
    ByteOrder order,
    long count)
    implements NamedTensors.Values {
  private static final int PIECE = 1 << 18;

  /** Random access to bytes. */
  interface Source {
    /** Fills the buffer from this position on; throws EOFException when the source is too short. */
    void read(long position, ByteBuffer into) throws IOException;
  }

  private interface Sink {
    void put(int index, ByteBuffer piece);
  }

  @Override
  public float[] floats() {
    float[] result = new float[length()];
    floats(result);
    return result;
  }

  private void floats(float[] result) {
    switch (type) {
      case F32 -> bulk((piece, at, n) -> piece.asFloatBuffer().get(result, at, n));
      case F64 -> each((i, piece) -> result[i] = (float) piece.getDouble());
      case F16 -> each((i, piece) -> result[i] = Float.float16ToFloat(piece.getShort()));
      case BF16 -> each((i, piece) -> result[i] = bfloat(piece.getShort()));
      default -> each((i, piece) -> result[i] = (float) integer(piece));
    }
  }

  /** The elements as float in pieces. */
  FloatSource pieces() {
    return (at, into, n) -> part(at, n).floats(into);
  }

  private Elements part(long at, int n) {
    Objects.checkFromIndexSize(at, n, count);
    return new Elements(file, name, source, position + at * type.bytes(), type, order, n);
  }

  @Override
  public double[] doubles() {
    double[] result = new double[length()];
    switch (type) {
      case F64 -> bulk((piece, at, n) -> piece.asDoubleBuffer().get(result, at, n));
      case F32 -> each((i, piece) -> result[i] = piece.getFloat());
      case F16 -> each((i, piece) -> result[i] = Float.float16ToFloat(piece.getShort()));
      case BF16 -> each((i, piece) -> result[i] = bfloat(piece.getShort()));
      default -> each((i, piece) -> result[i] = (double) integer(piece));
    }
    return result;
  }

  @Override
  public long[] longs() {
    if (type.isFloat()) {
      throw problem("holds " + type + " elements where whole numbers are expected");
    }
    long[] result = new long[length()];
    each((i, piece) -> result[i] = integer(piece));
    return result;
  }

  @Override
  public byte[] bytes() {
    if (type.bytes() != 1) {
      throw problem("holds " + type + " elements where bytes are expected");
    }
    byte[] result = new byte[length()];
    bulk((piece, at, n) -> piece.get(result, at, n));
    return result;
  }

  private interface Bulk {
    void take(ByteBuffer piece, int at, int n);
  }

  private void bulk(Bulk bulk) {
    int total = length();
    int perPiece = PIECE / type.bytes();
    ByteBuffer buffer = ByteBuffer.allocate(Math.min(total, perPiece) * type.bytes()).order(order);
    for (int at = 0; at < total; at += perPiece) {
      int n = Math.min(perPiece, total - at);
      buffer.clear().limit(n * type.bytes());
      try {
        source.read(position + (long) at * type.bytes(), buffer);
      } catch (IOException e) {
        throw FileErrors.of(
            file, "tensor '" + name + "' cannot be read: " + FileErrors.reason(e), e);
      }
      bulk.take(buffer.flip(), at, n);
    }
  }

  private void each(Sink sink) {
    bulk(
        (piece, at, n) -> {
          for (int i = 0; i < n; i++) {
            sink.put(at + i, piece);
          }
        });
  }

  private long integer(ByteBuffer piece) {
    return switch (type) {
      case I64 -> piece.getLong();
      case U64 -> {
        long value = piece.getLong();
        if (value < 0) {
          throw problem("holds a number above 2^63 - 1");
        }
        yield value;
      }
      case I32 -> piece.getInt();
      case U32 -> Integer.toUnsignedLong(piece.getInt());
      case I16 -> piece.getShort();
      case U16 -> Short.toUnsignedLong(piece.getShort());
      case I8 -> piece.get();
      case U8 -> Byte.toUnsignedLong(piece.get());
      case BOOL -> piece.get() == 0 ? 0 : 1;
      case F64, F32, F16, BF16 -> throw new AssertionError(type);
    };
  }

  private static float bfloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  private int length() {
    if (count > Integer.MAX_VALUE - 8) {
      throw problem("has " + count + " elements, more than an array holds");
    }
    return (int) count;
  }

  private WispException problem(String what) {
    return FileErrors.of(file, "tensor '" + name + "' " + what);
  }
}
