package dev.wisp.backend.cpu;

import dev.wisp.backend.support.BlockPool;
import dev.wisp.tensor.WispOutOfMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** Host memory from the native library, aligned to 64 bytes. */
final class CpuMemory implements BlockPool.Source<MemorySegment> {
  private static final long ALIGNMENT = 64;

  /** A NaN whose payload can be recognised in a debugger. */
  private static final int POISON = 0x7fc0dead;

  /** A pool over it. */
  static BlockPool<MemorySegment> pool(CpuOptions options) {
    return new BlockPool<>(
        new CpuMemory(),
        new BlockPool.Limits(
            options.cacheBytes(), options.limitBytes(), ALIGNMENT, options.poison(), false));
  }

  @Override
  public @Nullable MemorySegment request(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(ValueLayout.ADDRESS);
      int status = (int) NativeKernels.ALLOC.invokeExact(bytes, result);
      return status == 0 ? result.get(ValueLayout.ADDRESS, 0).reinterpret(bytes) : null;
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_alloc", impossible);
    }
  }

  @Override
  public void release(MemorySegment memory) {
    try {
      NativeKernels.FREE.invokeExact(memory);
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_free", impossible);
    }
  }

  @Override
  public void poison(MemorySegment memory, long bytes) {
    try {
      int status =
          (int)
              NativeKernels.FILL.invokeExact(
                  memory, Float.intBitsToFloat(POISON), bytes / Float.BYTES);
      assert status == 0;
    } catch (Throwable impossible) {
      throw new AssertionError("wisp_fill", impossible);
    }
  }

  @Override
  public WispOutOfMemory exhausted(long bytes, long used) {
    return new WispOutOfMemory(
        "the system has no %d bytes left (%d in use by tensors)".formatted(bytes, used));
  }
}
