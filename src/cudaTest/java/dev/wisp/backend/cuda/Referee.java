package dev.wisp.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** What the software CUDA device lets a test decide and see (native/softgpu/include/softgpu.h). */
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

  /** Forgets what every kernel has done so far. */
  public static void resetCounts() {
    try {
      Linker.nativeLinker()
          .downcallHandle(
              MemorySegment.ofAddress(CudaLibrary.address("softgpu_reset_counts")),
              FunctionDescriptor.ofVoid())
          .invokeExact();
    } catch (Throwable impossible) {
      throw new AssertionError("softgpu_reset_counts", impossible);
    }
  }

  /** What every kernel has done since {@link #resetCounts}, as the device's JSON. */
  public static String counts() {
    return text("softgpu_counts");
  }

  /** How often each function of the driver was called since {@link #resetCounts}. */
  public static Map<String, Long> calls() {
    Map<String, Long> calls = new TreeMap<>();
    Pattern.compile("\"(\\w+)\": (\\d+)")
        .matcher(text("softgpu_calls"))
        .results()
        .forEach(call -> calls.put(call.group(1), Long.valueOf(call.group(2))));
    return calls;
  }

  private static String text(String function) {
    MethodHandle copy =
        Linker.nativeLinker()
            .downcallHandle(
                MemorySegment.ofAddress(CudaLibrary.address(function)),
                FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    try (Arena arena = Arena.ofConfined()) {
      long length = (long) copy.invokeExact(MemorySegment.NULL, 0L);
      MemorySegment text = arena.allocate(length + 1);
      long copied = (long) copy.invokeExact(text, length + 1);
      return text.asSlice(0, copied + 1).getString(0);
    } catch (Throwable impossible) {
      throw new AssertionError(function, impossible);
    }
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
