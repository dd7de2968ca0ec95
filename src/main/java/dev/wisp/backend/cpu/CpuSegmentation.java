package dev.wisp.backend.cpu;

import dev.wisp.backend.SegmentationOps;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@link SegmentationOps} by native/src/kernels/segmentation.cpp. */
final class CpuSegmentation implements SegmentationOps {
  private final CpuContext context;

  CpuSegmentation(CpuContext context) {
    this.context = context;
  }

  /** Whether there is no image. Refuses other sizes of 0. */
  private static boolean isEmpty(Call call, long[] low, long[] full) {
    if (low[0] == 0) {
      return true;
    }
    call.require(
        low[1] > 0 && low[2] > 0 && low[3] > 0 && full[1] > 0 && full[2] > 0, "a size is 0");
    return false;
  }

  @Override
  public void pixelCrossEntropy(
      Tensor logits, Tensor labels, Tensor loss, @Nullable Tensor dLogits) {
    Call call = context.call("pixelCrossEntropy");
    MemorySegment scores = call.in("logits", logits, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] low = logits.shape().toArray();
    MemorySegment ids = call.inBytes("labels", labels, low[0], Call.ANY, Call.ANY);
    long[] full = labels.shape().toArray();
    MemorySegment result = call.out("loss", loss, 1);
    MemorySegment gradient = call.outOrNull("dLogits", dLogits, low);
    if (isEmpty(call, low, full)) {
      call.run(() -> (int) NativeKernels.FILL.invokeExact(result, 0f, 1L));
      return;
    }
    call.run(
        () ->
            (int)
                NativeKernels.PIXEL_CROSS_ENTROPY.invokeExact(
                    scores, ids, low[0], low[1], low[2], low[3], full[1], full[2], result,
                    gradient));
  }

  @Override
  public void addProbabilities(Tensor logits, Tensor probabilities) {
    Call call = context.call("addProbabilities");
    MemorySegment scores = call.in("logits", logits, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] low = logits.shape().toArray();
    MemorySegment sums =
        call.out("probabilities", probabilities, low[0], Call.ANY, Call.ANY, low[3]);
    long[] full = probabilities.shape().toArray();
    if (isEmpty(call, low, full)) {
      return;
    }
    call.run(
        () ->
            (int)
                NativeKernels.ADD_PROBABILITIES.invokeExact(
                    scores, low[0], low[1], low[2], low[3], full[1], full[2], sums));
  }

  @Override
  public void argmaxLogits(Tensor logits, Tensor labels) {
    Call call = context.call("argmaxLogits");
    MemorySegment scores = call.in("logits", logits, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] low = logits.shape().toArray();
    MemorySegment ids = call.outInts("labels", labels, low[0], Call.ANY, Call.ANY);
    long[] full = labels.shape().toArray();
    if (isEmpty(call, low, full)) {
      return;
    }
    call.run(
        () ->
            (int)
                NativeKernels.ARGMAX_LOGITS.invokeExact(
                    scores, low[0], low[1], low[2], low[3], full[1], full[2], ids));
  }

  @Override
  public void dropout(Tensor x, float probability, long key, long first, Tensor out) {
    Call call = context.call("dropout");
    MemorySegment from = call.inAny("x", x);
    MemorySegment to = call.outOver("out", out, List.of("x"), x.shape().toArray());
    call.require(probability >= 0 && probability < 1, "a probability of " + probability);
    long n = x.shape().elements();
    long dropped = SegmentationOps.dropped(probability);
    float scale = 1 / (1 - probability);
    call.run(
        () -> (int) NativeKernels.DROPOUT.invokeExact(from, n, key, first, dropped, scale, to));
  }
}
