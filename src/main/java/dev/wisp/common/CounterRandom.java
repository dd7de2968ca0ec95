package dev.wisp.common;

/**
 * Random numbers without state: each value is a function of a seed, a path of integers that says
 * what it is for (epoch, sample, purpose) and a counter, so that neither prefetch order nor a
 * restart can change it. The mixing is splitmix64's finaliser.
 */
public final class CounterRandom {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final long key;
  private long counter;

  private CounterRandom(long key) {
    this.key = key;
  }

  /** The generator of one purpose: equal arguments give equal sequences. */
  public static CounterRandom of(long seed, long... path) {
    return new CounterRandom(key(seed, path));
  }

  /** What tells the generator of one purpose from others, for use with {@link #bits}. */
  public static long key(long seed, long... path) {
    long key = mix(seed + GOLDEN);
    for (long part : path) {
      key = mix(key ^ mix(part + GOLDEN));
    }
    return key;
  }

  /** The number of an index, from 0: what {@link #nextLong} gives in that place. */
  public static long bits(long key, long index) {
    return mix(key + (index + 1) * GOLDEN);
  }

  private static long mix(long value) {
    long s = value;
    s = (s ^ (s >>> 30)) * 0xBF58476D1CE4E5B9L;
    s = (s ^ (s >>> 27)) * 0x94D049BB133111EBL;
    return s ^ (s >>> 31);
  }

  public long nextLong() {
    return bits(key, counter++);
  }

  /** Uniform in [0, 1), 53 bits. */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  /** Uniform in [low, high). */
  public double uniform(double low, double high) {
    return low + (high - low) * nextDouble();
  }

  /** Uniform in 0..bound-1; the bias is below 2^-31. */
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("bound must be positive: " + bound);
    }
    return (int) Math.multiplyHigh(nextLong() >>> 1, 2L * bound);
  }

  /** Standard normal, by Box and Muller. */
  public double nextGaussian() {
    double u = 1 - nextDouble();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * nextDouble());
  }

  /** Shuffles in place (Fisher and Yates). */
  public void shuffle(int[] values) {
    for (int i = values.length - 1; i > 0; i--) {
      int j = nextInt(i + 1);
      int swap = values[i];
      values[i] = values[j];
      values[j] = swap;
    }
  }
}
