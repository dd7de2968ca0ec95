package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.SegmentationOps;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * {@link SegmentationOps} on the device, {@code cuda/segmentation.cu} and {@code cuda/dropout.cu}.
 */
final class CudaSegmentation implements SegmentationOps {
  private static final String FILE = "segmentation";
  private static final int THREADS = 256;

  /** Bytes kept of a pixel's softmax, and of a piece's loss and count. */
  private static final int SOFTMAX_BYTES = 2 * Float.BYTES;

  private static final int SUMS_BYTES = 2 * Double.BYTES;

  private final CudaContext context;
  private final CudaKernel pixelSoftmax;
  private final CudaKernel pixelLoss;
  private final CudaKernel pixelGradient;
  private final CudaKernel addProbabilities;
  private final CudaKernel argmaxLogits;
  private final CudaKernel dropout;

  CudaSegmentation(CudaContext context) {
    this.context = context;
    pixelSoftmax =
        context.judged(
            FILE,
            "wisp_pixel_softmax",
            sized(pointer("logits"), pointer("labels"), pointer("softmax"), pointer("sums")));
    pixelLoss =
        context.judged(
            FILE,
            "wisp_pixel_loss",
            pointer("sums"),
            pointer("loss"),
            pointer("share"),
            i64("count"));
    pixelGradient =
        context.judged(
            FILE,
            "wisp_pixel_gradient",
            sized(
                pointer("logits"),
                pointer("labels"),
                pointer("softmax"),
                pointer("share"),
                pointer("d_logits")));
    addProbabilities =
        context.kernel(
            FILE,
            "wisp_add_probabilities",
            sized(pointer("logits"), pointer("softmax"), pointer("probabilities")));
    argmaxLogits =
        context.kernel(FILE, "wisp_argmax_logits", sized(pointer("logits"), pointer("labels")));
    dropout =
        context.kernel(
            "dropout",
            "wisp_dropout",
            pointer("x"),
            pointer("out"),
            i64("n"),
            i64("key"),
            i64("first"),
            i64("dropped"),
            f32("scale"));
  }

  /** Operands, then {@link Sizes}. */
  private static CudaParameter[] sized(CudaParameter... operands) {
    List<CudaParameter> all = new ArrayList<>(Arrays.asList(operands));
    all.addAll(List.of(i64("n"), i32("h"), i32("w"), i32("k"), i32("out_h"), i32("out_w")));
    return all.toArray(CudaParameter[]::new);
  }

  /** Sizes of scores and of the image they are resized to. */
  private record Sizes(long n, long h, long w, long k, long outH, long outW) {
    CudaKernel set(CudaKernel kernel) {
      return kernel.i64(n).i32(h).i32(w).i32(k).i32(outH).i32(outW);
    }

    long scores() {
      return n * h * w * k;
    }

    long pixels() {
      return n * outH * outW;
    }

    /** Partial sums of {@code wisp_pixel_softmax}. */
    long pieces() {
      return Math.ceilDiv(pixels(), THREADS);
    }
  }

