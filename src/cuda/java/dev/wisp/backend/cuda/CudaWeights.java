package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.support.BlockPool;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Weights on the device as float32 {@code [O, kH, kW, I]}, which the plain kernels read and cuDNN
 * takes for NHWC. Copies in other forms are made from it when they are first asked for after a
 * load.
 */
final class CudaWeights implements ConvWeights {
  /** Another form of the weights. */
  enum Form {
    /** float32 {@code [O, I, kH, kW]}, which cuDNN takes for NCHW. */
    PLANAR(Float.BYTES),
    /** float16 {@code [O, kH, kW, I]}. */
    HALF(Short.BYTES);

    private final long bytes;

    Form(long bytes) {
      this.bytes = bytes;
    }
  }

  private final CudaConvolutions owner;
  private final ConvSpec spec;
  private final BlockPool<CudaPointer> pool;
  private BlockPool.@Nullable Block<CudaPointer> packed;
  private final Map<Form, Copy> copies = new EnumMap<>(Form.class);
  private boolean closed;

  /** One copy; {@code stale} when it holds an older load. */
  private static final class Copy {
    final BlockPool.Block<CudaPointer> block;
    boolean stale = true;

    Copy(BlockPool.Block<CudaPointer> block) {
      this.block = block;
    }
  }

  CudaWeights(CudaConvolutions owner, ConvSpec spec, BlockPool<CudaPointer> pool) {
    this.owner = owner;
    this.spec = spec;
    this.pool = pool;
  }

  @Override
  public ConvSpec spec() {
    return spec;
  }

  CudaConvolutions owner() {
    return owner;
  }

  /** Refuses a closed holder, and one without weights where they are needed. */
  void require(String operation, boolean needsWeights) {
    if (closed) {
      throw new IllegalStateException(operation + ": the weights of " + spec + " are closed");
    }
    if (needsWeights && packed == null) {
      throw new IllegalStateException(operation + ": no weights of " + spec + " are loaded");
    }
  }

  /** Where a load puts the weights. */
  long forLoading() {
    if (packed == null) {
      packed = pool.allocate(spec.weights() * Float.BYTES);
    }
    copies.values().forEach(copy -> copy.stale = true);
    return packed.memory().address();
  }

  /** The loaded weights, {@code [O, kH, kW, I]}. */
  long packed() {
    if (packed == null) {
      throw new IllegalStateException("no weights of " + spec + " are loaded");
    }
    return packed.memory().address();
  }

  /**
   * The loaded weights in another form.
   *
   * @param fill makes them at the address it is given
   */
  long in(Form form, LongConsumer fill) {
    Copy copy =
        copies.computeIfAbsent(form, f -> new Copy(pool.allocate(spec.weights() * f.bytes)));
    long address = copy.block.memory().address();
    if (copy.stale) {
      fill.accept(address);
      copy.stale = false;
    }
    return address;
  }

  @Override
  public void close() {
    owner.closeWeights(this);
  }

  /** On the compute thread, once. */
  void release() {
    closed = true;
    copies.values().forEach(copy -> copy.block.free());
    copies.clear();
    if (packed != null) {
      packed.free();
      packed = null;
    }
  }
}
