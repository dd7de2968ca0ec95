package dev.wisp.backend.cpu;

import dev.wisp.backend.support.BlockPool;
import dev.wisp.backend.support.ComputeThread;
import java.lang.foreign.MemorySegment;

/** What the operation groups of one backend share: its memory and its compute thread. */
final class CpuContext {
  private final BlockPool<MemorySegment> pool;
  private final ComputeThread thread;
  private final int threads;

  CpuContext(BlockPool<MemorySegment> pool, ComputeThread thread, int threads) {
    this.pool = pool;
    this.thread = thread;
    this.threads = threads;
  }

  BlockPool<MemorySegment> pool() {
    return pool;
  }

  int threads() {
    return threads;
  }

  /**
   * Begins an operation.
   *
   * @throws IllegalStateException if the backend is closed or this is not its compute thread
   */
  Call call(String operation) {
    require(operation);
    return new Call(pool, operation);
  }

  /** The same check for an operation that makes no native call of ours. */
  void require(String operation) {
    thread.require(operation);
  }

  /** {@link ComputeThread#giveBack}. */
  void giveBack(Runnable task) {
    thread.giveBack(task);
  }
}
