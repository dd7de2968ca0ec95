package dev.wisp.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What the software CUDA device lets a test decide (native/softgpu/include/softgpu.h). */
public final class Referee {
  private Referee() {}

  /** Replaces the plan of failures: {@code alloc:5,launch@1:3,lost:7}; empty for none. */
  public static void fail(String plan) {
    try (Arena arena = Arena.ofConfined()) {
      int malformed =
          (int)
              Linker.nativeLinker()
                  .downcallHandle(
                      MemorySegment.ofAddress(CudaLibrary.address("softgpu_fail")),
                      FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS))
                  .invokeExact(arena.allocateFrom(plan));
      if (malformed != 0) {
        throw new IllegalArgumentException("no plan of failures: " + plan);
      }
    } catch (RuntimeException refused) {
      throw refused;
    } catch (Throwable impossible) {
      throw new AssertionError("softgpu_fail", impossible);
    }
  }

  /** Brings lost devices back. */
  public static void restore() {
    try {
      Linker.nativeLinker()
          .downcallHandle(
              MemorySegment.ofAddress(CudaLibrary.address("softgpu_restore")),
              FunctionDescriptor.ofVoid())
          .invokeExact();
    } catch (Throwable impossible) {
      throw new AssertionError("softgpu_restore", impossible);
    }
  }

  /** Blocks, warps and atomics of later launches in their plain order. */
  public static void plainOrder() {
    order(0, 0);
  }

  /** Blocks, warps and atomics of later launches in an order drawn by a seed. */
  public static void randomOrder(long seed) {
    order(1, seed);
  }

  private static void order(int random, long seed) {
    try {
      Linker.nativeLinker()
          .downcallHandle(
              MemorySegment.ofAddress(CudaLibrary.address("softgpu_order")),
              FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG))
          .invokeExact(random, seed);
    } catch (Throwable impossible) {
      throw new AssertionError("softgpu_order", impossible);
    }
  }
}
