package dev.wisp.backend.cpu;

import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Max pooling 3x3, stride 2, padding 1 on the CPU. */
final class CpuPooling {
  private final CpuContext context;

  CpuPooling(CpuContext context) {
    this.context = context;
  }

  void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    Call call = context.call("maxPool");
    MemorySegment from = call.in("x", x, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = x.shape().toArray();
    requireImage(call, shape);
    long[] pooled = {shape[0], pooled(shape[1]), pooled(shape[2]), shape[3]};
    MemorySegment to = call.out("y", y, pooled);
    MemorySegment winners = call.outIntsOrNull("index", index, pooled);
    call.run(
        () ->
            (int)
                NativeKernels.MAX_POOL.invokeExact(
                    from, to, winners, shape[0], shape[1], shape[2], shape[3]));
  }

  void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    Call call = context.call("maxPoolBackward");
    MemorySegment to = call.out("dx", dx, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = dx.shape().toArray();
    requireImage(call, shape);
    long[] pooled = {shape[0], pooled(shape[1]), pooled(shape[2]), shape[3]};
    MemorySegment from = call.in("dy", dy, pooled);
    MemorySegment winners = call.inInts("index", index, pooled);
    call.run(
        () ->
            (int)
                NativeKernels.MAX_POOL_BACKWARD.invokeExact(
                    from, winners, to, shape[0], shape[1], shape[2], shape[3]));
  }

  private static long pooled(long size) {
    return (size - 1) / 2 + 1;
  }

  /** Winners are stored as ints. */
  private static void requireImage(Call call, long[] shape) {
    call.require(
        shape[1] > 0 && shape[2] > 0 && shape[1] <= Integer.MAX_VALUE / shape[2],
        "needs 1..2^31-1 positions");
  }
}