  private static long scores(CudaCall call, Tensor logits) {
    return call.in("logits", logits, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
  }

  private static Sizes sizes(CudaCall call, long[] low, Tensor image) {
    Sizes s =
        new Sizes(low[0], low[1], low[2], low[3], image.shape().size(1), image.shape().size(2));
    LongStream each = LongStream.of(s.h, s.w, s.k, s.outH, s.outW);
    LongSummaryStatistics range = each.summaryStatistics();
    call.require(s.n == 0 || range.getMin() > 0, "a size is 0");
    call.require(range.getMax() <= Integer.MAX_VALUE, "a size of 2^31 or more");
    return s;
  }

  private void pixelSoftmax(long logits, long labels, long softmax, long sums, Sizes s) {
    s.set(pixelSoftmax.pointer(logits).pointer(labels).pointer(softmax).pointer(sums))
        .launch(context.naive() ? Math.ceilDiv(s.pieces(), THREADS) : s.pieces(), THREADS, 0);
  }

  private void pixelLoss(long sums, long loss, long share, long count) {
    pixelLoss
        .pointer(sums)
        .pointer(loss)
        .pointer(share)
        .i64(count)
        .launch(1, context.naive() ? 1 : THREADS, 0);
  }

  private void pixelGradient(
      long logits, long labels, long softmax, long share, long dLogits, Sizes s) {
    s.set(
            pixelGradient
                .pointer(logits)
                .pointer(labels)
                .pointer(softmax)
                .pointer(share)
                .pointer(dLogits))
        .launchOver(s.scores(), THREADS);
  }

  private void addProbabilities(long logits, long softmax, long probabilities, Sizes s) {
    s.set(addProbabilities.pointer(logits).pointer(softmax).pointer(probabilities))
        .launchOver(s.pixels() * s.k, THREADS);
  }

  private void argmaxLogits(long logits, long labels, Sizes s) {
    s.set(argmaxLogits.pointer(logits).pointer(labels)).launchOver(s.pixels(), THREADS);
  }

  private void dropout(long x, long out, long n, long key, long first, long dropped, float scale) {
    dropout
        .pointer(x)
        .pointer(out)
        .i64(n)
        .i64(key)
        .i64(first)
        .i64(dropped)
        .f32(scale)
        .launchOver(n, THREADS);
  }

  @Override
  public void pixelCrossEntropy(
      Tensor logits, Tensor labels, Tensor loss, @Nullable Tensor dLogits) {
    CudaCall call = context.call("pixelCrossEntropy");
    long from = scores(call, logits);
    long[] low = logits.shape().toArray();
    long ids = call.inBytes("labels", labels, low[0], CudaCall.ANY, CudaCall.ANY);
    long mean = call.out("loss", loss, 1);
    long gradient = call.outOrNull("dLogits", dLogits, low);
    Sizes s = sizes(call, low, labels);
    call.run(
        () -> {
          long softmax = dLogits == null ? 0 : call.workspace(s.pixels() * SOFTMAX_BYTES);
          long sums = call.workspace(s.pieces() * SUMS_BYTES);
          long share = call.workspace(Float.BYTES);
          pixelSoftmax(from, ids, softmax, sums, s);
          pixelLoss(sums, mean, share, s.pieces());
          if (dLogits != null) {
            pixelGradient(from, ids, softmax, share, gradient, s);
          }
        });
  }

  @Override
  public void addProbabilities(Tensor logits, Tensor probabilities) {
    CudaCall call = context.call("addProbabilities");
    long from = scores(call, logits);
    long[] low = logits.shape().toArray();
    long to = call.out("probabilities", probabilities, low[0], CudaCall.ANY, CudaCall.ANY, low[3]);
    Sizes s = sizes(call, low, probabilities);
    call.run(
        () -> {
          long softmax = call.workspace(s.pixels() * SOFTMAX_BYTES);
          pixelSoftmax(from, 0, softmax, 0, s);
          addProbabilities(from, softmax, to, s);
        });
  }

  @Override
  public void argmaxLogits(Tensor logits, Tensor labels) {
    CudaCall call = context.call("argmaxLogits");
    long from = scores(call, logits);
    long[] low = logits.shape().toArray();
    long to = call.outInts("labels", labels, low[0], CudaCall.ANY, CudaCall.ANY);
    Sizes s = sizes(call, low, labels);
    call.run(() -> argmaxLogits(from, to, s));
  }

  @Override
  public void dropout(Tensor x, float probability, long key, long first, Tensor out) {
    CudaCall call = context.call("dropout");
    long from = call.inAny("x", x);
    long to = call.outOver("out", out, List.of("x"), x.shape().toArray());
    call.require(probability >= 0 && probability < 1, "a probability of " + probability);
    long dropped = SegmentationOps.dropped(probability);
    float scale = 1 / (1 - probability);
    call.run(() -> dropout(from, to, x.shape().elements(), key, first, dropped, scale));
  }
}
