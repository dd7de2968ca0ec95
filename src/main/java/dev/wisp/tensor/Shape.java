package dev.wisp.tensor;

import java.util.Arrays;

/**
 * Immutable sizes of a tensor, outermost first. A size may be 0 (an empty class set); it is never
 * negative, and the number of elements fits a long.
 */
public final class Shape {
  private final long[] sizes;
  private final long elements;

  private Shape(long[] sizes) {
    long product = 1;
    for (long size : sizes) {
      if (size < 0) {
        throw new IllegalArgumentException("negative size in shape " + Arrays.toString(sizes));
      }
      try {
        product = Math.multiplyExact(product, size);
      } catch (ArithmeticException tooLarge) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(sizes) + " has more elements than fit a long", tooLarge);
      }
    }
    this.sizes = sizes;
    this.elements = product;
  }

  /** A shape of the given sizes; no sizes make a scalar of one element. */
  public static Shape of(long... sizes) {
    return new Shape(sizes.clone());
  }

  public int rank() {
    return sizes.length;
  }

  /** Size of one axis; a negative axis counts from the end. */
  public long size(int axis) {
    return sizes[axis < 0 ? sizes.length + axis : axis];
  }

  /** Size of one axis as an int, for loops; a larger size is refused. */
  public int dim(int axis) {
    return Math.toIntExact(size(axis));
  }

  public long elements() {
    return elements;
  }

  public long[] toArray() {
    return sizes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape that && Arrays.equals(sizes, that.sizes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(sizes);
  }

  /** The sizes in brackets, {@code [2, 3]}. */
  @Override
  public String toString() {
    return Arrays.toString(sizes);
  }
}
