package dev.wisp.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A NumPy array in memory, in row-major order. Immutable; accessors give new arrays. */
public final class NpyArray implements NamedTensors.Values {
  private final long[] shape;
  private final Elements elements;

  private NpyArray(long[] shape, Elements elements) {
    this.shape = shape;
    this.elements = elements;
  }

  /** An array over stored bytes, turned into row-major order where it is not. */
  static NpyArray of(Path file, String name, NpyHeader header, byte[] data) throws IOException {
    ElementType type = header.type();
    if (type == null) {
      throw new Pickles.PickleException("holds Python objects where an array is expected");
    }
    long count = header.count();
    if (count > data.length / type.bytes()) {
      throw new EOFException();
    }
    long[] shape = header.shape();
    ByteBuffer stored = ByteBuffer.wrap(data).order(header.order());
    ByteBuffer ordered =
        header.columnMajor() && count > 0
            ? Strides.gather(stored, shape, Strides.columnMajor(shape), type.bytes())
            : stored;
    return new NpyArray(
        shape,
        new Elements(
            file,
            name,
            (position, into) -> into.put(ordered.slice((int) position, into.remaining())),
            0,
            type,
            header.order(),
            count));
  }

  /** The element type. */
  public ElementType type() {
    return elements.type();
  }

  /** The lengths, outermost first; empty for a scalar. */
  public long[] shape() {
    return shape.clone();
  }

  /** The elements as float, rounded once. */
  @Override
  public float[] floats() {
    return elements.floats();
  }

  /** The elements as double. */
  @Override
  public double[] doubles() {
    return elements.doubles();
  }

  /** The elements of an integer or boolean array. */
  @Override
  public long[] longs() {
    return elements.longs();
  }

  /** The elements of an array of one byte an element. */
  @Override
  public byte[] bytes() {
    return elements.bytes();
  }

  /** The array's bytes from a stream that may be shorter than the header claims. */
  static byte[] data(NpyHeader header, NpyHeader.Bytes in, long available) throws IOException {
    @Nullable ElementType type = header.type();
    if (type == null) {
      throw new Pickles.PickleException("holds Python objects where an array is expected");
    }
    long count = header.count();
    if (count > available / type.bytes()) {
      throw new EOFException();
    }
    if (count * type.bytes() > Integer.MAX_VALUE - 8) {
      throw new Pickles.PickleException("an array larger than 2 GiB");
    }
    return in.next((int) count * type.bytes());
  }
}
