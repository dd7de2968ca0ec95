package dev.wisp.backend.cpu;

/** What the operation groups of one backend share: its memory and its compute thread. */
final class CpuContext {
  private final CpuPool pool;
  private final ComputeThread thread;
  private final int threads;
  private boolean closed;

  CpuContext(CpuPool pool, ComputeThread thread, int threads) {
    this.pool = pool;
    this.thread = thread;
    this.threads = threads;
  }

  CpuPool pool() {
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
    if (!thread.isCurrent()) {
      throw new IllegalStateException(
          "%s was called on thread '%s'; call it inside Backend.compute"
              .formatted(operation, Thread.currentThread().getName()));
    }
    if (closed) {
      throw new IllegalStateException(operation + ": the backend is closed");
    }
  }

  /**
   * Gives something back on the compute thread, from whatever thread; does nothing when the backend
   * is closed, which has freed everything.
   */
  void giveBack(Runnable task) {
    try {
      thread.call(
          () -> {
            if (!closed) {
              task.run();
            }
            return Boolean.TRUE;
          });
    } catch (IllegalStateException refused) {
      if (!thread.isClosed()) {
        throw refused;
      }
    }
  }

  void markClosed() {
    closed = true;
  }
}
