package dev.wisp.io;

/** A tensor's elements as float in row-major order, read in pieces. One thread at a time. */
@FunctionalInterface
public interface FloatSource extends AutoCloseable {
  /** Elements that are read at once where nothing asks for another number. */
  int PIECE = 1 << 16;

  /** Copies elements {@code at .. at + count - 1} to the start of an array. */
  void read(long at, float[] into, int count);

  /** Lets go of what stands behind the elements. */
  @Override
  default void close() {}
}
