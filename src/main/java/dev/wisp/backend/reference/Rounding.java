package dev.wisp.backend.reference;

import dev.wisp.common.CounterRandom;
import dev.wisp.tensor.DType;

/**
 * What happens to the result of each arithmetic step of the reference. One source text thus gives
 * the float64 result and plain float32 implementations, whose distance from it says how much error
 * float32 costs for the very numbers at hand.
 */
public final class Rounding {
  private enum Kind {
    NONE,
    RESULTS,
    NEAREST,
    RANDOM
  }

  private final Kind kind;
  private final CounterRandom random;
  private long bits;
  private int left;

  private Rounding(Kind kind, long seed) {
    this.kind = kind;
    this.random = CounterRandom.of(seed);
  }

  /** Float64 throughout, results too. */
  public static Rounding none() {
    return new Rounding(Kind.NONE, 0);
  }

  /** Float64 throughout; what an operation returns is rounded to float32 once. */
  public static Rounding results() {
    return new Rounding(Kind.RESULTS, 0);
  }

  /** A plain float32 implementation: every step rounds to the nearest float32. */
  public static Rounding nearest() {
    return new Rounding(Kind.NEAREST, 0);
  }

  /**
   * A float32 implementation with other luck: every inexact step rounds up or down by the toss of a
   * coin. It stands for another order of sums or fused operations.
   */
  public static Rounding random(long seed) {
    return new Rounding(Kind.RANDOM, seed);
  }

  /** Rounds one step's result. */
  public double of(double value) {
    return switch (kind) {
      case NONE, RESULTS -> value;
      case NEAREST -> (float) value;
      case RANDOM -> tossed(value);
    };
  }

  /** Rounds what an operation returns in a tensor of this type, in place. */
  void results(DType type, double[] values) {
    if (type == DType.F16 && kind != Kind.NONE) {
      toHalf(values);
    } else {
      results(values);
    }
  }

  /** To the nearest float16 each, whatever the rounding. */
  static void toHalf(double[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.float16ToFloat(Float.floatToFloat16((float) values[i]));
    }
  }

  /** Rounds what an operation returns, in place. */
  public void results(double[] values) {
    if (kind != Kind.NONE) {
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) values[i];
      }
    }
  }

  private double tossed(double value) {
    float near = (float) value;
    if (near == value || Double.isNaN(value)) {
      return near;
    }
    if (left == 0) {
      bits = random.nextLong();
      left = Long.SIZE;
    }
    boolean heads = (bits & 1) != 0;
    bits >>>= 1;
    left--;
    if (heads) {
      return near;
    }
    return near > value ? Math.nextDown(near) : Math.nextUp(near);
  }
}
