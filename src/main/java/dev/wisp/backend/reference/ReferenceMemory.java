package dev.wisp.backend.reference;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.MemoryStatistics;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.Tensor;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** Memory, transfers and argument checks of the reference backend. */
abstract class ReferenceMemory implements Backend {
  final Rounding rounding;
  private long used;
  private long peak;
  private boolean closed;

  ReferenceMemory(Rounding rounding) {
    this.rounding = rounding;
  }

  @Override
  public Scope scope() {
    return new Scope(this::allocate);
  }

  private Storage allocate(long bytes) {
    requireOpen();
    used += bytes;
    peak = Math.max(peak, used);
    return new HostStorage(bytes, freed -> used -= freed);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the backend " + name() + " is closed");
    }
  }

  @Override
  public synchronized <T> T compute(Callable<T> task) {
    requireOpen();
    try {
      return task.call();
    } catch (Exception failure) {
      throw ReferenceMemory.<RuntimeException>asItIs(failure);
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Exception> E asItIs(Exception failure) throws E {
    throw (E) failure;
  }

  @Override
  public boolean takesF16() {
    return true;
  }

  @Override
  public MemoryStatistics memoryStatistics() {
    return new MemoryStatistics(used, 0, peak);
  }

  @Override
  public void upload(float[] source, Tensor target) {
    double[] values = f32("upload", "target", target);
    requireCount("upload", "target", target, source.length);
    for (int i = 0; i < source.length; i++) {
      values[i] = source[i];
    }
  }

  @Override
  public void upload(float[] source, int count, Tensor target, long at) {
    double[] values = part("upload", "target", target, at, count, source.length);
    for (int i = 0; i < count; i++) {
      values[(int) at + i] = source[i];
    }
  }

  @Override
  public void download(Tensor source, long at, float[] target, int count) {
    double[] values = part("download", "source", source, at, count, target.length);
    for (int i = 0; i < count; i++) {
      target[i] = (float) values[(int) at + i];
    }
  }

  private static double[] part(
      String operation, String name, Tensor tensor, long at, int count, int arrayLength) {
    double[] values = f32(operation, name, tensor);
    require(
        at >= 0 && count >= 0 && count <= arrayLength && at <= values.length - count,
        operation,
        "%d elements from %d on do not lie in %s %s and an array of %d",
        count,
        at,
        name,
        tensor,
        arrayLength);
    return values;
  }

  /** Like {@link #upload(float[], Tensor)} without a loss of precision. */
  public void upload(double[] source, Tensor target) {
    double[] values = f32("upload", "target", target);
    requireCount("upload", "target", target, source.length);
    System.arraycopy(source, 0, values, 0, source.length);
    rounding.results(values);
  }

  @Override
  public void upload(int[] source, Tensor target) {
    int[] values = i32("upload", "target", target);
    requireCount("upload", "target", target, source.length);
    System.arraycopy(source, 0, values, 0, source.length);
  }

  @Override
  public void upload(byte[] source, Tensor target) {
    byte[] values = memory("upload", "target", target, DType.U8).bytes(source.length);
    requireCount("upload", "target", target, source.length);
    System.arraycopy(source, 0, values, 0, source.length);
  }

  @Override
  public float[] floats(Tensor source) {
    double[] values = doubles(source);
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** The elements of an F32 tensor as computed: not rounded by {@link ReferenceBackend#exact()}. */
  public double[] doubles(Tensor source) {
    return f32("floats", "source", source).clone();
  }

  @Override
  public int[] ints(Tensor source) {
    return i32("ints", "source", source).clone();
  }

  @Override
  public void close() {
    closed = true;
  }

  /** The elements of an F32 tensor of exactly this shape; without sizes, of any shape. */
  static double[] f32(String operation, String name, Tensor tensor, long... sizes) {
    return floats(operation, DType.F32, name, tensor, sizes);
  }

  /** The elements of an F32 or F16 tensor of exactly this shape; without sizes, of any shape. */
  static double[] floats(String operation, DType type, String name, Tensor tensor, long... sizes) {
    HostStorage memory = memory(operation, name, tensor, type, sizes);
    return memory.doubles(Math.toIntExact(tensor.shape().elements()));
  }

  static double @Nullable [] floatsOrNull(
      String operation, DType type, String name, @Nullable Tensor tensor, long... sizes) {
    return tensor == null ? null : floats(operation, type, name, tensor, sizes);
  }

  static double @Nullable [] f32OrNull(
      String operation, String name, @Nullable Tensor tensor, long... sizes) {
    return tensor == null ? null : f32(operation, name, tensor, sizes);
  }

  /** The elements of an I32 tensor of exactly this shape; without sizes, of any shape. */
  static int[] i32(String operation, String name, Tensor tensor, long... sizes) {
    HostStorage memory = memory(operation, name, tensor, DType.I32, sizes);
    return memory.ints(Math.toIntExact(tensor.shape().elements()));
  }

  /** The elements of a U8 tensor of exactly this shape. */
  static byte[] u8(String operation, String name, Tensor tensor, long... sizes) {
    HostStorage memory = memory(operation, name, tensor, DType.U8, sizes);
    return memory.bytes(Math.toIntExact(tensor.shape().elements()));
  }

  /** Sizes of a tensor that must have this rank. */
  static int[] sizes(String operation, String name, Tensor tensor, int rank) {
    Shape shape = tensor.shape();
    if (shape.rank() != rank) {
      throw new IllegalArgumentException(
          "%s: %s must have %d axes, not %s".formatted(operation, name, rank, tensor));
    }
    int[] sizes = new int[rank];
    for (int i = 0; i < rank; i++) {
      sizes[i] = shape.dim(i);
    }
    return sizes;
  }

  /** Sizes of maps that must have one row for each row of the class list. */
  static int[] maps(String op, String name, Tensor maps, ClassRows classes) {
    int[] s = sizes(op, name, maps, 3);
    require(s[0] == classes.rows(), op, "%s is %s for %s", name, maps, classes);
    return s;
  }

  /** Sizes of a feature or cam tensor that must have the class list's number of images. */
  static int[] images(String op, String name, Tensor tensor, ClassRows classes) {
    int[] s = sizes(op, name, tensor, 4);
    require(s[0] == classes.images(), op, "%s is %s for %s", name, tensor, classes);
    return s;
  }

  static void require(boolean holds, String operation, String message, Object... arguments) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + message.formatted(arguments));
    }
  }

  static void requireCount(String operation, String name, Tensor tensor, long count) {
    require(
        tensor.shape().elements() == count,
        operation,
        "%s is %s, expected %d elements",
        name,
        tensor,
        count);
  }

  private static HostStorage memory(
      String operation, String name, Tensor tensor, DType type, long... sizes) {
    if (!tensor.isAlive()) {
      throw new IllegalStateException(
          "%s: %s %s was released or its scope is closed".formatted(operation, name, tensor));
    }
    if (tensor.type() != type || (sizes.length > 0 && !tensor.shape().equals(Shape.of(sizes)))) {
      throw new IllegalArgumentException(
          "%s: %s is %s, expected %s%s"
              .formatted(operation, name, tensor, type, sizes.length > 0 ? Shape.of(sizes) : ""));
    }
    if (!(tensor.storage() instanceof HostStorage memory)) {
      throw new IllegalArgumentException(
          "%s: %s %s belongs to another backend".formatted(operation, name, tensor));
    }
    return memory;
  }
}
