package dev.wisp.backend.cpu;

import dev.wisp.backend.ResizeOps;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Bilinear resizing on the CPU. */
final class CpuResize implements ResizeOps {
  private final CpuContext context;

  CpuResize(CpuContext context) {
    this.context = context;
  }

  @Override
  public void resizeBilinear(
      Tensor source, Tensor target, int channelOffset, boolean alignCorners) {
    Call call = context.call("resizeBilinear");
    MemorySegment from = call.in("source", source, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] in = source.shape().toArray();
    MemorySegment to = call.out("target", target, in[0], Call.ANY, Call.ANY, Call.ANY);
    long[] out = target.shape().toArray();
    if (isEmpty(call, in, out, channelOffset)) {
      return;
    }
    long offset = channelOffset;
    int align = alignCorners ? 1 : 0;
    call.run(
        () ->
            (int)
                NativeKernels.RESIZE_BILINEAR.invokeExact(
                    from, to, in[0], in[1], in[2], in[3], out[1], out[2], out[3], offset, align));
  }

  @Override
  public void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners) {
    Call call = context.call("resizeBilinearBackward");
    MemorySegment from = call.in("dTarget", dTarget, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] out = dTarget.shape().toArray();
    MemorySegment to = call.out("dSource", dSource, out[0], Call.ANY, Call.ANY, Call.ANY);
    long[] in = dSource.shape().toArray();
    if (isEmpty(call, in, out, channelOffset)) {
      return;
    }
    long offset = channelOffset;
    int align = alignCorners ? 1 : 0;
    call.run(
        () ->
            (int)
                NativeKernels.RESIZE_BILINEAR_BACKWARD.invokeExact(
                    from, to, in[0], in[1], in[2], in[3], out[1], out[2], out[3], offset, align));
  }

  /** Whether there is nothing to do: no image, or no map. Refuses other sizes of 0. */
  private static boolean isEmpty(Call call, long[] in, long[] out, int channelOffset) {
    call.require(
        channelOffset >= 0 && channelOffset <= out[3] - in[3],
        "channels %d..%d do not lie inside the target's"
            .formatted(channelOffset, channelOffset + in[3]));
    if (in[0] == 0) {
      return true;
    }
    call.require(in[1] > 0 && in[2] > 0 && in[3] > 0 && out[1] > 0 && out[2] > 0, "a size is 0");
    return false;
  }
}
