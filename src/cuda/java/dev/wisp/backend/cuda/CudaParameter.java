package dev.wisp.backend.cuda;

import java.util.ArrayList;
import java.util.List;

/**
 * One parameter of a kernel, as its source declares it.
 *
 * @param kind how it is passed
 * @param name its name in the source
 */
record CudaParameter(Kind kind, String name) {

  /** The types a kernel may take; everything else, structs above all, is refused. */
  enum Kind {
    /** Any pointer, 64 bits. */
    POINTER(8),
    /** {@code long long}, signed or not. */
    I64(8),
    /** {@code int}, signed or not. */
    I32(4),
    /** {@code float}. */
    F32(4),
    /** {@code double}. */
    F64(8);

    private final int bytes;

    Kind(int bytes) {
      this.bytes = bytes;
    }

    /** Size and alignment in the parameter block. */
    int bytes() {
      return bytes;
    }
  }

  static CudaParameter pointer(String name) {
    return new CudaParameter(Kind.POINTER, name);
  }

  static CudaParameter i64(String name) {
    return new CudaParameter(Kind.I64, name);
  }

  static CudaParameter i32(String name) {
    return new CudaParameter(Kind.I32, name);
  }

  static CudaParameter f32(String name) {
    return new CudaParameter(Kind.F32, name);
  }

  static CudaParameter f64(String name) {
    return new CudaParameter(Kind.F64, name);
  }

  /** Byte offset of each parameter in the block the driver builds: natural alignment, no gaps. */
  static List<Integer> offsets(List<CudaParameter> parameters) {
    List<Integer> offsets = new ArrayList<>();
    int end = 0;
    for (CudaParameter parameter : parameters) {
      int bytes = parameter.kind.bytes;
      int begin = Math.ceilDiv(end, bytes) * bytes;
      offsets.add(begin);
      end = begin + bytes;
    }
    return offsets;
  }

  @Override
  public String toString() {
    return kind + " " + name;
  }
}
