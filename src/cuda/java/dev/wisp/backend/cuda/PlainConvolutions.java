package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ConvSpec;
import java.util.ArrayList;
import java.util.List;

/** Convolutions by the project's own plain kernels, {@code cuda/convolution_*.cu}. */
final class PlainConvolutions implements Convolver {
  private static final String FORWARD = "convolution_forward";
  private static final String DATA = "convolution_backward_data";
  private static final String WEIGHTS = "convolution_backward_weights";
  private static final int THREADS = 256;

  /** Pixels or channels along a side of a block's tile. */
  private static final int TILE = 64;

  /** Most blocks the positions of a weights' gradient are split among. */
  private static final int MOST_BLOCKS = 512;

  /** Positions of a piece of the gradients' sums, at least; and pieces of the bias's, at most. */
  private static final int SMALLEST_PIECE = 256;

  private static final int MOST_PIECES = 512;

  /** Channels and positions of a block of the bias's sums. */
  private static final int LANES = 32;

  private static final int ROWS = 8;

  /** Channels of a block of the bias's sums of float16. */
  private static final int HALF_LANES = 2 * LANES;

  private final CudaContext context;
  private final CudaKernel convForward;
  private final CudaKernel convBackwardData;
  private final CudaKernel weightsSums;
  private final CudaKernel convBackwardWeights;
  private final CudaKernel biasSums;
  private final CudaKernel halfBiasSums;
  private final WidenedConvolutions halves;
  private final CudaKernel convBackwardBias;

  PlainConvolutions(CudaContext context) {
    this.context = context;
    convForward =
        sized(
            FORWARD,
            "wisp_conv_forward",
            List.of("x", "packed", "bias", "residual", "y"),
            i32("relu"));
    convBackwardData = sized(DATA, "wisp_conv_backward_data", List.of("dy", "packed", "dx"));
    weightsSums =
        sized(
            WEIGHTS, "wisp_conv_backward_weights_sums", List.of("x", "dy", "sums"), i32("splits"));
    convBackwardWeights =
        context.kernel(
            WEIGHTS,
            "wisp_conv_backward_weights",
            pointer("sums"),
            pointer("dw"),
            i64("out_channels"),
            i64("in_channels"),
            i64("taps"),
            i32("splits"));
    biasSums =
        context.judged(
            WEIGHTS,
            "wisp_conv_backward_bias_sums",
            pointer("dy"),
            pointer("sums"),
            i64("positions"),
            i64("out_channels"),
            i64("chunks"));
    halfBiasSums =
        context.judged(
            CudaHalfActivations.FILE,
            "wisp_half_bias_sums",
            pointer("dy"),
            pointer("sums"),
            i64("positions"),
            i64("out_channels"),
            i64("chunks"));
    halves = new WidenedConvolutions(this, new CudaHalf(context));
    convBackwardBias =
        context.kernel(
            WEIGHTS,
            "wisp_conv_backward_bias",
            pointer("sums"),
            pointer("db"),
            i64("out_channels"),
            i64("chunks"));
  }

  /** A kernel with pointers, then the sizes of {@link #set}, then another int or none. */
  private CudaKernel sized(String file, String name, List<String> pointers, CudaParameter... last) {
    List<CudaParameter> parameters = new ArrayList<>();
    pointers.forEach(pointer -> parameters.add(pointer(pointer)));
    parameters.add(i64("n"));
    for (String size :
        List.of(
            "h",
            "w",
            "in_channels",
            "out_h",
            "out_w",
            "out_channels",
            "kernel",
            "stride",
            "padding",
            "dilation")) {
      parameters.add(i32(size));
    }
    parameters.addAll(List.of(last));
    return context.judged(file, name, parameters.toArray(CudaParameter[]::new));
  }

  /** Pieces the positions of the weights' gradient are cut into. */
  private static int splits(ConvolutionSizes s) {
    long tiles =
        Math.ceilDiv(s.spec().outChannels(), TILE)
            * Math.ceilDiv(s.taps() * s.spec().inChannels(), (long) TILE);
    long most = Math.min(MOST_BLOCKS / tiles, Math.ceilDiv(s.outputs(), SMALLEST_PIECE));
    return (int) Math.max(1, most);
  }

  /** Pieces the positions of the bias's gradient are cut into. */
  private static long chunks(ConvolutionSizes s) {
    return Math.max(1, Math.min(MOST_PIECES, Math.ceilDiv(s.outputs(), SMALLEST_PIECE)));
  }

  private static CudaKernel set(CudaKernel kernel, ConvolutionSizes s) {
    ConvSpec spec = s.spec();
    return kernel
        .i64(s.n())
        .i32(s.h())
        .i32(s.w())
        .i32(spec.inChannels())
        .i32(spec.outSize(s.h()))
        .i32(spec.outSize(s.w()))
        .i32(spec.outChannels())
        .i32(spec.kernel())
        .i32(spec.stride())
        .i32(spec.padding())
        .i32(spec.dilation());
  }

