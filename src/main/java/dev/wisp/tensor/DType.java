package dev.wisp.tensor;

/** Element type of a {@link Tensor}. */
public enum DType {
  /** IEEE single precision. */
  F32(4),
  /** Signed 32-bit integer: class ids, pixel indices. */
  I32(4),
  /** Unsigned byte: images, masks. */
  U8(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }
}
