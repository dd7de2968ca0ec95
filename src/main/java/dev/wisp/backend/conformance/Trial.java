package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One run of a case on one backend: makes inputs from the case's seed and collects outputs. */
public final class Trial {
  /** How an output is compared. */
  enum Rule {
    /** Within the tolerance that float32 costs. */
    CLOSE,
    /** The same, and exactly 0 where the reference is exactly 0. */
    CLOSE_AND_ZERO,
    /** The float32 nearest to the reference. */
    EXACT
  }

  /**
   * An output.
   *
   * @param floats the elements of a float output, else null
   * @param unit of a float output: distance from 1 to the next number of its type
   * @param ints the elements of an int output, else null
   * @param margins of an int output: relative distance of the best two candidates, else null
   */
  record Output(
      String name,
      Rule rule,
      double @Nullable [] floats,
      double unit,
      int @Nullable [] ints,
      double @Nullable [] margins) {}

  private static final double UNIT = 0x1p-23;
  private static final double HALF_UNIT = 0x1p-10;

  private final Backend backend;
  private final Scope scope;
  private final CounterRandom random;
  private final List<Output> outputs = new ArrayList<>();

  Trial(Backend backend, Scope scope, long seed) {
    this.backend = backend;
    this.scope = scope;
    this.random = CounterRandom.of(seed);
  }

  /** The backend the case runs on. */
  public Backend backend() {
    return backend;
  }

  Scope scope() {
    return scope;
  }

  /** The case's random numbers. */
  public CounterRandom random() {
    return random;
  }

  List<Output> outputs() {
    return outputs;
  }

  /** Standard normal values. */
  public Tensor normal(long... sizes) {
    float[] values = new float[count(sizes)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return tensor(values, sizes);
  }

  /** Uniform values in [low, high). */
  public Tensor uniform(double low, double high, long... sizes) {
    float[] values = new float[count(sizes)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.uniform(low, high);
    }
    return tensor(values, sizes);
  }

  /** Values out of 0, 1/4, 2/4, 3/4, so that many are equal. */
  public Tensor coarse(long... sizes) {
    float[] values = new float[count(sizes)];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(4) / 4f;
    }
    return tensor(values, sizes);
  }

  /** 0 and 1, four fifths of them 1. */
  public Tensor mask(long... sizes) {
    float[] values = new float[count(sizes)];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(5) == 0 ? 0 : 1;
    }
    return tensor(values, sizes);
  }

  /** One value everywhere. */
  public Tensor constant(float value, long... sizes) {
    float[] values = new float[count(sizes)];
    Arrays.fill(values, value);
    return tensor(values, sizes);
  }

  /** Given values. */
  public Tensor tensor(float[] values, long... sizes) {
    Tensor tensor = scope.f32(sizes);
    backend.upload(values, tensor);
    return tensor;
  }

  /** The nearest F16 of an F32 tensor. */
  public Tensor half(Tensor floats) {
    Tensor half = scope.allocate(DType.F16, floats.shape());
    backend.convert(floats, half);
    return half;
  }

  /** An F16 output, full of NaN so that what is not written shows. */
  public Tensor f16(long... sizes) {
    return half(f32(sizes));
  }

  /** The values of an F16 tensor in F32. */
  public Tensor wide(Tensor half) {
    Tensor floats = scope.allocate(DType.F32, half.shape());
    backend.convert(half, floats);
    return floats;
  }

  /** Random ids in -1..highest. */
  public Tensor ids(int highest, long... sizes) {
    int[] values = new int[count(sizes)];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(highest + 2) - 1;
    }
    return tensor(values, sizes);
  }

  /** Given ints. */
  public Tensor tensor(int[] values, long... sizes) {
    Tensor tensor = scope.i32(sizes);
    backend.upload(values, tensor);
    return tensor;
  }

  /** Class ids in a U8 tensor: of {@code classes} classes, every sixth or so of none. */
  public Tensor labels(int classes, long... sizes) {
    byte[] values = new byte[count(sizes)];
    for (int i = 0; i < values.length; i++) {
      int id = random.nextInt(6) == 0 ? 255 - random.nextInt(2) : random.nextInt(classes);
      values[i] = (byte) id;
    }
    Tensor tensor = scope.allocate(DType.U8, Shape.of(sizes));
    backend.upload(values, tensor);
    return tensor;
  }

  /** A float output, full of NaN so that what is not written shows. */
  public Tensor f32(long... sizes) {
    return constant(Float.NaN, sizes);
  }

  /** An int output, full of nonsense. */
  public Tensor i32(long... sizes) {
    int[] values = new int[count(sizes)];
    Arrays.fill(values, -123456789);
    return tensor(values, sizes);
  }

  private static int count(long... sizes) {
    return Math.toIntExact(Shape.of(sizes).elements());
  }

  /** The elements, with the reference's full precision where it is the backend. */
  public double[] values(Tensor tensor) {
    if (backend instanceof ReferenceBackend reference) {
      return reference.doubles(tensor);
    }
    float[] floats = backend.floats(tensor);
    double[] values = new double[floats.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = floats[i];
    }
    return values;
  }

  /** Hands an output over as it is now; int outputs must be equal. */
  public void out(String name, Tensor tensor) {
    if (tensor.type() == DType.I32) {
      outputs.add(new Output(name, Rule.EXACT, null, 0, backend.ints(tensor), null));
    } else {
      floats(name, Rule.CLOSE, tensor);
    }
  }

  /** A float output that must be exactly 0 where the reference is. */
  public void outWithZeros(String name, Tensor tensor) {
    floats(name, Rule.CLOSE_AND_ZERO, tensor);
  }

  /** A float output that must be the float32 nearest to the reference's. */
  public void outExact(String name, Tensor tensor) {
    floats(name, Rule.EXACT, tensor);
  }

  /** An F32 output that a backend may have rounded to F16 on the way. */
  public void outRounded(String name, Tensor tensor) {
    outputs.add(new Output(name, Rule.CLOSE, values(tensor), HALF_UNIT, null, null));
  }

  private void floats(String name, Rule rule, Tensor tensor) {
    boolean half = tensor.type() == DType.F16;
    double[] values = values(half ? wide(tensor) : tensor);
    outputs.add(new Output(name, rule, values, half ? HALF_UNIT : UNIT, null, null));
  }

  /**
   * An int output of decisions between competing values.
   *
   * @param margins for each decision the relative distance of the best two candidates, see {@link
   *     #margins}
   */
  public void outDecisions(String name, Tensor tensor, double[] margins) {
    outputs.add(new Output(name, Rule.EXACT, null, 0, backend.ints(tensor), margins));
  }

  /**
   * Margins of decisions between class maps.
   *
   * @param maps the competing values, {@code [rows, positions]}
   * @param absentCompete whether classes without a row compete with the value 0
   */
  public static double[] margins(
      double[] maps, ClassRows classes, int positions, boolean absentCompete) {
    double[] margins = new double[classes.images() * positions];
    for (int i = 0; i < margins.length; i++) {
      int image = i / positions;
      double best = Double.NEGATIVE_INFINITY;
      double second = Double.NEGATIVE_INFINITY;
      for (int id = 0; id < classes.total(); id++) {
        int row = classes.row(image, id);
        if (row < 0 && !absentCompete) {
          continue;
        }
        double value = row < 0 ? 0 : maps[row * positions + i % positions];
        if (!(value <= best)) {
          second = best;
          best = value;
        } else if (value > second) {
          second = value;
        }
      }
      margins[i] = best == second ? 0 : (best - second) / Math.abs(best);
    }
    return margins;
  }
}
