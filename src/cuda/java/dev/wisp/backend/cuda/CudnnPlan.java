package dev.wisp.backend.cuda;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** How one convolution is computed: the choice made for it, and what its execution needs. */
final class CudnnPlan implements AutoCloseable {
  private static final AtomicLong MADE = new AtomicLong();

  private final long number = MADE.incrementAndGet();
  private final CudnnChoice choice;
  private final @Nullable CudnnShape shape;
  private final long workspace;

  /** Whether cuDNN adds bias, residual and activation itself; null while that is not known. */
  @Nullable Boolean fuses;

  /**
   * A plan that owns its shape.
   *
   * @param shape null for the plain kernels
   * @param workspace bytes
   */
  CudnnPlan(CudnnChoice choice, @Nullable CudnnShape shape, long workspace) {
    this.choice = choice;
    this.shape = shape;
    this.workspace = workspace;
  }

  /** Tells plans of the process apart. */
  long number() {
    return number;
  }

  CudnnChoice choice() {
    return choice;
  }

  CudnnLayout layout() {
    return choice.layout();
  }

  /** The descriptors; not of the plain kernels. */
  CudnnShape shape() {
    if (shape == null) {
      throw new IllegalStateException("the plain kernels have no descriptors");
    }
    return shape;
  }

  /** Bytes of workspace. */
  long workspace() {
    return workspace;
  }

  @Override
  public void close() {
    if (shape != null) {
      shape.close();
    }
  }
}
