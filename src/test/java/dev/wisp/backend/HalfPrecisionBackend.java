package dev.wisp.backend;

import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A backend that can compute as a card does in mixed precision, {@link Precision#MIXED}: operands
 * and products of convolutions rounded to float16, sums as the backend below does them, then bias,
 * residual and ReLU in float32; and what a card keeps in float16 rounded again, activations and
 * their gradients. It knows no encoder: the layers over it are rounded so too, which a card does
 * not do. Everything else, and float32, is the backend's below. It rounds on the host: for tests
 * alone.
 */
public final class HalfPrecisionBackend extends GroupedBackend {
  private static final Set<String> GRADIENTS = Set.of("reluBackward", "addScaled");

  private final Backend below;
  private final Convolutions convolutions;

  /** Takes over the backend below: closing this closes it. */
  public HalfPrecisionBackend(Backend below) {
    this(below, new Convolutions(below));
  }

  private HalfPrecisionBackend(Backend below, Convolutions convolutions) {
    super(
        convolutions,
        below,
        below,
        rounding(convolutions),
        below,
        below,
        below,
        below,
        below,
        below,
        below,
        below);
    this.below = below;
    this.convolutions = convolutions;
  }

  /** The nearest float16, ties to even; infinite beyond 65504. */
  private static float rounded(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value));
  }

  private static float[] rounded(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = rounded(values[i]);
    }
    return values;
  }

  /** The operations that write activations' gradients are rounded; the last operand is written. */
  private static PointwiseOps rounding(Convolutions convolutions) {
    return (PointwiseOps)
        Proxy.newProxyInstance(
            PointwiseOps.class.getClassLoader(),
            new Class<?>[] {PointwiseOps.class},
            (proxy, method, arguments) -> {
              try {
                Object result = method.invoke(convolutions.below, arguments);
                if (convolutions.precision == Precision.MIXED
                    && GRADIENTS.contains(method.getName())) {
                  convolutions.roundInPlace((Tensor) arguments[arguments.length - 1]);
                }
                return result;
              } catch (InvocationTargetException failure) {
                throw failure.getCause();
              }
            });
  }

  private static final class Weights implements ConvWeights {
    final ConvWeights exact;
    final ConvWeights half;

    Weights(ConvWeights exact, ConvWeights half) {
      this.exact = exact;
      this.half = half;
    }

    @Override
    public ConvSpec spec() {
      return exact.spec();
    }

    @Override
    public void close() {
      exact.close();
      half.close();
    }
  }

  private static final class Convolutions implements ConvolutionOps {
    private final Backend below;
    private volatile Precision precision = Precision.FLOAT32;

    Convolutions(Backend below) {
      this.below = below;
    }

    private Tensor half(Scope scope, Tensor source) {
      Tensor target = scope.allocate(DType.F32, source.shape());
      below.upload(rounded(below.floats(source)), target);
      return target;
    }

    private void roundInPlace(Tensor tensor) {
      below.upload(rounded(below.floats(tensor)), tensor);
    }

    @Override
    public ConvWeights convWeights(ConvSpec spec) {
      return new Weights(below.convWeights(spec), below.convWeights(spec));
    }

    @Override
    public void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
      Weights both = (Weights) target;
      below.loadWeights(both.exact, weight, scale);
      float[] values = below.floats(weight);
      if (scale != null) {
        float[] factors = below.floats(scale);
        int channels = target.spec().outChannels();
        int each = values.length / channels;
        for (int i = 0; i < values.length; i++) {
          int o = i / each;
          values[i] = (float) (values[i] * ((double) factors[o] + factors[channels + o]));
        }
      }
      try (Scope scope = below.scope()) {
        Tensor scaled = scope.allocate(DType.F32, weight.shape());
        below.upload(rounded(values), scaled);
        below.loadWeights(both.half, scaled, null);
      }
    }

    @Override
    public void convForward(
        ConvWeights weights,
        Tensor x,
        @Nullable Tensor bias,
        @Nullable Tensor residual,
        boolean relu,
        Tensor y) {
      Weights both = (Weights) weights;
      if (precision == Precision.FLOAT32) {
        below.convForward(both.exact, x, bias, residual, relu, y);
        return;
      }
      float[] add = bias == null ? new float[y.shape().dim(3)] : below.floats(bias);
      float[] rest = residual == null ? null : below.floats(residual);
      try (Scope scope = below.scope()) {
        below.convForward(both.half, half(scope, x), null, null, false, y);
      }
      float[] values = rounded(below.floats(y));
      for (int i = 0; i < values.length; i++) {
        values[i] += add[i % add.length];
        if (rest != null) {
          values[i] += rest[i];
        }
        if (relu && values[i] <= 0) {
          values[i] = 0;
        }
      }
      below.upload(rounded(values), y);
    }

    @Override
    public void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
      Weights both = (Weights) weights;
      if (precision == Precision.FLOAT32) {
        below.convBackwardData(both.exact, dy, dx);
        return;
      }
      try (Scope scope = below.scope()) {
        below.convBackwardData(both.half, half(scope, dy), dx);
      }
      roundInPlace(dx);
    }

    @Override
    public void convBackwardWeights(
        ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
      if (precision == Precision.FLOAT32) {
        below.convBackwardWeights(spec, x, dy, dw, db);
        return;
      }
      try (Scope scope = below.scope()) {
        below.convBackwardWeights(spec, half(scope, x), half(scope, dy), dw, null);
      }
      roundInPlace(dw);
      if (db != null) {
        below.upload(sums(below.floats(dy), db.shape().dim(0)), db);
      }
    }

    /** Sums over all positions, in double. */
    private static float[] sums(float[] values, int channels) {
      double[] sums = new double[channels];
      for (int i = 0; i < values.length; i++) {
        sums[i % channels] += values[i];
      }
      float[] rounded = new float[channels];
      for (int c = 0; c < channels; c++) {
        rounded[c] = (float) sums[c];
      }
      return rounded;
    }

    @Override
    public void foldNorm(
        Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
      below.foldNorm(gamma, beta, mean, var, eps, scale, bias);
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
      below.foldNormBackward(dwFolded, weight, db, gamma, mean, var, eps, dw, dgamma);
    }

    @Override
    public void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
      below.maxPool(x, y, index);
    }

    @Override
    public void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
      below.maxPoolBackward(dy, index, dx);
    }
  }

  @Override
  public String name() {
    return below.name();
  }

  @Override
  public String describe() {
    return below.describe() + ", can be rounded to float16";
  }

  @Override
  public Precision precision() {
    return convolutions.precision;
  }

  @Override
  public boolean setPrecision(Precision wanted) {
    convolutions.precision = wanted;
    return true;
  }

  @Override
  public Scope scope() {
    return below.scope();
  }

  @Override
  public <T> T compute(Callable<T> task) {
    return below.compute(task);
  }

  @Override
  public MemoryStatistics memoryStatistics() {
    return below.memoryStatistics();
  }

  @Override
  public void upload(float[] source, Tensor target) {
    below.upload(source, target);
  }

  @Override
  public void upload(float[] source, int count, Tensor target, long at) {
    below.upload(source, count, target, at);
  }

  @Override
  public void upload(int[] source, Tensor target) {
    below.upload(source, target);
  }

  @Override
  public void upload(byte[] source, Tensor target) {
    below.upload(source, target);
  }

  @Override
  public float[] floats(Tensor source) {
    return below.floats(source);
  }

  @Override
  public void download(Tensor source, long at, float[] target, int count) {
    below.download(source, at, target, count);
  }

  @Override
  public int[] ints(Tensor source) {
    return below.ints(source);
  }

  @Override
  public void close() {
    below.close();
  }
}
