package dev.wisp.backend.cuda;

import dev.wisp.backend.support.BlockPool;
import dev.wisp.tensor.WispOutOfMemory;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * Device memory from the driver, aligned to 256 bytes: from its stream-ordered pool, where giving
 * memory back stops nobody, or on devices without one from its plain allocator.
 */
final class CudaMemory implements BlockPool.Source<CudaPointer> {
  private static final long GRANULARITY = 256;

  /** A NaN whose payload can be recognised in a debugger. */
  private static final int POISON = 0x7fc0dead;

  private final CudaSession session;
  private final boolean ordered;

  private CudaMemory(CudaSession session) {
    this.session = session;
    ordered = session.device().memoryPools();
  }

  /** A pool over it. One that keeps nothing gives tensors memory of exactly their size. */
  static BlockPool<CudaPointer> pool(CudaSession session, CudaOptions options) {
    return new BlockPool<>(
        new CudaMemory(session),
        new BlockPool.Limits(
            options.cacheBytes(),
            options.limitBytes(),
            options.cacheBytes() == 0 ? 1 : GRANULARITY,
            options.poison(),
            true));
  }

  @Override
  public @Nullable CudaPointer request(long bytes) {
    CudaPointer memory = new CudaPointer();
    int status = allocate(memory, bytes);
    if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      // What was given back in the order of the stream may not have reached the driver yet.
      session.synchronize("what is to be freed");
      status = allocate(memory, bytes);
    }
    if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      return null;
    }
    session.check(status, ordered ? "cuMemAllocAsync" : "cuMemAlloc", bytes + " bytes");
    return memory;
  }

  private int allocate(CudaPointer memory, long bytes) {
    return ordered
        ? JCudaDriver.cuMemAllocAsync(memory, bytes, session.stream())
        : JCudaDriver.cuMemAlloc(memory, bytes);
  }

  @Override
  public void release(CudaPointer memory) {
    session
        .queue()
        .afterwards(
            () ->
                session.release(
                    ordered
                        ? JCudaDriver.cuMemFreeAsync(memory, session.stream())
                        : JCudaDriver.cuMemFree(memory)));
  }

  @Override
  public void poison(CudaPointer memory, long bytes) {
    long words = bytes / Integer.BYTES;
    if (words > 0) {
      session.check(
          JCudaDriver.cuMemsetD32Async(memory, POISON, words, session.stream()),
          "cuMemsetD32Async",
          bytes + " bytes");
    }
  }

  @Override
  public WispOutOfMemory exhausted(long bytes, long used) {
    return new WispOutOfMemory(
        "the card %s has no %d bytes left (%d in use by tensors); %s"
            .formatted(session.device().name(), bytes, used, CudaStatus.REMEDY));
  }
}
