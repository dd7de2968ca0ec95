package dev.wisp.io;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * One tensor to be written: a name, an element type, a shape and the elements in row-major order as
 * an array of the matching Java type. The array is fetched when its turn comes, so a checkpoint
 * needs memory for one tensor at a time.
 */
public final class TensorEntry {
  private final String name;
  private final ElementType type;
  private final long[] shape;
  private final Supplier<?> elements; // Of an array, or of a FloatSource.

  private TensorEntry(String name, ElementType type, long[] shape, Supplier<?> elements) {
    this.name = Objects.requireNonNull(name, "name");
    this.type = type;
    this.shape = shape.clone();
    this.elements = elements;
    long unused = count(); // Refuses a bad shape here, where the caller can be seen.
  }

  /** An F32 tensor. */
  public static TensorEntry ofFloats(String name, long[] shape, float[] elements) {
    return new TensorEntry(name, ElementType.F32, shape, () -> elements);
  }

  /** An F32 tensor whose elements are fetched when they are written. */
  public static TensorEntry ofFloats(String name, long[] shape, Supplier<float[]> elements) {
    return new TensorEntry(name, ElementType.F32, shape, elements);
  }

  /**
   * An F32 tensor whose elements are read in pieces when they are written. A format that stores a
   * checksum ahead of the elements reads them twice.
   *
   * @param elements opens the source; it is closed again
   */
  public static TensorEntry ofPieces(String name, long[] shape, Supplier<FloatSource> elements) {
    return new TensorEntry(name, ElementType.F32, shape, elements);
  }

  /** An F64 tensor. */
  public static TensorEntry ofDoubles(String name, long[] shape, double[] elements) {
    return new TensorEntry(name, ElementType.F64, shape, () -> elements);
  }

  /** An I64 tensor. */
  public static TensorEntry ofLongs(String name, long[] shape, long[] elements) {
    return new TensorEntry(name, ElementType.I64, shape, () -> elements);
  }

  /** An I32 tensor. */
  public static TensorEntry ofInts(String name, long[] shape, int[] elements) {
    return new TensorEntry(name, ElementType.I32, shape, () -> elements);
  }

  /** A U8 tensor. */
  public static TensorEntry ofBytes(String name, long[] shape, byte[] elements) {
    return new TensorEntry(name, ElementType.U8, shape, () -> elements);
  }

  /** A BOOL tensor. */
  public static TensorEntry ofBooleans(String name, long[] shape, boolean[] elements) {
    return new TensorEntry(name, ElementType.BOOL, shape, () -> elements);
  }

  /** The tensor's name. */
  public String name() {
    return name;
  }

  /** The element type. */
  public ElementType type() {
    return type;
  }

  /** The lengths, outermost first; a new array each time. */
  public long[] shape() {
    return shape.clone();
  }

  /** The number of elements that the shape asks for. */
  public long count() {
    long count = 1;
    for (long length : shape) {
      if (length < 0) {
        throw new IllegalArgumentException("tensor '" + name + "': negative length " + length);
      }
      count = Math.multiplyExact(count, length);
    }
    return count;
  }

  /** Bytes of all elements. */
  long bytes() {
    return Math.multiplyExact(count(), (long) type.bytes());
  }

  /** Writes the elements, little-endian. */
  void writeTo(OutputStream out) throws IOException {
    Object given = elements.get();
    if (given instanceof FloatSource source) {
      try (source) {
        ElementWriter.write(out, source, count());
      }
    } else {
      ElementWriter.write(out, checked(given));
    }
  }

  /** An array of as many elements as the shape asks for. */
  private Object checked(Object array) {
    int length = java.lang.reflect.Array.getLength(array);
    if (length != count()) {
      throw new IllegalArgumentException(
          "tensor '"
              + name
              + "': shape asks for "
              + count()
              + " elements, the array has "
              + length);
    }
    return array;
  }
}
