package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.ConvolutionOps;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Convolutions by the project's own plain kernels, {@code cuda/convolution_*.cu}. */
final class PlainConvolutions {
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

  private final CudaContext context;
  private final Set<CudaWeights> holders = Collections.newSetFromMap(new IdentityHashMap<>());
  private final CudaKernel loadWeights;
  private final CudaKernel convForward;
  private final CudaKernel convBackwardData;
  private final CudaKernel weightsSums;
  private final CudaKernel convBackwardWeights;
  private final CudaKernel biasSums;
  private final CudaKernel convBackwardBias;

  PlainConvolutions(CudaContext context) {
    this.context = context;
    loadWeights =
        context.kernel(
            FORWARD,
            "wisp_load_weights",
            pointer("weight"),
            pointer("scale"),
            pointer("packed"),
            i64("out_channels"),
            i64("in_channels"),
            i64("taps"));
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
    convBackwardBias =
        context.kernel(
            WEIGHTS,
            "wisp_conv_backward_bias",
            pointer("sums"),
            pointer("db"),
            i64("out_channels"),
            i64("chunks"));
  }

  /** A kernel with pointers, then the sizes of {@link Sizes#set}, then another int or none. */
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

  /** A convolution of an input {@code [n, h, w, I]}. */
  private record Sizes(ConvSpec spec, long n, long h, long w) {
    static Sizes of(ConvSpec spec, Shape x) {
      return new Sizes(spec, x.size(0), x.size(1), x.size(2));
    }

    long[] out() {
      return new long[] {n, spec.outSize(h), spec.outSize(w), spec.outChannels()};
    }

    long inputs() {
      return n * h * w;
    }

    long outputs() {
      return n * spec.outSize(h) * spec.outSize(w);
    }

    long taps() {
      return (long) spec.kernel() * spec.kernel();
    }

    /** Pieces the positions of the weights' gradient are cut into. */
    int splits() {
      long tiles =
          Math.ceilDiv(spec.outChannels(), TILE)
              * Math.ceilDiv(taps() * spec.inChannels(), (long) TILE);
      long most = Math.min(MOST_BLOCKS / tiles, Math.ceilDiv(outputs(), SMALLEST_PIECE));
      return (int) Math.max(1, most);
    }

    /** Pieces the positions of the bias's gradient are cut into. */
    long chunks() {
      return Math.max(1, Math.min(MOST_PIECES, Math.ceilDiv(outputs(), SMALLEST_PIECE)));
    }

    CudaKernel set(CudaKernel kernel) {
      return kernel
          .i64(n)
          .i32(h)
          .i32(w)
          .i32(spec.inChannels())
          .i32(spec.outSize(h))
          .i32(spec.outSize(w))
          .i32(spec.outChannels())
          .i32(spec.kernel())
          .i32(spec.stride())
          .i32(spec.padding())
          .i32(spec.dilation());
    }
  }

  private void loadWeights(long weight, long scale, long packed, ConvSpec spec) {
    loadWeights
        .pointer(weight)
        .pointer(scale)
        .pointer(packed)
        .i64(spec.outChannels())
        .i64(spec.inChannels())
        .i64((long) spec.kernel() * spec.kernel())
        .launchOver(spec.weights(), THREADS);
  }

  private void convForward(
      long x, long packed, long bias, long residual, long y, Sizes s, boolean relu) {
    convForward.pointer(x).pointer(packed).pointer(bias).pointer(residual).pointer(y);
    s.set(convForward).i32(relu ? 1 : 0);
    launchTiles(convForward, s.outputs(), s.spec.outChannels());
  }

  private void convBackwardData(long dy, long packed, long dx, Sizes s) {
    s.set(convBackwardData.pointer(dy).pointer(packed).pointer(dx));
    launchTiles(convBackwardData, s.inputs(), s.spec.inChannels());
  }

  /** A kernel whose result is {@code [pixels, channels]}. */
  private void launchTiles(CudaKernel kernel, long pixels, long channels) {
    if (context.naive()) {
      kernel.launchOver(pixels * channels, THREADS);
    } else {
      kernel.launch(Math.ceilDiv(pixels, TILE), Math.ceilDiv(channels, TILE), 1, THREADS, 1, 0);
    }
  }

  private void weightsSums(long x, long dy, long sums, Sizes s) {
    s.set(weightsSums.pointer(x).pointer(dy).pointer(sums)).i32(s.splits());
    if (context.naive()) {
      weightsSums.launchOver(s.splits() * s.spec.weights(), THREADS);
    } else {
      weightsSums.launch(
          Math.ceilDiv(s.taps() * s.spec.inChannels(), TILE),
          Math.ceilDiv(s.spec.outChannels(), TILE),
          s.splits(),
          THREADS,
          1,
          0);
    }
  }

