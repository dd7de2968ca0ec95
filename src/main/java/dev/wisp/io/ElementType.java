package dev.wisp.io;

/** Element types of stored tensors; the names are safetensors'. */
public enum ElementType {
  /** IEEE double precision. */
  F64(8),
  /** IEEE single precision. */
  F32(4),
  /** IEEE half precision. */
  F16(2),
  /** The upper half of a single. */
  BF16(2),
  /** Signed 64 bits. */
  I64(8),
  /** Signed 32 bits. */
  I32(4),
  /** Signed 16 bits. */
  I16(2),
  /** Signed 8 bits. */
  I8(1),
  /** Unsigned 64 bits; values above 2^63 - 1 cannot be read. */
  U64(8),
  /** Unsigned 32 bits. */
  U32(4),
  /** Unsigned 16 bits. */
  U16(2),
  /** Unsigned 8 bits. */
  U8(1),
  /** One byte, 0 or 1. */
  BOOL(1);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether the elements are floating-point numbers. */
  public boolean isFloat() {
    return this == F64 || this == F32 || this == F16 || this == BF16;
  }
}
