package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.ConvolutionOps;
import dev.wisp.backend.Precision;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@link ConvolutionOps} on a card: cuDNN or the project's plain kernels convolve ({@link
 * Convolvers}), kernels of the project fold and pool.
 */
final class CudaConvolutions implements ConvolutionOps {
  private static final int THREADS = 256;

  private final CudaContext context;
  private final CudaKernel loadWeights;
  private final Convolver convolver;
  private final CudaHalf half;
  private final CudaFolding folding;
  private final CudaPooling pooling;
  private final Set<CudaWeights> holders = Collections.newSetFromMap(new IdentityHashMap<>());

  CudaConvolutions(CudaContext context) {
    this.context = context;
    loadWeights =
        context.kernel(
            "convolution_forward",
            "wisp_load_weights",
            pointer("weight"),
            pointer("scale"),
            pointer("packed"),
            i64("out_channels"),
            i64("in_channels"),
            i64("taps"));
    convolver = Convolvers.choose(context);
    half = new CudaHalf(context);
    folding = new CudaFolding(context);
    pooling = new CudaPooling(context);
  }

  /** What convolves, for a log. */
  String describe() {
    return convolver.describe();
  }

  /** {@link dev.wisp.backend.Backend#precision}. */
  Precision precision() {
    return convolver.precision();
  }

  /** {@link dev.wisp.backend.Backend#setPrecision}. */
  boolean setPrecision(Precision wanted) {
    context.require("setPrecision");
    return convolver.setPrecision(wanted);
  }

  /** What convolves, for its tests. */
  Convolver convolver() {
    return convolver;
  }

  /** What convolves tensors of this type. */
  private Convolver convolver(DType type) {
    return type == DType.F16 ? convolver.halves() : convolver;
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

  @Override
  public ConvWeights convWeights(ConvSpec spec) {
    context.call("convWeights");
    CudaWeights holder = new CudaWeights(this, spec, context.pool());
    holders.add(holder);
    return holder;
  }

  @Override
  public void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    CudaCall call = context.call("loadWeights");
    CudaWeights holder = own("loadWeights", target, false);
    ConvSpec spec = holder.spec();
    long k = spec.kernel();
    long from = call.in("weight", weight, spec.outChannels(), spec.inChannels(), k, k);
    long factors = call.inOrNull("scale", scale, 2, spec.outChannels());
    call.run(() -> loadWeights(from, factors, holder.forLoading(), spec));
  }

  @Override
  public void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    CudaCall call = context.call("convForward");
    CudaWeights holder = own("convForward", weights, true);
    ConvSpec spec = holder.spec();
    DType type = CudaCall.real(y);
    DType given = type == DType.F16 ? CudaCall.real(x) : type;
    long from = call.in("x", given, x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, spec.inChannels());
    long add = call.inOrNull("bias", bias, spec.outChannels());
    ConvolutionSizes s = ConvolutionSizes.of(spec, x.shape());
    long rest = call.inOrNull("residual", type, residual, s.out());
    long to = call.outOver("y", type, y, List.of("residual"), s.out());
    call.run(
        () -> {
          long input = given == type ? from : half.narrowed(call, from, s.inputElements());
          convolver(type).forward(call, s, input, holder, add, rest, to, relu);
        });
  }

  @Override
  public void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    CudaCall call = context.call("convBackwardData");
    CudaWeights holder = own("convBackwardData", weights, true);
    ConvSpec spec = holder.spec();
    DType type = CudaCall.real(dx);
    long to = call.out("dx", type, dx, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, spec.inChannels());
    ConvolutionSizes s = ConvolutionSizes.of(spec, dx.shape());
    long from = call.in("dy", type, dy, s.out());
    call.run(() -> convolver(type).backwardData(call, s, from, holder, to));
  }

  @Override
  public void convBackwardWeights(
      ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    CudaCall call = context.call("convBackwardWeights");
    long k = spec.kernel();
    DType type = CudaCall.real(x);
    long from = call.in("x", type, x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, spec.inChannels());
    ConvolutionSizes s = ConvolutionSizes.of(spec, x.shape());
    long gradient = call.in("dy", type, dy, s.out());
    long to = call.out("dw", dw, spec.outChannels(), spec.inChannels(), k, k);
    long toBias = call.outOrNull("db", db, spec.outChannels());
    call.run(() -> convolver(type).backwardWeights(call, s, from, gradient, to, toBias));
  }

  private CudaWeights own(String operation, ConvWeights weights, boolean needsWeights) {
    if (!(weights instanceof CudaWeights holder) || holder.owner() != this) {
      throw new IllegalArgumentException(
          operation + ": the weights of " + weights.spec() + " belong to another backend");
    }
    holder.require(operation, needsWeights);
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

  /** Frees weights and what the convolver holds; on the compute thread, before the pool closes. */
  void close() {
    holders.forEach(CudaWeights::release);
    holders.clear();
    convolver.close();
  }

  @Override
  public void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    folding.foldNorm(gamma, beta, mean, var, eps, scale, bias);
  }

  @Override
  public void foldNormBackward(
      Tensor dwFolded,
      Tensor weight,
      Tensor db,
      Tensor gamma,
      Tensor mean,
      Tensor var,
      float eps,
      Tensor dw,
      Tensor dgamma) {
    folding.foldNormBackward(dwFolded, weight, db, gamma, mean, var, eps, dw, dgamma);
  }

  @Override
  public void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    pooling.maxPool(x, y, index);
  }

  @Override
  public void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    pooling.maxPoolBackward(dy, index, dx);
  }
}
