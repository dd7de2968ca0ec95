package dev.wisp.tensor;

import org.jspecify.annotations.Nullable;

/**
 * A contiguous array in a backend's memory, row-major, owned by one {@link Scope}.
 *
 * <p>Feature tensors are {@code [N, H, W, C]}; maps of classes are planar {@code [rows, h, w]} with
 * one row per (image, class) pair of a {@code ClassRows}; convolution weights are {@code [O, I, kH,
 * kW]}. A view from {@link #reshape} shares the memory and dies with its origin. Not thread-safe:
 * one engine's tensors are used on that engine's compute thread.
 */
public final class Tensor {
  private final Shape shape;
  private final DType type;
  private final Memory memory;

  /** The memory shared by a tensor and its views. */
  private static final class Memory {
    final Storage storage;
    @Nullable Scope owner;

    Memory(Storage storage, Scope owner) {
      this.storage = storage;
      this.owner = owner;
    }
  }

  Tensor(Shape shape, DType type, Storage storage, Scope owner) {
    this(shape, type, new Memory(storage, owner));
  }

  private Tensor(Shape shape, DType type, Memory memory) {
    this.shape = shape;
    this.type = type;
    this.memory = memory;
  }

  public Shape shape() {
    return shape;
  }

  public DType type() {
    return type;
  }

  /** Bytes of the elements; the storage behind may be larger. */
  public long bytes() {
    return Math.multiplyExact(shape.elements(), (long) type.bytes());
  }

  public boolean isAlive() {
    return memory.owner != null;
  }

  /**
   * The memory, for a backend's own use.
   *
   * @throws IllegalStateException after the tensor was released or its scope closed
   */
  public Storage storage() {
    if (memory.owner == null) {
      throw new IllegalStateException(
          "tensor " + type + shape + " was released or its scope is closed");
    }
    return memory.storage;
  }

  /**
   * The same elements under another shape of the same element count; shares memory and lifetime.
   */
  public Tensor reshape(long... sizes) {
    Shape other = Shape.of(sizes);
    if (other.elements() != shape.elements()) {
      throw new IllegalArgumentException("cannot view " + shape + " as " + other);
    }
    storage();
    return new Tensor(other, type, memory);
  }

  /** Returns the memory before the scope ends. Safe to call twice. */
  public void release() {
    Scope owner = memory.owner;
    if (owner != null) {
      memory.owner = null;
      owner.forget(memory);
      memory.storage.free();
    }
  }

  /** Hands the memory over to another scope, which then decides how long it lives. */
  public Tensor moveTo(Scope scope) {
    storage();
    Scope owner = memory.owner;
    if (owner != scope) {
      scope.adopt(memory, this);
      if (owner != null) {
        owner.forget(memory);
      }
      memory.owner = scope;
    }
    return this;
  }

  /** The key under which scopes know this memory: equal for a tensor and its views. */
  Object key() {
    return memory;
  }

  @Override
  public String toString() {
    return type + shape.toString() + (isAlive() ? "" : " (released)");
  }
}
