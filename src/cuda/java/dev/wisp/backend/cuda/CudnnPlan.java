package dev.wisp.backend.cuda;

import org.jspecify.annotations.Nullable;

/** How one convolution is computed: the choice made for it, and what its execution needs. */
final class CudnnPlan implements AutoCloseable {
  private final CudnnChoice choice;
  private final @Nullable CudnnShape shape;
  private final long workspace;

  /** Whether cuDNN has refused to add bias, residual and activation itself. */
  boolean apart;

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
