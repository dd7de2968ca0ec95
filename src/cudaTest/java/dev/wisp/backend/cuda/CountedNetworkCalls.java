package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * The network's operations at sizes of the ResNet-50 that sees an image of 512 x 512 pixels, and
 * the least work by the formulas in the kernels' headers.
 */
final class CountedNetworkCalls {
  private static final float EPS = 1e-5f;

  /** Of the features, and their positions. */
  private static final long GRID = 32;

  private static final long POSITIONS = GRID * GRID;
  private static final int CHANNELS = 256;
  private static final ConvSpec CONV = new ConvSpec(CHANNELS, CHANNELS, 3, 1, 2, 2);
  private static final long WEIGHTS = CONV.weights();
  private static final long FEATURES = POSITIONS * CHANNELS;
  private static final String CONV_SIZE = "32x32, 256 to 256 channels, 3x3 dilated by 2";

  /** Multiply-adds of the convolution and of each of its gradients. */
  private static final double PRODUCTS = (double) POSITIONS * WEIGHTS;

  private static final String TILES =
      "each of the 16 x 4 tiles of 64 pixels and 64 channels reads its pixels for every tap and its"
          + " weights, from the L2 cache: the features 36 times, the weights 16 times";

  private static final String CHANNEL =
      "each element reads its channel's four or five values, from the L1 cache";

  private static final String STRIDE =
      "neighbouring threads read with a stride (the order of the weights changes): a sector is read"
          + " again for each of its values, from the cache";

  private CountedNetworkCalls() {}

  static List<CountedCall> all() {
    return Stream.of(convolutions(), folding(), pooling(), batchNorm(), optimizer())
        .flatMap(List::stream)
        .toList();
  }

  private static Tensor features(CountedCall.Operands t) {
    return t.floats(1, GRID, GRID, CHANNELS);
  }

  private static Tensor weights(CountedCall.Operands t) {
    return t.floats(CHANNELS, CHANNELS, CONV.kernel(), CONV.kernel());
  }

  private static List<CountedCall> convolutions() {
    long tiles = 4 * 36;
    long splits = 512 / tiles;
    long chunks = POSITIONS / 256;
    return List.of(
        new CountedCall(
                CONV_SIZE,
                (b, t) -> {
                  Tensor weight = weights(t);
                  Tensor scale = t.positive(2, CHANNELS);
                  return () -> {
                    try (ConvWeights packed = b.convWeights(CONV)) {
                      b.loadWeights(packed, weight, scale);
                    }
                  };
                })
            .launches(
                "wisp_load_weights",
                Work.of(8 * WEIGHTS + 8 * CHANNELS, 0).withDoubles(2.0 * WEIGHTS),
                STRIDE),
        new CountedCall(
                CONV_SIZE,
                (b, t) -> {
                  ConvWeights packed = b.convWeights(CONV);
                  b.loadWeights(packed, weights(t), null);
                  Tensor x = features(t);
                  Tensor bias = t.floats(CHANNELS);
                  Tensor y = t.out(1, GRID, GRID, CHANNELS);
                  return () -> {
                    b.convForward(packed, x, bias, null, true, y);
                    packed.close();
                  };
                })
            .launches(
                "wisp_conv_forward",
                Work.of(8 * FEATURES + 4 * WEIGHTS + 4 * CHANNELS, 2 * PRODUCTS),
                TILES),
        new CountedCall(
                CONV_SIZE,
                (b, t) -> {
                  ConvWeights packed = b.convWeights(CONV);
                  b.loadWeights(packed, weights(t), null);
                  Tensor dy = features(t);
                  Tensor dx = t.out(1, GRID, GRID, CHANNELS);
                  return () -> {
                    b.convBackwardData(packed, dy, dx);
                    packed.close();
                  };
                })
            .launches(
                "wisp_conv_backward_data",
                Work.of(8 * FEATURES + 4 * WEIGHTS, 2 * PRODUCTS),
                TILES),
        new CountedCall(
                CONV_SIZE,
                (b, t) -> {
                  Tensor x = features(t);
                  Tensor dy = features(t);
                  Tensor dw = t.out(CHANNELS, CHANNELS, CONV.kernel(), CONV.kernel());
                  Tensor db = t.out(CHANNELS);
                  return () -> b.convBackwardWeights(CONV, x, dy, dw, db);
                })
            .launches(
                "wisp_conv_backward_weights_sums",
                Work.of(8 * FEATURES + 4 * splits * WEIGHTS, 2 * PRODUCTS),
                "each of the 36 x 4 tiles of 64 x 64 weights reads its columns of both operands,"
                    + " from the L2 cache: each 36 times")
            .launches(
                "wisp_conv_backward_weights",
                Work.of(4 * (splits + 1) * WEIGHTS, (double) splits * WEIGHTS),
                STRIDE)
            .launches(
                "wisp_conv_backward_bias_sums",
                Work.of(4 * FEATURES + 8 * chunks * CHANNELS, FEATURES)
                    .withDoubles(2.0 * FEATURES / 8))
            .launches(
                "wisp_conv_backward_bias",
                Work.of(8 * chunks * CHANNELS + 4 * CHANNELS, 0)
                    .withDoubles((double) chunks * CHANNELS)));
  }

