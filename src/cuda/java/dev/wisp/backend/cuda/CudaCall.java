package dev.wisp.backend.cuda;

import dev.wisp.backend.support.BlockPool;
import dev.wisp.backend.support.Operands;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One call of an operation: checks operands as they are named and hands out their device addresses
 * (an absent one is 0), then runs its kernels. Small host values and workspace can be had while the
 * kernels run; they go back to the pool when {@link #run} ends, which is safe because whoever gets
 * the memory next uses it later on the same stream.
 */
final class CudaCall extends Operands<Long> {
  private final CudaContext context;
  private final List<BlockPool.Block<CudaPointer>> temporary = new ArrayList<>();
  private boolean running;

  /** Use {@link CudaContext#call}. */
  CudaCall(CudaContext context, String operation) {
    super(operation);
    this.context = context;
  }

  @Override
  protected @Nullable Long address(Storage storage) {
    CudaPointer memory = context.pool().memory(storage);
    return memory == null ? null : memory.address();
  }

  @Override
  protected Long absent() {
    return 0L;
  }

  /** The memory of a checked operand, for a copy. */
  CudaPointer memory(Tensor tensor) {
    CudaPointer memory = context.pool().memory(tensor.storage());
    if (memory == null) {
      throw new IllegalArgumentException(operation() + ": " + tensor + " is not on this device");
    }
    return memory;
  }

  /** Launches kernels. A failure is reported with the operation and its shapes. */
  void run(Runnable kernels) {
    running = true;
    context.status().during(() -> operation() + given());
    try {
      kernels.run();
    } finally {
      context.status().during(null);
      running = false;
      temporary.forEach(BlockPool.Block::free);
      temporary.clear();
    }
  }

  /** Device memory of undefined contents, aligned to 256 bytes, until {@link #run} ends. */
  long workspace(long bytes) {
    if (!running) {
      throw new IllegalStateException(operation() + ": workspace outside of run");
    }
    BlockPool.Block<CudaPointer> block = context.pool().allocate(bytes);
    temporary.add(block);
    return block.memory().address();
  }

  /** How much workspace there is, for {@link #release}. */
  int mark() {
    return temporary.size();
  }

  /** Gives workspace back that was taken since a mark: what is launched later may get it. */
  void release(int mark) {
    while (temporary.size() > mark) {
      temporary.removeLast().free();
    }
  }

  /**
   * Gives one piece of workspace back before {@link #run} ends: what is launched later may get it.
   *
   * @param address what {@link #workspace} gave
   */
  void free(long address) {
    BlockPool.Block<CudaPointer> block = temporary(address);
    temporary.remove(block);
    block.free();
  }

  /**
   * Waits for the device and reads an integer.
   *
   * @param address what {@link #workspace} gave
   */
  int readInt(long address) {
    int[] value = new int[1];
    context.transfers().download(temporary(address).memory(), 0, MemorySegment.ofArray(value));
    return value[0];
  }

  private BlockPool.Block<CudaPointer> temporary(long address) {
    return temporary.stream()
        .filter(block -> block.memory().address() == address)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException(operation() + ": no such workspace"));
  }

  /** A device copy of small host values, until {@link #run} ends. */
  long ints(int... values) {
    return copy(MemorySegment.ofArray(values));
  }

  /** A device copy of small host values, until {@link #run} ends. */
  long longs(long... values) {
    return copy(MemorySegment.ofArray(values));
  }

  /** A device copy of small host values, until {@link #run} ends. */
  long floats(float... values) {
    return copy(MemorySegment.ofArray(values));
  }

  private long copy(MemorySegment values) {
    workspace(values.byteSize());
    CudaPointer target = temporary.getLast().memory();
    context.transfers().upload(values, target, 0);
    return target.address();
  }
}
