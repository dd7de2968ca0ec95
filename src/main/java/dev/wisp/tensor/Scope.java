package dev.wisp.tensor;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Owner of tensors: everything made in a scope and still in it is returned to the pool when the
 * scope closes. Use it with try-with-resources on the engine's compute thread; closing twice is
 * harmless. A result that must outlive the scope is moved out with {@link Tensor#moveTo}.
 */
public final class Scope implements AutoCloseable {
  private final Allocator allocator;
  private final Map<Object, Tensor> alive = new IdentityHashMap<>();
  private boolean closed;

  /** A scope over a backend's memory; users call {@code Backend.scope()}. */
  public Scope(Allocator allocator) {
    this.allocator = allocator;
  }

  /** A float tensor of undefined contents. */
  public Tensor f32(long... sizes) {
    return allocate(DType.F32, Shape.of(sizes));
  }

  /** An int tensor of undefined contents. */
  public Tensor i32(long... sizes) {
    return allocate(DType.I32, Shape.of(sizes));
  }

  /** A tensor of undefined contents. */
  public Tensor allocate(DType type, Shape shape) {
    requireOpen();
    long bytes;
    try {
      bytes = Math.multiplyExact(shape.elements(), (long) type.bytes());
    } catch (ArithmeticException tooLarge) {
      throw new IllegalArgumentException(
          "tensor " + type + shape + " is larger than any memory", tooLarge);
    }
    Tensor tensor = new Tensor(shape, type, allocator.allocate(bytes), this);
    alive.put(tensor.key(), tensor);
    return tensor;
  }

  /** What is alive, largest first: for error messages and leak hunts. */
  public List<Tensor> alive() {
    List<Tensor> tensors = new ArrayList<>(alive.values());
    tensors.sort((a, b) -> Long.compare(b.bytes(), a.bytes()));
    return tensors;
  }

  void adopt(Object memory, Tensor tensor) {
    requireOpen();
    alive.put(memory, tensor);
  }

  void forget(Object memory) {
    alive.remove(memory);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the scope is closed");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      for (Tensor tensor : List.copyOf(alive.values())) {
        tensor.release();
      }
    }
  }
}