  private static List<CountedCall> folding() {
    return List.of(
        new CountedCall(
                "256 channels",
                (b, t) -> {
                  Tensor gamma = t.positive(CHANNELS);
                  Tensor beta = t.floats(CHANNELS);
                  Tensor mean = t.floats(CHANNELS);
                  Tensor var = t.positive(CHANNELS);
                  Tensor scale = t.out(2, CHANNELS);
                  Tensor bias = t.out(CHANNELS);
                  return () -> b.foldNorm(gamma, beta, mean, var, EPS, scale, bias);
                })
            .launches("wisp_fold_norm", Work.of(28 * CHANNELS, 0).withDoubles(6.0 * CHANNELS)),
        new CountedCall(
                CONV_SIZE,
                (b, t) -> {
                  Tensor dw = weights(t);
                  Tensor weight = weights(t);
                  Tensor db = t.floats(CHANNELS);
                  Tensor gamma = t.positive(CHANNELS);
                  Tensor mean = t.floats(CHANNELS);
                  Tensor var = t.positive(CHANNELS);
                  Tensor dgamma = t.out(CHANNELS);
                  return () ->
                      b.foldNormBackward(dw, weight, db, gamma, mean, var, EPS, dw, dgamma);
                })
            .launches(
                "wisp_fold_norm_backward",
                Work.of(12 * WEIGHTS + 20 * CHANNELS, 3 * WEIGHTS).withDoubles(2.0 * WEIGHTS / 8)));
  }

  private static List<CountedCall> pooling() {
    long size = 256;
    long channels = 64;
    long inputs = size * size * channels;
    long outputs = inputs / 4;
    return List.of(
        new CountedCall(
                "256x256x64",
                (b, t) -> {
                  Tensor x = t.floats(1, size, size, channels);
                  Tensor y = t.out(1, size / 2, size / 2, channels);
                  Tensor index = t.outInts(1, size / 2, size / 2, channels);
                  return () -> b.maxPool(x, y, index);
                })
            .launches("wisp_max_pool", Work.of(4 * inputs + 8 * outputs, 18.0 * outputs)),
        new CountedCall(
                "256x256x64",
                (b, t) -> {
                  Tensor x = t.floats(1, size, size, channels);
                  Tensor y = t.floats(1, size / 2, size / 2, channels);
                  Tensor index = t.outInts(1, size / 2, size / 2, channels);
                  b.maxPool(x, y, index);
                  return () -> b.maxPoolBackward(y, index, x);
                })
            .launches(
                "wisp_max_pool_backward",
                Work.of(4 * inputs + 8 * outputs, outputs),
                "each input reads winner and gradient of its up to four windows, which meet in the"
                    + " L1 cache"));
  }