  private void convForward(
      long x, long packed, long bias, long residual, long y, ConvolutionSizes s, boolean relu) {
    convForward.pointer(x).pointer(packed).pointer(bias).pointer(residual).pointer(y);
    set(convForward, s).i32(relu ? 1 : 0);
    launchTiles(convForward, s.outputs(), s.spec().outChannels());
  }

  private void convBackwardData(long dy, long packed, long dx, ConvolutionSizes s) {
    set(convBackwardData.pointer(dy).pointer(packed).pointer(dx), s);
    launchTiles(convBackwardData, s.inputs(), s.spec().inChannels());
  }

  /** A kernel whose result is {@code [pixels, channels]}. */
  private void launchTiles(CudaKernel kernel, long pixels, long channels) {
    if (context.naive()) {
      kernel.launchOver(pixels * channels, THREADS);
    } else {
      kernel.launch(Math.ceilDiv(pixels, TILE), Math.ceilDiv(channels, TILE), 1, THREADS, 1, 0);
    }
  }

  private void weightsSums(long x, long dy, long sums, ConvolutionSizes s) {
    set(weightsSums.pointer(x).pointer(dy).pointer(sums), s).i32(splits(s));
    if (context.naive()) {
      weightsSums.launchOver(splits(s) * s.spec().weights(), THREADS);
    } else {
      weightsSums.launch(
          Math.ceilDiv(s.taps() * s.spec().inChannels(), TILE),
          Math.ceilDiv(s.spec().outChannels(), TILE),
          splits(s),
          THREADS,
          1,
          0);
    }
  }

  private void convBackwardWeights(long sums, long dw, ConvolutionSizes s) {
    convBackwardWeights
        .pointer(sums)
        .pointer(dw)
        .i64(s.spec().outChannels())
        .i64(s.spec().inChannels())
        .i64(s.taps())
        .i32(splits(s))
        .launchOver(s.spec().weights(), THREADS);
  }

  /**
   * Sums of the bias's gradient.
   *
   * @param lanes channels of a block
   */
  private void biasSums(CudaKernel kernel, int lanes, long dy, long sums, ConvolutionSizes s) {
    long channels = s.spec().outChannels();
    kernel.pointer(dy).pointer(sums).i64(s.outputs()).i64(channels).i64(chunks(s));
    if (context.naive()) {
      kernel.launchOver(chunks(s) * channels, THREADS);
    } else {
      kernel.launch(chunks(s) * Math.ceilDiv(channels, lanes), 1, 1, LANES, ROWS, 0);
    }
  }

  private void convBackwardBias(long sums, long db, ConvolutionSizes s) {
    convBackwardBias
        .pointer(sums)
        .pointer(db)
        .i64(s.spec().outChannels())
        .i64(chunks(s))
        .launchOver(s.spec().outChannels(), THREADS);
  }

  @Override
  public void forward(
      CudaCall call,
      ConvolutionSizes s,
      long x,
      CudaWeights weights,
      long bias,
      long residual,
      long y,
      boolean relu) {
    convForward(x, weights.packed(), bias, residual, y, s, relu);
  }

  @Override
  public void backwardData(
      CudaCall call, ConvolutionSizes s, long dy, CudaWeights weights, long dx) {
    convBackwardData(dy, weights.packed(), dx, s);
  }

  @Override
  public void backwardWeights(
      CudaCall call, ConvolutionSizes s, long x, long dy, long dw, long db) {
    long sums = call.workspace(splits(s) * s.spec().weights() * Float.BYTES);
    weightsSums(x, dy, sums, s);
    convBackwardWeights(sums, dw, s);
    if (db != 0) {
      backwardBias(call, s, dy, db);
    }
  }

  /** The gradient of the bias: sums of dy over images and positions, in double. */
  void backwardBias(CudaCall call, ConvolutionSizes s, long dy, long db) {
    long sums = biasWorkspace(call, s);
    biasSums(biasSums, LANES, dy, sums, s);
    convBackwardBias(sums, db, s);
  }

  /** {@link #backwardBias} of a float16 dy. */
  void halfBackwardBias(CudaCall call, ConvolutionSizes s, long dy, long db) {
    long sums = biasWorkspace(call, s);
    biasSums(halfBiasSums, HALF_LANES, dy, sums, s);
    convBackwardBias(sums, db, s);
  }

  private static long biasWorkspace(CudaCall call, ConvolutionSizes s) {
    return call.workspace(chunks(s) * s.spec().outChannels() * Double.BYTES);
  }

  @Override
  public Convolver halves() {
    return halves;
  }

  @Override
  public String describe() {
    return "Wisp's plain kernels";
  }

  @Override
  public void close() {}
}
