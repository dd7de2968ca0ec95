package dev.wisp.backend.cuda;

import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A call of an operation whose kernels are counted, and what their formulas ask for at least.
 *
 * @param size of the call, for the reader
 * @param code what kernels are compiled to
 * @param preparation makes the operands and returns the call itself
 */
record CountedCall(String size, String code, Preparation preparation, List<CountedKernel> kernels) {
  /** For the Titan RTX. */
  private static final String CODE = "ptx:75";

  /**
   * A kernel that the call launches.
   *
   * @param note why it moves more than its minimum; empty if it does not
   */
  record CountedKernel(String name, Work least, String note) {}

  /** Makes operands; the call that it returns is counted. */
  interface Preparation {
    Runnable prepare(CudaBackend backend, Operands operands);
  }

  CountedCall(String size, Preparation preparation) {
    this(size, CODE, preparation, new ArrayList<>());
  }

  CountedCall compiledTo(String other) {
    return new CountedCall(size, other, preparation, kernels);
  }

  CountedCall launches(String kernel, Work least) {
    return launches(kernel, least, "");
  }

  CountedCall launches(String kernel, Work least, String note) {
    kernels.add(new CountedKernel(kernel, least, note));
    return this;
  }

  /** Tensors of a call, filled from a generator that begins alike for each call. */
  static final class Operands {
    private static final long SEED = 11;
    private final CudaBackend backend;
    private final Scope scope;
    private final SplittableRandom random = new SplittableRandom(SEED);

    Operands(CudaBackend backend, Scope scope) {
      this.backend = backend;
      this.scope = scope;
    }

    /** Uniform in [-1, 1). */
    Tensor floats(long... sizes) {
      return uniform(-1, sizes);
    }

    /** Uniform in [0, 1). */
    Tensor positive(long... sizes) {
      return uniform(0, sizes);
    }

    private Tensor uniform(float low, long... sizes) {
      Tensor tensor = scope.f32(sizes);
      float[] values = new float[(int) tensor.shape().elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextDouble(low, 1);
      }
      backend.upload(values, tensor);
      return tensor;
    }

    /** Uniform in [-1, 1), rounded to float16. */
    Tensor halves(long... sizes) {
      Tensor wide = floats(sizes);
      Tensor tensor = outHalves(sizes);
      backend.convert(wide, tensor);
      return tensor;
    }

    /** An output of float16, unwritten. */
    Tensor outHalves(long... sizes) {
      return scope.allocate(DType.F16, Shape.of(sizes));
    }

    /** All of one value. */
    Tensor ones(long... sizes) {
      Tensor tensor = scope.f32(sizes);
      float[] values = new float[(int) tensor.shape().elements()];
      Arrays.fill(values, 1);
      backend.upload(values, tensor);
      return tensor;
    }

    /** Any of some values. */
    Tensor anyOf(int[] choices, long... sizes) {
      Tensor tensor = scope.i32(sizes);
      int[] values = new int[(int) tensor.shape().elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = choices[random.nextInt(choices.length)];
      }
      backend.upload(values, tensor);
      return tensor;
    }

    /** Class ids in {@code 0..classes - 1}. */
    Tensor labels(int classes, long... sizes) {
      Tensor tensor = scope.allocate(DType.U8, Shape.of(sizes));
      byte[] values = new byte[(int) tensor.shape().elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (byte) random.nextInt(classes);
      }
      backend.upload(values, tensor);
      return tensor;
    }

    /** An output, unwritten. */
    Tensor out(long... sizes) {
      return scope.f32(sizes);
    }

    Tensor outInts(long... sizes) {
      return scope.i32(sizes);
    }
  }
}