  private void convBackwardWeights(long sums, long dw, Sizes s) {
    convBackwardWeights
        .pointer(sums)
        .pointer(dw)
        .i64(s.spec.outChannels())
        .i64(s.spec.inChannels())
        .i64(s.taps())
        .i32(s.splits())
        .launchOver(s.spec.weights(), THREADS);
  }

  private void biasSums(long dy, long sums, Sizes s) {
    long channels = s.spec.outChannels();
    biasSums.pointer(dy).pointer(sums).i64(s.outputs()).i64(channels).i64(s.chunks());
    if (context.naive()) {
      biasSums.launchOver(s.chunks() * channels, THREADS);
    } else {
      biasSums.launch(s.chunks() * Math.ceilDiv(channels, LANES), 1, 1, LANES, ROWS, 0);
    }
  }

  private void convBackwardBias(long sums, long db, Sizes s) {
    convBackwardBias
        .pointer(sums)
        .pointer(db)
        .i64(s.spec.outChannels())
        .i64(s.chunks())
        .launchOver(s.spec.outChannels(), THREADS);
  }

  /** {@link ConvolutionOps#convWeights}. */
  ConvWeights convWeights(ConvSpec spec) {
    context.call("convWeights");
    CudaWeights holder = new CudaWeights(this, spec);
    holders.add(holder);
    return holder;
  }

  /** {@link ConvolutionOps#loadWeights}. */
  void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    CudaCall call = context.call("loadWeights");
    CudaWeights holder = own("loadWeights", target);
    ConvSpec spec = holder.spec();
    long k = spec.kernel();
    long from = call.in("weight", weight, spec.outChannels(), spec.inChannels(), k, k);
    long factors = call.inOrNull("scale", scale, spec.outChannels());
    call.run(
        () -> loadWeights(from, factors, holder.forLoading("loadWeights", context.pool()), spec));
  }

  /** {@link ConvolutionOps#convForward}. */
  void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    CudaCall call = context.call("convForward");
    CudaWeights holder = own("convForward", weights);
    long packed = holder.loaded("convForward");
    ConvSpec spec = holder.spec();
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, spec.inChannels());
    long add = call.inOrNull("bias", bias, spec.outChannels());
    Sizes s = Sizes.of(spec, x.shape());
    long rest = call.inOrNull("residual", residual, s.out());
    long to = call.outOver("y", y, List.of("residual"), s.out());
    call.run(() -> convForward(from, packed, add, rest, to, s, relu));
  }

  /** {@link ConvolutionOps#convBackwardData}. */
  void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    CudaCall call = context.call("convBackwardData");
    CudaWeights holder = own("convBackwardData", weights);
    long packed = holder.loaded("convBackwardData");
    ConvSpec spec = holder.spec();
    long to = call.out("dx", dx, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, spec.inChannels());
    Sizes s = Sizes.of(spec, dx.shape());
    long from = call.in("dy", dy, s.out());
    call.run(() -> convBackwardData(from, packed, to, s));
  }

  /** {@link ConvolutionOps#convBackwardWeights}. */
  void convBackwardWeights(ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    CudaCall call = context.call("convBackwardWeights");
    long k = spec.kernel();
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, spec.inChannels());
    Sizes s = Sizes.of(spec, x.shape());
    long gradient = call.in("dy", dy, s.out());
    long to = call.out("dw", dw, spec.outChannels(), spec.inChannels(), k, k);
    long toBias = call.outOrNull("db", db, spec.outChannels());
    call.run(
        () -> {
          long sums = call.workspace(s.splits() * spec.weights() * Float.BYTES);
          weightsSums(from, gradient, sums, s);
          convBackwardWeights(sums, to, s);
          if (db != null) {
            long parts = call.workspace(s.chunks() * spec.outChannels() * Double.BYTES);
            biasSums(gradient, parts, s);
            convBackwardBias(parts, toBias, s);
          }
        });
  }

  private CudaWeights own(String operation, ConvWeights weights) {
    if (!(weights instanceof CudaWeights holder) || holder.owner() != this) {
      throw new IllegalArgumentException(
          operation + ": the weights of " + weights.spec() + " belong to another backend");
    }
    return holder;
  }

  /** From any thread. */
  void closeWeights(CudaWeights weights) {
    context.giveBack(
        () -> {
          if (holders.remove(weights)) {
            weights.release();
          }
        });
  }

  /** Frees packed weights; on the compute thread, before the pool closes. */
  void close() {
    holders.forEach(CudaWeights::release);
    holders.clear();
  }
}
