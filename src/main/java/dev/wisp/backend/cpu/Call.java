package dev.wisp.backend.cpu;

import dev.wisp.tensor.DType;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One call of a kernel: checks operands as they are named (liveness, element type, shape, overlap
 * of outputs with everything else), hands out their memory, runs the kernel and turns its status
 * into an exception that names the operation and all shapes.
 */
final class Call {
  /** Any size, in the expected sizes of an operand. */
  static final long ANY = -1;

  private final CpuPool pool;
  private final String operation;
  private final List<Operand> operands = new ArrayList<>();
  private final Map<Storage, Operand> sharing = new IdentityHashMap<>();
  private @Nullable Arena arena;

  /** Operands in the same memory form a chain. */
  private record Operand(String name, Tensor tensor, boolean written, @Nullable Operand previous) {}

  /** A native function's invocation. */
  interface Kernel {
    int run() throws Throwable;
  }

  Call(CpuPool pool, String operation) {
    this.pool = pool;
    this.operation = operation;
  }

  /** An F32 operand that is read. */
  MemorySegment in(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.F32, sizes, false, List.of());
  }

  /** An F32 operand that is read, or null for an absent one. */
  MemorySegment inOrNull(String name, @Nullable Tensor tensor, long... sizes) {
    return tensor == null ? MemorySegment.NULL : in(name, tensor, sizes);
  }

  /** An I32 operand that is read. */
  MemorySegment inInts(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.I32, sizes, false, List.of());
  }

  /** An F32 operand that is written (or updated) and shares memory with no other operand. */
  MemorySegment out(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.F32, sizes, true, List.of());
  }

  MemorySegment outOrNull(String name, @Nullable Tensor tensor, long... sizes) {
    return tensor == null ? MemorySegment.NULL : out(name, tensor, sizes);
  }

  MemorySegment outInts(String name, Tensor tensor, long... sizes) {
    return operand(name, tensor, DType.I32, sizes, true, List.of());
  }

  MemorySegment outIntsOrNull(String name, @Nullable Tensor tensor, long... sizes) {
    return tensor == null ? MemorySegment.NULL : outInts(name, tensor, sizes);
  }

  /** An F32 operand that is written and may share memory with the named inputs. */
  MemorySegment outOver(String name, Tensor tensor, List<String> inputs, long... sizes) {
    return operand(name, tensor, DType.F32, sizes, true, inputs);
  }

  /** An F32 operand of any shape that is read. */
  MemorySegment inAny(String name, Tensor tensor) {
    return in(name, tensor, tensor.shape().toArray());
  }

  /** An F32 operand of any shape that is written and shares memory with no other operand. */
  MemorySegment outAny(String name, Tensor tensor) {
    return out(name, tensor, tensor.shape().toArray());
  }

  /** An operand of any shape. */
  MemorySegment typed(String name, Tensor tensor, DType type, boolean written) {
    return operand(name, tensor, type, tensor.shape().toArray(), written, List.of());
  }

  /** An operand of any shape with so many elements. */
  MemorySegment any(String name, Tensor tensor, DType type, long elements) {
    MemorySegment memory = operand(name, tensor, type, tensor.shape().toArray(), false, List.of());
    require(tensor.shape().elements() == elements, name + " must have " + elements + " elements");
    return memory;
  }

  /** An F32 operand of any shape of which some elements go to or come from a host array. */
  MemorySegment part(String name, Tensor tensor, long at, int count, int arrayLength) {
    MemorySegment memory = inAny(name, tensor);
    require(
        at >= 0 && count >= 0 && count <= arrayLength && at <= tensor.shape().elements() - count,
        "%d elements from %d on do not lie in %s and an array of %d"
            .formatted(count, at, name, arrayLength));
    return memory;
  }

  /** Number of elements, which must fit a Java array. */
  int length(String name, Tensor tensor) {
    require(
        tensor.shape().elements() <= Integer.MAX_VALUE - 8,
        name + " " + tensor + " is too large for a Java array");
    return (int) tensor.shape().elements();
  }

  private MemorySegment operand(
      String name,
      Tensor tensor,
      DType type,
      long[] sizes,
      boolean written,
      List<String> mayShareWith) {
    Storage storage = storage(name, tensor);
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
    return ((CpuPool.Block) storage).segment();
  }

  /** Checks that a tensor lives in this backend's memory. */
  private Storage storage(String name, Tensor tensor) {
    if (!tensor.isAlive()) {
      throw new IllegalStateException(
          "%s: %s %s was released or its scope is closed".formatted(operation, name, tensor));
    }
    Storage storage = tensor.storage();
    if (!(storage instanceof CpuPool.Block block) || block.pool() != pool) {
      throw new IllegalArgumentException(
          "%s: %s %s belongs to another backend".formatted(operation, name, tensor));
    }
    return storage;
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

  private String given() {
    StringBuilder text = new StringBuilder();
    for (Operand operand : operands) {
      text.append(text.isEmpty() ? " (" : ", ");
      text.append(operand.name).append(' ').append(operand.tensor);
    }
    return text.append(text.isEmpty() ? "" : ")").toString();
  }

  /** Refuses with the shapes seen so far unless the condition holds. */
  void require(boolean holds, String problem) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + problem + given());
    }
  }

  /** A native copy of small host values, valid during {@link #run}. */
  MemorySegment ints(int[] values) {
    return memory().allocateFrom(ValueLayout.JAVA_INT, values);
  }

  MemorySegment longs(long[] values) {
    return memory().allocateFrom(ValueLayout.JAVA_LONG, values);
  }

  MemorySegment floats(float[] values) {
    return memory().allocateFrom(ValueLayout.JAVA_FLOAT, values);
  }

  /** A native array of pointers, valid during {@link #run}. */
  MemorySegment pointers(List<MemorySegment> values) {
    MemorySegment array = memory().allocate(ValueLayout.ADDRESS, Math.max(1, values.size()));
    for (int i = 0; i < values.size(); i++) {
      array.setAtIndex(ValueLayout.ADDRESS, i, values.get(i));
    }
    return array;
  }

  private Arena memory() {
    if (arena == null) {
      arena = Arena.ofConfined();
    }
    return arena;
  }

  /** Runs the kernel. Whatever it was given stays alive: the compute thread is the only user. */
  void run(Kernel kernel) {
    int status;
    try {
      status = kernel.run();
    } catch (Throwable impossible) {
      throw new AssertionError(operation, impossible);
    } finally {
      if (arena != null) {
        arena.close();
        arena = null;
      }
    }
    NativeStatus.check(status, operation, this::given);
  }
}
