package dev.wisp.tensor;

/** Element type of a {@link Tensor}. */
public enum DType {
  /** IEEE single precision. */
  F32(4),
  /** IEEE half precision: activations and their gradients in mixed precision. */
  F16(2),
  /** Signed 32-bit integer: class ids, pixel indices. */
  I32(4),
  /** Unsigned byte: images, masks. */
  U8(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Whether it is a floating-point type. */
  public boolean isReal() {
    return this == F32 || this == F16;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }
}
