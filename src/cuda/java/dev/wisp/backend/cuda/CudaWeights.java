package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.support.BlockPool;
import org.jspecify.annotations.Nullable;

/** Weights on the device as {@code [O, kH, kW, I]}, the one layout the plain kernels read. */
final class CudaWeights implements ConvWeights {
  private final PlainConvolutions owner;
  private final ConvSpec spec;
  private BlockPool.@Nullable Block<CudaPointer> packed;
  private boolean closed;

  CudaWeights(PlainConvolutions owner, ConvSpec spec) {
    this.owner = owner;
    this.spec = spec;
  }

  @Override
  public ConvSpec spec() {
    return spec;
  }

  PlainConvolutions owner() {
    return owner;
  }

  /** Where a load puts the weights. */
  long forLoading(String operation, BlockPool<CudaPointer> pool) {
    requireOpen(operation);
    if (packed == null) {
      packed = pool.allocate(spec.weights() * Float.BYTES);
    }
    return packed.memory().address();
  }

  /** Where the loaded weights are. */
  long loaded(String operation) {
    requireOpen(operation);
    if (packed == null) {
      throw new IllegalStateException(operation + ": no weights of " + spec + " are loaded");
    }
    return packed.memory().address();
  }

  private void requireOpen(String operation) {
    if (closed) {
      throw new IllegalStateException(operation + ": the weights of " + spec + " are closed");
    }
  }

  @Override
  public void close() {
    owner.closeWeights(this);
  }

  /** On the compute thread, once. */
  void release() {
    closed = true;
    if (packed != null) {
      packed.free();
      packed = null;
    }
  }
}
