package dev.wisp.backend.support;

import dev.wisp.tensor.DType;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The operands of one operation, checked as they are named: liveness, owner, element type, shape,
 * and overlap of what is written with everything else. A violation is an {@link
 * IllegalArgumentException} (shape, type, owner, overlap) or {@link IllegalStateException}
 * (released) that names the operation and all shapes seen so far.
 *
 * @param <M> how the backend's kernels take memory: a segment, a device pointer
 */
public abstract class Operands<M> {
  /** Any size, in the expected sizes of an operand. */
  public static final long ANY = -1;

  private final String operation;
  private final List<Operand> operands = new ArrayList<>();
  private final Map<Storage, Operand> sharing = new IdentityHashMap<>();

  /** Operands in the same memory form a chain. */
  private record Operand(String name, Tensor tensor, boolean written, @Nullable Operand previous) {}

  protected Operands(String operation) {
    this.operation = operation;
  }

  /** The type that floats of an operation have which takes F16 too, told by one of them. */
  public static DType real(Tensor tensor) {
    return tensor.type() == DType.F16 ? DType.F16 : DType.F32;
  }

  /** Where a kernel finds this memory; null if it is another backend's. */
  protected abstract @Nullable M address(Storage storage);

  /** What a kernel takes for an operand that is absent. */
  protected abstract M absent();

  /** An F32 operand that is read. */
  public final M in(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.F32, sizes, false, List.of());
  }

  /** An operand of a type that is read. */
  public final M in(String name, DType type, Tensor tensor, long... sizes) {
    return operand(name, tensor, type, sizes, false, List.of());
  }

  /** An F32 operand that is read, or null for an absent one. */
  public final M inOrNull(String name, @Nullable Tensor tensor, long... sizes) {
    return inOrNull(name, DType.F32, tensor, sizes);
  }

  /** An operand of a type that is read, or null for an absent one. */
  public final M inOrNull(String name, DType type, @Nullable Tensor tensor, long... sizes) {
    return tensor == null ? absent() : in(name, type, tensor, sizes);
  }

  /** An I32 operand that is read. */
  public final M inInts(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.I32, sizes, false, List.of());
  }

  /** A U8 operand that is read. */
  public final M inBytes(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.U8, sizes, false, List.of());
  }

  /** An F32 operand that is written (or updated) and shares memory with no other operand. */
  public final M out(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.F32, sizes, true, List.of());
  }

  /** An operand of a type that is written (or updated) and shares memory with no other operand. */
  public final M out(String name, DType type, Tensor tensor, long... sizes) {
    return operand(name, tensor, type, sizes, true, List.of());
  }

  /** Like {@link #out}, or null for an absent one. */
  public final M outOrNull(String name, @Nullable Tensor tensor, long... sizes) {
    return tensor == null ? absent() : out(name, tensor, sizes);
  }

  /** An I32 operand that is written and shares memory with no other operand. */
  public final M outInts(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.I32, sizes, true, List.of());
  }

  /** Like {@link #outInts}, or null for an absent one. */
  public final M outIntsOrNull(String name, @Nullable Tensor tensor, long... sizes) {
    return tensor == null ? absent() : outInts(name, tensor, sizes);
  }

  /** An F32 operand that is written and may share memory with the named inputs. */
  public final M outOver(String name, Tensor tensor, List<String> inputs, long... sizes) {
    return outOver(name, DType.F32, tensor, inputs, sizes);
  }

  /** An operand of a type that is written and may share memory with the named inputs. */
  public final M outOver(
      String name, DType type, Tensor tensor, List<String> inputs, long... sizes) {
    return operand(name, tensor, type, sizes, true, inputs);
  }

  /** An F32 operand of any shape that is read. */
  public final M inAny(String name, Tensor tensor) {
    return in(name, tensor, tensor.shape().toArray());
  }

  /** An F32 operand of any shape that is written and shares memory with no other operand. */
  public final M outAny(String name, Tensor tensor) {
    return out(name, tensor, tensor.shape().toArray());
  }

  /** An operand of any shape. */
  public final M typed(String name, Tensor tensor, DType type, boolean written) {
    return operand(name, tensor, type, tensor.shape().toArray(), written, List.of());
  }

  /** An operand of any shape with so many elements. */
  public final M any(String name, Tensor tensor, DType type, long elements) {
    M memory = operand(name, tensor, type, tensor.shape().toArray(), false, List.of());
    require(tensor.shape().elements() == elements, name + " must have " + elements + " elements");
    return memory;
  }

  /** An F32 operand of any shape of which some elements go to or come from a host array. */
  public final M part(String name, Tensor tensor, long at, int count, int arrayLength) {
    M memory = inAny(name, tensor);
    require(
        at >= 0 && count >= 0 && count <= arrayLength && at <= tensor.shape().elements() - count,
        "%d elements from %d on do not lie in %s and an array of %d"
            .formatted(count, at, name, arrayLength));
    return memory;
  }

  /** Number of elements, which must fit a Java array. */
  public final int length(String name, Tensor tensor) {
    require(
        tensor.shape().elements() <= Integer.MAX_VALUE - 8,
        name + " " + tensor + " is too large for a Java array");
    return (int) tensor.shape().elements();
  }

  /** Refuses with the shapes seen so far unless the condition holds. */
  public final void require(boolean holds, String problem) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + problem + given());
    }
  }

  /** Name of the operation. */
  protected final String operation() {
    return operation;
  }

  /** The operands seen so far with their shapes, in brackets after a space; empty if none. */
  protected final String given() {
    StringBuilder text = new StringBuilder();
    for (Operand operand : operands) {
      text.append(text.isEmpty() ? " (" : ", ");
      text.append(operand.name).append(' ').append(operand.tensor);
    }
    return text.append(text.isEmpty() ? "" : ")").toString();
  }

  private M operand(
      String name,
      Tensor tensor,
      DType type,
      long[] sizes,
      boolean written,
      List<String> mayShareWith) {
    if (!tensor.isAlive()) {
      throw new IllegalStateException(
          "%s: %s %s was released or its scope is closed".formatted(operation, name, tensor));
    }
    Storage storage = tensor.storage();
    M memory = address(storage);
    if (memory == null) {
      throw new IllegalArgumentException(
          "%s: %s %s belongs to another backend".formatted(operation, name, tensor));
    }
    if (tensor.type() != type || !fits(tensor, sizes)) {
      throw new IllegalArgumentException(
          "%s: %s is %s, expected %s%s%s"
              .formatted(operation, name, tensor, type, expected(sizes), given()));
    }
    for (Operand other = sharing.get(storage); other != null; other = other.previous) {
      if ((written || other.written) && !mayShareWith.contains(other.name)) {
        throw new IllegalArgumentException(
            "%s: %s %s shares memory with %s%s"
                .formatted(operation, name, tensor, other.name, given()));
      }
    }
    Operand operand = new Operand(name, tensor, written, sharing.get(storage));
    sharing.put(storage, operand);
    operands.add(operand);
    return memory;
  }

  private static boolean fits(Tensor tensor, long[] sizes) {
    long[] actual = tensor.shape().toArray();
    if (actual.length != sizes.length) {
      return false;
    }
    for (int i = 0; i < sizes.length; i++) {
      if (sizes[i] != ANY && sizes[i] != actual[i]) {
        return false;
      }
    }
    return true;
  }

  private static String expected(long[] sizes) {
    return Arrays.toString(sizes).replace("-1", "*");
  }
}
