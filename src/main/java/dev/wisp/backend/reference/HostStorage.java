package dev.wisp.backend.reference;

import dev.wisp.tensor.Storage;
import java.util.Arrays;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Memory of the reference backend: a Java array, made at the first access because only then the
 * element type is known. Fresh floats are NaN, so that what an operation forgets to write shows.
 */
final class HostStorage implements Storage {
  private final long bytes;
  private final LongConsumer freed;
  private @Nullable Object array;

  HostStorage(long bytes, LongConsumer freed) {
    this.bytes = bytes;
    this.freed = freed;
  }

  double[] doubles(int count) {
    if (array == null) {
      double[] fresh = new double[count];
      Arrays.fill(fresh, Double.NaN);
      array = fresh;
    }
    return (double[]) array;
  }

  int[] ints(int count) {
    if (array == null) {
      int[] fresh = new int[count];
      Arrays.fill(fresh, Integer.MIN_VALUE);
      array = fresh;
    }
    return (int[]) array;
  }

  byte[] bytes(int count) {
    if (array == null) {
      array = new byte[count];
    }
    return (byte[]) array;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public void free() {
    array = null;
    freed.accept(bytes);
  }
}
