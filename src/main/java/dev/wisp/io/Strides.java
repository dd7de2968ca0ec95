package dev.wisp.io;

import java.nio.ByteBuffer;

/** Strided arrays to row-major order; strides in elements. */
final class Strides {
  private Strides() {}

  /** The offset of the last element of an array that is not empty. */
  static long last(long[] shape, long[] stride) {
    long last = 0;
    for (int d = 0; d < shape.length; d++) {
      last += (shape[d] - 1) * stride[d];
    }
    return last;
  }

  /** Whether the elements already lie in row-major order without gaps. */
  static boolean rowMajor(long[] shape, long[] stride) {
    long expected = 1;
    for (int d = shape.length - 1; d >= 0; d--) {
      if (shape[d] != 1 && stride[d] != expected) {
        return false;
      }
      expected *= shape[d];
    }
    return true;
  }

  /** The strides of an array that is stored column by column (Fortran order). */
  static long[] columnMajor(long[] shape) {
    long[] stride = new long[shape.length];
    long next = 1;
    for (int d = 0; d < shape.length; d++) {
      stride[d] = next;
      next *= shape[d];
    }
    return stride;
  }

  /** The elements in row-major order; the input itself where they are already. */
  static ByteBuffer gather(ByteBuffer stored, long[] shape, long[] stride, int size) {
    if (rowMajor(shape, stride)) {
      return stored;
    }
    int count = 1;
    for (long length : shape) {
      count = Math.multiplyExact(count, (int) length);
    }
    ByteBuffer ordered = ByteBuffer.allocate(Math.multiplyExact(count, size)).order(stored.order());
    long[] at = new long[shape.length];
    long from = 0;
    for (int i = 0; i < count; i++) {
      ordered.put(i * size, stored, (int) from * size, size);
      for (int d = shape.length - 1; d >= 0; d--) {
        from += stride[d];
        if (++at[d] < shape[d]) {
          break;
        }
        from -= stride[d] * shape[d];
        at[d] = 0;
      }
    }
    return ordered;
  }
}
