package dev.wisp.backend.cpu;

import dev.wisp.backend.support.BlockPool;
import dev.wisp.backend.support.Operands;
import dev.wisp.tensor.Storage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One call of a kernel: checks operands as they are named, hands out their memory, runs the kernel
 * and turns its status into an exception that names the operation and all shapes.
 */
final class Call extends Operands<MemorySegment> {
  private final BlockPool<MemorySegment> pool;
  private @Nullable Arena arena;

  /** A native function's invocation. */
  interface Kernel {
    int run() throws Throwable;
  }

  Call(BlockPool<MemorySegment> pool, String operation) {
    super(operation);
    this.pool = pool;
  }

  @Override
  protected @Nullable MemorySegment address(Storage storage) {
    return pool.memory(storage);
  }

  @Override
  protected MemorySegment absent() {
    return MemorySegment.NULL;
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
      throw new AssertionError(operation(), impossible);
    } finally {
      if (arena != null) {
        arena.close();
        arena = null;
      }
    }
    NativeStatus.check(status, operation(), this::given);
  }
}