  private static List<CountedCall> batchNorm() {
    String size = "32x32x256";
    long chunks = POSITIONS / 256;
    Work reduced = Work.of(16 * chunks * CHANNELS + 16 * CHANNELS, 0);
    return List.of(
        new CountedCall(
                size,
                (b, t) -> {
                  Tensor x = features(t);
                  Tensor gamma = t.positive(CHANNELS);
                  Tensor beta = t.floats(CHANNELS);
                  Tensor y = t.out(1, GRID, GRID, CHANNELS);
                  Tensor mean = t.out(CHANNELS);
                  Tensor invStd = t.out(CHANNELS);
                  return () -> b.batchNormForward(x, gamma, beta, EPS, null, true, y, mean, invStd);
                })
            .launches(
                "wisp_batch_norm_sums",
                Work.of(4 * FEATURES + 16 * chunks * CHANNELS, 4 * FEATURES)
                    .withDoubles(4.0 * FEATURES / 8))
            .launches(
                "wisp_batch_norm_statistics",
                Work.of(16 * chunks * CHANNELS + 12 * CHANNELS, 0)
                    .withDoubles(2.0 * chunks * CHANNELS + 6 * CHANNELS))
            .launches(
                "wisp_batch_norm_forward",
                Work.of(8 * FEATURES + 16 * CHANNELS, 5 * FEATURES),
                CHANNEL),
        new CountedCall(
                size,
                (b, t) -> {
                  Tensor x = features(t);
                  Tensor dy = features(t);
                  Tensor gamma = t.positive(CHANNELS);
                  Tensor mean = t.floats(CHANNELS);
                  Tensor invStd = t.positive(CHANNELS);
                  Tensor dx = t.out(1, GRID, GRID, CHANNELS);
                  Tensor dgamma = t.out(CHANNELS);
                  Tensor dbeta = t.out(CHANNELS);
                  return () -> b.batchNormBackward(x, dy, gamma, mean, invStd, dx, dgamma, dbeta);
                })
            .launches(
                "wisp_batch_norm_gradient_sums",
                Work.of(8 * FEATURES + 8 * CHANNELS + 16 * chunks * CHANNELS, 5 * FEATURES)
                    .withDoubles(4.0 * FEATURES / 8))
            .launches(
                "wisp_batch_norm_gradients",
                reduced.withDoubles(2.0 * chunks * CHANNELS + 2 * CHANNELS))
            .launches(
                "wisp_batch_norm_backward",
                Work.of(12 * FEATURES + 20 * CHANNELS, 7 * FEATURES),
                CHANNEL),
        new CountedCall(
                "256 channels",
                (b, t) -> {
                  Tensor mean = t.floats(CHANNELS);
                  Tensor invStd = t.positive(CHANNELS);
                  Tensor runningMean = t.floats(CHANNELS);
                  Tensor runningVar = t.positive(CHANNELS);
                  return () ->
                      b.batchNormUpdate(
                          mean, invStd, EPS, POSITIONS, 0.1f, runningMean, runningVar);
                })
            .launches(
                "wisp_batch_norm_update",
                Work.of(24 * CHANNELS, 6 * CHANNELS).withDoubles(5.0 * CHANNELS)));
  }

  private static List<CountedCall> optimizer() {
    long[][] shapes = {{CHANNELS, 4 * CHANNELS}, {CHANNELS, CHANNELS, 3, 3}, {CHANNELS}};
    String size = "256x1024, 256x256x3x3 and 256 parameters";
    long elements = 4L * CHANNELS * CHANNELS + WEIGHTS + CHANNELS;
    long pieces = 32 + 72 + 1;
    return List.of(
        new CountedCall(
                size,
                (b, t) -> {
                  List<Tensor> gradients = Stream.of(shapes).map(t::floats).toList();
                  Tensor norm = t.out(1);
                  return () -> b.gradientNorm(gradients, norm);
                })
            .launches(
                "wisp_gradient_norm_sums",
                Work.of(4 * elements + 8 * pieces, 0).withDoubles(2.0 * elements))
            .launches("wisp_gradient_norm", Work.of(8 * pieces + 4, 0).withDoubles(pieces)),
        new CountedCall(
                size,
                (b, t) -> {
                  List<SgdSlot> slots =
                      Stream.of(shapes)
                          .map(s -> new SgdSlot(t.floats(s), t.floats(s), t.floats(s), 0.1f))
                          .toList();
                  Tensor norm = t.positive(1);
                  return () -> b.sgdStep(slots, norm, null, 1, 1e-4f, 0.9f, false);
                })
            .launches("wisp_sgd_step", Work.of(20 * elements, 7 * elements)),
        new CountedCall(
                "a scale that doubles",
                (b, t) -> {
                  Tensor norm = t.ones(1);
                  Tensor lossScale = t.ones(2);
                  return () -> b.updateLossScale(norm, lossScale, 1);
                })
            .launches("wisp_update_loss_scale", Work.of(20, 2), "five values, a sector each"));
  }
}
