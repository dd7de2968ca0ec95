package dev.wisp.backend.reference;

import static dev.wisp.backend.support.Operands.real;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Convolutions of the reference backend: checks, then {@link ConvolutionReference}. */
abstract class ReferenceConvolution extends ReferenceMemory {
  private final ConvolutionReference convolution;

  ReferenceConvolution(Rounding rounding) {
    super(rounding);
    convolution = new ConvolutionReference(rounding);
  }

  private static final class Weights implements ConvWeights {
    final ConvSpec spec;
    double @Nullable [] values;
    boolean closed;

    Weights(ConvSpec spec) {
      this.spec = spec;
    }

    @Override
    public ConvSpec spec() {
      return spec;
    }

    @Override
    public void close() {
      closed = true;
      values = null;
    }
  }

  private static Weights own(String operation, ConvWeights weights) {
    if (!(weights instanceof Weights holder)) {
      throw new IllegalArgumentException(
          operation + ": the weights of " + weights.spec() + " belong to another backend");
    }
    if (holder.closed) {
      throw new IllegalStateException(
          operation + ": the weights of " + holder.spec + " are closed");
    }
    return holder;
  }

  private static double[] values(String operation, ConvWeights weights) {
    double[] values = own(operation, weights).values;
    if (values == null) {
      throw new IllegalStateException(
          operation + ": no weights of " + weights.spec() + " are loaded");
    }
    return values;
  }

  @Override
  public ConvWeights convWeights(ConvSpec spec) {
    return new Weights(spec);
  }

  @Override
  public void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    Weights holder = own("loadWeights", target);
    ConvSpec spec = holder.spec;
    double[] values = new double[Math.toIntExact(spec.weights())];
    convolution.loadWeights(
        spec,
        f32("loadWeights", "weight", weight, weightShape(spec)),
        f32OrNull("loadWeights", "scale", scale, 2, spec.outChannels()),
        values);
    holder.values = values;
  }

  private static long[] weightShape(ConvSpec spec) {
    return new long[] {spec.outChannels(), spec.inChannels(), spec.kernel(), spec.kernel()};
  }

  private static long[] outShape(ConvSpec spec, int[] x) {
    return new long[] {x[0], spec.outSize(x[1]), spec.outSize(x[2]), spec.outChannels()};
  }

  @Override
  public void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    String op = "convForward";
    ConvSpec spec = weights.spec();
    int[] in = sizes(op, "x", x, 4);
    require(in[3] == spec.inChannels(), op, "x is %s for %s", x, spec);
    DType type = real(y);
    double[] out = floats(op, type, "y", y, outShape(spec, in));
    double[] from = floats(op, type == DType.F16 ? real(x) : type, "x", x);
    if (x.type() != type) {
      from = from.clone();
      Rounding.toHalf(from);
    }
    convolution.convForward(
        spec,
        values(op, weights),
        from,
        in[0],
        in[1],
        in[2],
        f32OrNull(op, "bias", bias, spec.outChannels()),
        floatsOrNull(op, type, "residual", residual, outShape(spec, in)),
        relu,
        out);
    rounding.results(type, out);
  }

  @Override
  public void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    String op = "convBackwardData";
    ConvSpec spec = weights.spec();
    int[] in = sizes(op, "dx", dx, 4);
    require(in[3] == spec.inChannels(), op, "dx is %s for %s", dx, spec);
    DType type = real(dx);
    double[] out = floats(op, type, "dx", dx);
    convolution.convBackwardData(
        spec,
        values(op, weights),
        floats(op, type, "dy", dy, outShape(spec, in)),
        in[0],
        in[1],
        in[2],
        out);
    rounding.results(type, out);
  }

  @Override
  public void convBackwardWeights(
      ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    String op = "convBackwardWeights";
    int[] in = sizes(op, "x", x, 4);
    require(in[3] == spec.inChannels(), op, "x is %s for %s", x, spec);
    double[] weights = f32(op, "dw", dw, weightShape(spec));
    double[] bias = f32OrNull(op, "db", db, spec.outChannels());
    DType type = real(x);
    convolution.convBackwardWeights(
        spec,
        floats(op, type, "x", x),
        floats(op, type, "dy", dy, outShape(spec, in)),
        in[0],
        in[1],
        in[2],
        weights,
        bias);
    rounding.results(weights);
    if (bias != null) {
      rounding.results(bias);
    }
  }

  @Override
  public void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    String op = "foldNorm";
    long c = sizes(op, "gamma", gamma, 1)[0];
    double[] scales = f32(op, "scale", scale, 2, c);
    double[] biases = f32(op, "bias", bias, c);
    convolution.foldNorm(
        f32(op, "gamma", gamma, c),
        f32(op, "beta", beta, c),
        f32(op, "mean", mean, c),
        f32(op, "var", var, c),
        eps,
        scales,
        biases);
    rounding.results(scales);
    rounding.results(biases);
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
    String op = "foldNormBackward";
    long[] shape = weight.shape().toArray();
    require(shape.length == 4, op, "weight is %s", weight);
    double[] weights = f32(op, "dw", dw, shape);
    double[] gammas = f32(op, "dgamma", dgamma, shape[0]);
    convolution.foldNormBackward(
        f32(op, "dwFolded", dwFolded, shape),
        f32(op, "weight", weight, shape),
        f32(op, "db", db, shape[0]),
        f32(op, "gamma", gamma, shape[0]),
        f32(op, "mean", mean, shape[0]),
        f32(op, "var", var, shape[0]),
        eps,
        weights,
        gammas);
    rounding.results(weights);
    rounding.results(gammas);
  }

  @Override
  public void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    String op = "maxPool";
    int[] in = sizes(op, "x", x, 4);
    long[] shape = pooledShape(op, in);
    DType type = real(x);
    convolution.maxPool(
        floats(op, type, "x", x),
        in[0],
        in[1],
        in[2],
        in[3],
        floats(op, type, "y", y, shape),
        index == null ? null : i32(op, "index", index, shape));
  }

  private static long[] pooledShape(String op, int[] in) {
    require(in[1] > 0 && in[2] > 0, op, "%s has no pixel", Arrays.toString(in));
    return new long[] {
      in[0], ConvolutionReference.pooled(in[1]), ConvolutionReference.pooled(in[2]), in[3]
    };
  }

  @Override
  public void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    String op = "maxPoolBackward";
    int[] in = sizes(op, "dx", dx, 4);
    long[] shape = pooledShape(op, in);
    double[] out = f32(op, "dx", dx);
    convolution.maxPoolBackward(
        f32(op, "dy", dy, shape), i32(op, "index", index, shape), in[0], in[1], in[2], in[3], out);
    rounding.results(out);
  }
}
