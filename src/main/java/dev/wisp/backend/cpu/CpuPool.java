package dev.wisp.backend.cpu;

import dev.wisp.backend.MemoryStatistics;
import dev.wisp.tensor.Allocator;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.WispOutOfMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Memory of a backend's tensors. Returned blocks are kept for reuse, since fresh memory costs a
 * page fault for every 4 KB: up to a bound, and never so many that used and kept blocks together
 * are more than {@link #SLACK} above the most that was ever used at once. So hundreds of photo
 * sizes in a row need little more than the largest of them. The oldest blocks go first.
 *
 * <p>A block is reused when it is at most a quarter larger than what is asked for. Where fresh
 * memory would pass the bound, a much larger one will do before others are given up, if its use is
 * no new peak.
 */
final class CpuPool implements Allocator {
  private static final long ALIGNMENT = 64;

  /** A block serves a request of at least four fifths of its size: at most 25 % is wasted. */
  private static final double FIT = 1.25;

  /** The same where the alternative is to give up other blocks. */
  private static final double LOOSE_FIT = 8;

  /**
   * What used and kept blocks together may have above the peak of use. Less costs page faults: a
   * photograph's four scales ask for hundreds of sizes. Measured in docs/performance.md.
   */
  static final long SLACK = 64L << 20;

  /** A NaN whose payload can be recognised in a debugger. */
  private static final int POISON = 0x7fc0dead;

  private final long cacheBytes;
  private final long limitBytes;
  private final boolean poison;
  private final TreeMap<Long, ArrayDeque<Block>> cached = new TreeMap<>();
  private final ArrayDeque<Block> oldestFirst = new ArrayDeque<>();
  private final Set<Block> lent = new HashSet<>();
  private long used;
  private long kept;
  private long peak;
  private boolean closed;

  /** Native memory: free in the pool, or behind one living tensor. */
  final class Block implements Storage {
    private final MemorySegment memory;
    private boolean live;

    Block(MemorySegment memory) {
      this.memory = memory;
    }

    @Override
    public long bytes() {
      return memory.byteSize();
    }

    @Override
    public void free() {
      takeBack(this);
    }

    /** The memory, with its bounds. */
    MemorySegment segment() {
      if (!live) {
        throw new IllegalStateException("the memory was returned or its backend is closed");
      }
      return memory;
    }

    CpuPool pool() {
      return CpuPool.this;
    }
  }

  CpuPool(CpuOptions options) {
    cacheBytes = options.cacheBytes();
    limitBytes = options.limitBytes();
    poison = options.poison();
  }

  @Override
  public synchronized Storage allocate(long bytes) {
    if (closed) {
      throw new IllegalStateException("the backend is closed");
    }
    long rounded = Math.ceilDiv(Math.max(bytes, 1), ALIGNMENT) * ALIGNMENT;
    Block block = reuse(rounded, FIT);
    if (block == null && used + kept + rounded > bound(rounded)) {
      block =
          reuse(rounded, Math.min(LOOSE_FIT, (double) (bound(rounded) - SLACK - used) / rounded));
    }
    if (used + (block == null ? rounded : block.bytes()) > limitBytes) {
      if (block != null) {
        keep(block);
      }
      throw new WispOutOfMemory(
          "%d bytes do not fit: %d of at most %d bytes are in use"
              .formatted(bytes, used, limitBytes));
    }
    if (block == null) {
      shrink(bound(rounded) - used - rounded);
      block = new Block(fresh(rounded));
    }
    if (poison) {
      fill(block.memory);
    }
    block.live = true;
    lent.add(block);
    used += block.bytes();
    peak = Math.max(peak, used);
    return block;
  }

  /** The most that used and kept blocks may have together once a request is served. */
  private long bound(long request) {
    return Math.max(peak, used + request) + SLACK;
  }

  /** The smallest kept block of {@code bytes} to {@code fit * bytes}. */
  private @Nullable Block reuse(long bytes, double fit) {
    var best = cached.ceilingEntry(bytes);
    if (best == null || best.getKey() > bytes * fit) {
      return null;
    }
    Block block = best.getValue().removeLast();
    forget(block);
    return block;
  }

  private void forget(Block block) {
    ArrayDeque<Block> same = cached.get(block.bytes());
    if (same != null) {
      same.remove(block);
      if (same.isEmpty()) {
        cached.remove(block.bytes());
      }
    }
    oldestFirst.remove(block);
    kept -= block.bytes();
  }

  private void keep(Block block) {
    cached.computeIfAbsent(block.bytes(), size -> new ArrayDeque<>()).addLast(block);
    oldestFirst.addLast(block);
    kept += block.bytes();
  }

  private synchronized void takeBack(Block block) {
    if (!block.live) {
      return;
    }
    block.live = false;
    lent.remove(block);
    used -= block.bytes();
    keep(block);
    shrink(cacheBytes);
  }

  private void shrink(long target) {
    while (kept > target) {
      Block oldest = oldestFirst.getFirst();
      forget(oldest);
      release(oldest.memory);
    }
  }

  private MemorySegment fresh(long bytes) {
    MemorySegment memory = request(bytes);
    if (memory.address() == 0 && kept > 0) {
      shrink(0);
      memory = request(bytes);
    }
    if (memory.address() == 0) {
      throw new WispOutOfMemory(
          "the system has no %d bytes left (%d in use by tensors)".formatted(bytes, used));
    }
    return memory.reinterpret(bytes);
  }

  private static MemorySegment request(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(ValueLayout.ADDRESS);
      int status = (int) NativeKernels.ALLOC.invokeExact(bytes, result);
      return status == 0 ? result.get(ValueLayout.ADDRESS, 0) : MemorySegment.NULL;
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_alloc", impossible);
    }
  }

  private static void release(MemorySegment memory) {
    try {
      NativeKernels.FREE.invokeExact(memory);
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_free", impossible);
    }
  }

  private static void fill(MemorySegment memory) {
    try {
      int status =
          (int)
              NativeKernels.FILL.invokeExact(
                  memory, Float.intBitsToFloat(POISON), memory.byteSize() / Float.BYTES);
      assert status == 0;
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_fill", impossible);
    }
  }

  synchronized MemoryStatistics statistics() {
    return new MemoryStatistics(used, kept, peak);
  }

  /** Frees all memory, also that of tensors still alive, which are unusable from then on. */
  synchronized void close() {
    closed = true;
    shrink(0);
    for (Block block : lent) {
      block.live = false;
      release(block.memory);
    }
    lent.clear();
    used = 0;
  }
}
