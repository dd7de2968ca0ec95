package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import java.util.List;

/** Kernels of float16 tensors, at the sizes of layer 3 and of the stem for 512 x 512 pixels. */
final class CountedHalfCalls {
  private static final int GRID = 32;
  private static final long POSITIONS = GRID * GRID;
  private static final int CHANNELS = 1024;
  private static final long FEATURES = POSITIONS * CHANNELS;
  private static final String SIZE = "32x32, 1024 channels";

  /** Pieces of the bias's sums: 256 positions each. */
  private static final long CHUNKS = POSITIONS / 256;

  private CountedHalfCalls() {}

  static List<CountedCall> all() {
    return List.of(finish(), addScaled(), reluBackward(), biasSums(), maxPool());
  }

  private static Tensor features(CountedCall.Operands t) {
    return t.halves(1, GRID, GRID, CHANNELS);
  }

  private static CountedCall finish() {
    ConvolutionSizes sizes =
        new ConvolutionSizes(ConvSpec.pointwise(CHANNELS, CHANNELS), 1, GRID, GRID);
    return new CountedCall(
            SIZE,
            (b, t) -> {
              CudaCall call = b.context().call("counted");
              long product = call.typed("product", features(t), DType.F16, false);
              long bias = call.inAny("bias", t.floats(CHANNELS));
              long rest = call.typed("residual", features(t), DType.F16, false);
              long y = call.typed("y", t.outHalves(1, GRID, GRID, CHANNELS), DType.F16, true);
              CudaHalfActivations kernels = new CudaHalfActivations(b.context());
              return () -> call.run(() -> kernels.finish(product, bias, rest, y, sizes, true));
            })
        .launches(
            "wisp_half_finish",
            Work.of(6 * FEATURES + 4 * CHANNELS, 3 * FEATURES),
            "each position reads the bias of every channel again, in two accesses that lie 32 bytes"
                + " apart and meet in the L1 cache");
  }

  private static CountedCall addScaled() {
    return new CountedCall(
            SIZE,
            (b, t) -> {
              Tensor source = features(t);
              Tensor target = features(t);
              return () -> b.addScaled(1, source, target);
            })
        .launches("wisp_half_add_scaled", Work.of(6 * FEATURES, 2 * FEATURES));
  }

  private static CountedCall reluBackward() {
    return new CountedCall(
            SIZE,
            (b, t) -> {
              Tensor y = features(t);
              Tensor dy = features(t);
              Tensor extra = features(t);
              return () -> b.reluBackward(y, dy, extra, dy);
            })
        .launches("wisp_half_relu_backward", Work.of(8 * FEATURES, 2 * FEATURES));
  }

  private static CountedCall biasSums() {
    ConvolutionSizes sizes =
        new ConvolutionSizes(ConvSpec.pointwise(CHANNELS, CHANNELS), 1, GRID, GRID);
    long sums = CHUNKS * CHANNELS;
    return new CountedCall(
            SIZE,
            (b, t) -> {
              CudaCall call = b.context().call("counted");
              long dy = call.typed("dy", features(t), DType.F16, false);
              long db = call.outAny("db", t.out(CHANNELS));
              PlainConvolutions kernels = new PlainConvolutions(b.context());
              return () -> call.run(() -> kernels.halfBackwardBias(call, sizes, dy, db));
            })
        .launches(
            "wisp_half_bias_sums",
            Work.of(2 * FEATURES + 8 * sums, FEATURES).withDoubles(2.0 * FEATURES / 8))
        .launches(
            "wisp_conv_backward_bias", Work.of(8 * sums + 4L * CHANNELS, 0).withDoubles(sums));
  }

  private static CountedCall maxPool() {
    int side = 256;
    int channels = 64;
    long from = (long) side * side * channels;
    long to = from / 4;
    return new CountedCall(
            "256x256, 64 channels",
            (b, t) -> {
              Tensor x = t.halves(1, side, side, channels);
              Tensor y = t.outHalves(1, side / 2, side / 2, channels);
              return () -> b.maxPool(x, y, null);
            })
        .launches(
            "wisp_half_max_pool",
            Work.of(2 * from + 2 * to, 18 * to),
            "each input lies in up to four windows, which meet in the L1 cache");
  }
}
