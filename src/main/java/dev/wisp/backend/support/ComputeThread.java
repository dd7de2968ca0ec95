package dev.wisp.backend.support;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The one thread on which a backend computes. OpenMP keeps a team of workers per calling thread, so
 * calls from several threads would multiply teams; a CUDA context is current on one thread and its
 * stream is filled in one order. It starts no thread itself.
 */
public final class ComputeThread {
  private final LinkedBlockingQueue<FutureTask<?>> queue = new LinkedBlockingQueue<>();
  private final Thread thread;
  private boolean closed;

  /** Closed and drained; only seen on the thread itself. */
  private boolean ended;

  public ComputeThread(String name) {
    thread = new Thread(this::serve, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Whether {@link #close} was called. */
  public synchronized boolean isClosed() {
    return closed;
  }

  /** Whether the caller runs on this thread. */
  public boolean isCurrent() {
    return Thread.currentThread() == thread;
  }

  /**
   * Runs a task there and waits for it, at once when called from it. The task's exception is
   * rethrown as it is. An interrupt of the waiting thread is kept for after the task: the task may
   * be reading the caller's arrays.
   */
  public <T> T call(Callable<T> task) {
    if (isCurrent()) {
      try {
        return task.call();
      } catch (Throwable failure) {
        throw sneak(failure);
      }
    }
    FutureTask<T> future = new FutureTask<>(task);
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("the backend is closed");
      }
      queue.add(future);
    }
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException later) {
          interrupted = true;
        } catch (ExecutionException failure) {
          throw sneak(failure.getCause() == null ? failure : failure.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Refuses an operation that is called from elsewhere, or after the end.
   *
   * @throws IllegalStateException that names the operation
   */
  public void require(String operation) {
    if (!isCurrent()) {
      throw new IllegalStateException(
          "%s was called on thread '%s'; call it inside Backend.compute"
              .formatted(operation, Thread.currentThread().getName()));
    }
    if (ended) {
      throw new IllegalStateException(operation + ": the backend is closed");
    }
  }

  /**
   * Gives something back on this thread, from whatever thread; does nothing when the backend is
   * closed, which has freed everything.
   */
  public void giveBack(Runnable task) {
    try {
      call(
          () -> {
            if (!ended) {
              task.run();
            }
            return Boolean.TRUE;
          });
    } catch (IllegalStateException refused) {
      if (!isClosed()) {
        throw refused;
      }
    }
  }

  /** Lets queued tasks finish, then runs {@code last} and ends the thread. Idempotent. */
  public void close(Runnable last) {
    FutureTask<?> end =
        new FutureTask<>(
            () -> {
              ended = true;
              last.run();
              return null;
            });
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      if (!isCurrent()) {
        queue.add(end);
        queue.add(new FutureTask<>(() -> null));
      }
    }
    if (isCurrent()) {
      end.run();
      queue.add(new FutureTask<>(() -> null));
    }
    boolean interrupted = false;
    while (true) {
      try {
        end.get();
        break;
      } catch (InterruptedException later) {
        interrupted = true;
      } catch (ExecutionException failure) {
        throw sneak(failure.getCause() == null ? failure : failure.getCause());
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve() {
    while (true) {
      FutureTask<?> task;
      try {
        task = queue.take();
      } catch (InterruptedException stray) {
        continue;
      }
      task.run();
      synchronized (this) {
        if (closed && queue.isEmpty()) {
          return;
        }
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> RuntimeException sneak(Throwable failure) throws E {
    throw (E) failure;
  }
}
