package dev.wisp.backend.cuda;

import dev.wisp.backend.SegmentationOps;
import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@link SegmentationOps} by the host's kernels. */
final class CudaSegmentation implements SegmentationOps {
  private final CudaContext context;
  private final CudaHost host;

  CudaSegmentation(CudaContext context, CudaHost host) {
    this.context = context;
    this.host = host;
  }

  private static long[] scores(CudaCall call, Tensor logits) {
    call.in("logits", logits, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    return logits.shape().toArray();
  }

  private static void requireSizes(CudaCall call, long[] low, Tensor image) {
    call.require(
        low[0] == 0 || low[1] * low[2] * low[3] * image.shape().size(1) * image.shape().size(2) > 0,
        "a size is 0");
  }

  @Override
  public void pixelCrossEntropy(
      Tensor logits, Tensor labels, Tensor loss, @Nullable Tensor dLogits) {
    CudaCall call = context.call("pixelCrossEntropy");
    long[] low = scores(call, logits);
    call.inBytes("labels", labels, low[0], CudaCall.ANY, CudaCall.ANY);
    call.out("loss", loss, 1);
    call.outOrNull("dLogits", dLogits, low);
    requireSizes(call, low, labels);
    if (dLogits == null) {
      host.run(
          call,
          List.of(logits, labels),
          List.of(loss),
          (cpu, t) -> cpu.pixelCrossEntropy(t[0], t[1], t[2], null));
    } else {
      host.run(
          call,
          List.of(logits, labels),
          List.of(loss, dLogits),
          (cpu, t) -> cpu.pixelCrossEntropy(t[0], t[1], t[2], t[3]));
    }
  }

  @Override
  public void addProbabilities(Tensor logits, Tensor probabilities) {
    CudaCall call = context.call("addProbabilities");
    long[] low = scores(call, logits);
    call.out("probabilities", probabilities, low[0], CudaCall.ANY, CudaCall.ANY, low[3]);
    requireSizes(call, low, probabilities);
    host.run(
        call,
        List.of(logits),
        List.of(probabilities),
        (cpu, t) -> cpu.addProbabilities(t[0], t[1]));
  }

  @Override
  public void argmaxLogits(Tensor logits, Tensor labels) {
    CudaCall call = context.call("argmaxLogits");
    long[] low = scores(call, logits);
    call.outInts("labels", labels, low[0], CudaCall.ANY, CudaCall.ANY);
    requireSizes(call, low, labels);
    host.run(call, List.of(logits), List.of(labels), (cpu, t) -> cpu.argmaxLogits(t[0], t[1]));
  }

  @Override
  public void dropout(Tensor x, float probability, long key, long first, Tensor out) {
    CudaCall call = context.call("dropout");
    call.inAny("x", x);
    call.outOver("out", out, List.of("x"), x.shape().toArray());
    call.require(probability >= 0 && probability < 1, "a probability of " + probability);
    host.run(
        call,
        List.of(x),
        List.of(out),
        (cpu, t) -> cpu.dropout(t[0], probability, key, first, t[1]));
  }
}
