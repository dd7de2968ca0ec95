package dev.wisp.backend.support;

import dev.wisp.backend.MemoryStatistics;
import dev.wisp.tensor.Allocator;
import dev.wisp.tensor.Storage;
import dev.wisp.tensor.WispOutOfMemory;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Memory of a backend's tensors. Returned blocks are kept for reuse, since fresh memory is dear (on
 * the CPU a page fault for every 4 KB): up to a bound, and never so many that used and kept blocks
 * together are more than {@link #SLACK} above the most that was ever used at once. So hundreds of
 * photo sizes in a row need little more than the largest of them. The oldest blocks go first.
 *
 * <p>A block is reused when it is at most a quarter larger than what is asked for. Where fresh
 * memory would pass the bound, a much larger one will do before others are given up, if its use is
 * no new peak.
 *
 * @param <M> how the backend's kernels take memory: a segment, a device pointer
 */
public final class BlockPool<M> implements Allocator {
  /** A block serves a request of at least four fifths of its size: at most 25 % is wasted. */
  private static final double FIT = 1.25;

  /** The same where the alternative is to give up other blocks. */
  private static final double LOOSE_FIT = 8;

  /**
   * What used and kept blocks together may have above the peak of use. Less costs page faults: a
   * photograph's four scales ask for hundreds of sizes. Measured in docs/performance.md.
   */
  public static final long SLACK = 64L << 20;

  private final Source<M> source;
  private final Limits limits;
  private final TreeMap<Long, ArrayDeque<Block<M>>> cached = new TreeMap<>();
  private final ArrayDeque<Block<M>> oldestFirst = new ArrayDeque<>();
  private final Set<Block<M>> lent = new HashSet<>();
  private long used;
  private long kept;
  private long peak;
  private long made;
  private boolean closed;

  /**
   * Where memory comes from.
   *
   * @param <M> as for the pool
   */
  public interface Source<M> {
    /** Memory of so many bytes, aligned to 64; null if there is none. */
    @Nullable M request(long bytes);

    /** Gives memory of {@link #request} back. */
    void release(M memory);

    /** Fills fresh or reused memory with a value that shows in results. */
    void poison(M memory, long bytes);

    /**
     * The error for a request that found no memory.
     *
     * @param bytes asked for
     * @param used held by living tensors
     */
    WispOutOfMemory exhausted(long bytes, long used);
  }

  /**
   * How a pool behaves.
   *
   * @param cacheBytes most memory kept for reuse after tensors return it
   * @param limitBytes most memory tensors may hold together; {@link Long#MAX_VALUE} for no limit
   * @param granularity sizes are rounded up to a multiple of so many bytes, 1 for exact sizes
   * @param poison whether every block is poisoned before it is handed out
   * @param steady whether of equal blocks the oldest is taken, so that equal requests find the same
   *     memory again in whatever order it came back; else the one used last, which caches still
   *     hold
   */
  public record Limits(
      long cacheBytes, long limitBytes, long granularity, boolean poison, boolean steady) {}

  /**
   * Memory that is free in the pool, or behind one living tensor.
   *
   * @param <M> as for the pool
   */
  public static final class Block<M> implements Storage {
    private final BlockPool<M> pool;
    private final M memory;
    private final long bytes;
    private final long number;
    private boolean live;

    private Block(BlockPool<M> pool, M memory, long bytes, long number) {
      this.number = number;
      this.pool = pool;
      this.memory = memory;
      this.bytes = bytes;
    }

    @Override
    public long bytes() {
      return bytes;
    }

    @Override
    public void free() {
      pool.takeBack(this);
    }

    /**
     * The memory itself.
     *
     * @throws IllegalStateException if it was returned or the pool is closed
     */
    public M memory() {
      if (!live) {
        throw new IllegalStateException("the memory was returned or its backend is closed");
      }
      return memory;
    }
  }

  public BlockPool(Source<M> source, Limits limits) {
    this.source = source;
    this.limits = limits;
  }

  @Override
  public synchronized Block<M> allocate(long bytes) {
    if (closed) {
      throw new IllegalStateException("the backend is closed");
    }
    long rounded = Math.ceilDiv(Math.max(bytes, 1), limits.granularity()) * limits.granularity();
    Block<M> block = reuse(rounded, FIT);
    if (block == null && used + kept + rounded > bound(rounded)) {
      block =
          reuse(rounded, Math.min(LOOSE_FIT, (double) (bound(rounded) - SLACK - used) / rounded));
    }
    if (used + (block == null ? rounded : block.bytes) > limits.limitBytes()) {
      if (block != null) {
        keep(block);
      }
      throw new WispOutOfMemory(
          "%d bytes do not fit: %d of at most %d bytes are in use"
              .formatted(bytes, used, limits.limitBytes()));
    }
    if (block == null) {
      shrink(bound(rounded) - used - rounded);
      block = new Block<>(this, fresh(rounded), rounded, ++made);
    }
    if (limits.poison()) {
      source.poison(block.memory, block.bytes);
    }
    block.live = true;
    lent.add(block);
    used += block.bytes;
    peak = Math.max(peak, used);
    return block;
  }

  /**
   * The memory behind a storage; null if the storage is not of this pool.
   *
   * @throws IllegalStateException if it was returned or the pool is closed
   */
  @SuppressWarnings("unchecked")
  public @Nullable M memory(Storage storage) {
    return storage instanceof Block<?> block && block.pool == this ? (M) block.memory() : null;
  }

  /** The most that used and kept blocks may have together once a request is served. */
  private long bound(long request) {
    return Math.max(peak, used + request) + SLACK;
  }

  /** The smallest kept block of {@code bytes} to {@code fit * bytes}. */
  private @Nullable Block<M> reuse(long bytes, double fit) {
    var best = cached.ceilingEntry(bytes);
    if (best == null || best.getKey() > bytes * fit) {
      return null;
    }
    Block<M> block =
        limits.steady()
            ? Collections.min(best.getValue(), Comparator.comparingLong(kept -> kept.number))
            : best.getValue().getLast();
    forget(block);
    return block;
  }

  private void forget(Block<M> block) {
    ArrayDeque<Block<M>> same = cached.get(block.bytes);
    if (same != null) {
      same.remove(block);
      if (same.isEmpty()) {
        cached.remove(block.bytes);
      }
    }
    oldestFirst.remove(block);
    kept -= block.bytes;
  }

  private void keep(Block<M> block) {
    cached.computeIfAbsent(block.bytes, size -> new ArrayDeque<>()).addLast(block);
    oldestFirst.addLast(block);
    kept += block.bytes;
  }

  private synchronized void takeBack(Block<M> block) {
    if (!block.live) {
      return;
    }
    block.live = false;
    lent.remove(block);
    used -= block.bytes;
    keep(block);
    shrink(limits.cacheBytes());
  }

  private void shrink(long target) {
    while (kept > target) {
      Block<M> oldest = oldestFirst.getFirst();
      forget(oldest);
      source.release(oldest.memory);
    }
  }

  private M fresh(long bytes) {
    M memory = source.request(bytes);
    if (memory == null && kept > 0) {
      shrink(0);
      memory = source.request(bytes);
    }
    if (memory == null) {
      throw source.exhausted(bytes, used);
    }
    return memory;
  }

  /** Bytes in use, kept for reuse, and the highest use so far. */
  public synchronized MemoryStatistics statistics() {
    return new MemoryStatistics(used, kept, peak);
  }

  /** Frees all memory, also that of tensors still alive, which are unusable from then on. */
  public synchronized void close() {
    closed = true;
    shrink(0);
    for (Block<M> block : lent) {
      block.live = false;
      source.release(block.memory);
    }
    lent.clear();
    used = 0;
  }
}
