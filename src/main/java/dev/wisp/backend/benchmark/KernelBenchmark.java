package dev.wisp.backend.benchmark;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * One operation at one size.
 *
 * @param operation name of the SPI method
 * @param sizes for people
 * @param bytes least traffic with memory: every input read once, every output written once
 * @param operations least arithmetic of the formula in float32, a multiply-add being two
 * @param body makes the operands and returns the call, which may be made any number of times
 */
public record KernelBenchmark(
    String operation,
    String sizes,
    double bytes,
    double operations,
    Function<Operands, Runnable> body) {

  /** Makes a benchmark's tensors. */
  public static final class Operands implements AutoCloseable {
    private final Backend backend;
    private final Scope scope;
    private final List<ConvWeights> holders = new ArrayList<>();
    private int made;

    Operands(Backend backend, Scope scope) {
      this.backend = backend;
      this.scope = scope;
    }

    /** Packed weights, closed with the benchmark. */
    ConvWeights weights(ConvSpec spec, Tensor weight) {
      ConvWeights holder = backend.convWeights(spec);
      holders.add(holder);
      backend.loadWeights(holder, weight, null);
      return holder;
    }

    @Override
    public void close() {
      holders.forEach(ConvWeights::close);
    }

    Backend backend() {
      return backend;
    }

    /** Uniform in 0..1, the same at every run. */
    Tensor uniform(long... sizes) {
      Tensor tensor = scope.f32(sizes);
      float[] values = new float[Math.toIntExact(tensor.shape().elements())];
      CounterRandom random = CounterRandom.of(15, made++);
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextDouble();
      }
      backend.upload(values, tensor);
      return tensor;
    }

    Tensor zeros(long... sizes) {
      Tensor tensor = scope.f32(sizes);
      backend.fill(tensor, 0);
      return tensor;
    }

    Tensor ints(int below, long... sizes) {
      Tensor tensor = scope.i32(sizes);
      int[] values = new int[Math.toIntExact(tensor.shape().elements())];
      CounterRandom random = CounterRandom.of(16, made++);
      Arrays.setAll(values, i -> random.nextInt(below));
      backend.upload(values, tensor);
      return tensor;
    }
  }

  /** Shortest time that one measurement should take, in seconds: launches and clocks vanish. */
  private static final double SAMPLE = 0.02;

  private static final int MOST_CALLS = 1000;

  /**
   * Times the call on an open backend, after one call that is not timed.
   *
   * @param samples how many measurements; the median counts
   * @return seconds a call
   */
  public double seconds(Backend backend, int samples) {
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope();
              Operands operands = new Operands(backend, scope)) {
            Tensor flag = operands.zeros(1);
            Runnable call = body.apply(operands);
            // The first call may compile kernels or choose algorithms.
            time(backend, flag, call, 1);
            int calls =
                Math.clamp(
                    Math.round(SAMPLE / Math.max(1e-9, time(backend, flag, call, 1))),
                    1,
                    MOST_CALLS);
            double[] times = new double[samples];
            for (int i = 0; i < samples; i++) {
              times[i] = time(backend, flag, call, calls) / calls;
            }
            Arrays.sort(times);
            return times[samples / 2];
          }
        });
  }

  /** Reading one number back waits for everything before it. */
  private static double time(Backend backend, Tensor flag, Runnable call, int calls) {
    long began = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      call.run();
    }
    backend.floats(flag);
    return (System.nanoTime() - began) * 1e-9;
  }
}
