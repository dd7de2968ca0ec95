package dev.wisp.backend.plan;

/**
 * Peaks of the cards that tables name, out of the makers' figures: 2 operations a core and cycle at
 * the boost clock.
 */
public enum Titan {
  X("Titan X (Maxwell)", 336.5, 3072, 1.075, 32, 0),
  XP("Titan Xp", 547.6, 3840, 1.582, 32, 0),
  V("Titan V", 652.8, 5120, 1.455, 2, 640),
  RTX("Titan RTX", 672.0, 4608, 1.770, 32, 576);

  /** Operations of a tensor core in a cycle: 64 fused multiply-adds of halves. */
  private static final double TENSOR_OPERATIONS = 128;

  private static final double GIGA = 1e9;

  private final String title;
  private final double bandwidth;
  private final double floats;
  private final double doubles;
  private final double halves;

  /**
   * @param bandwidth GB/s
   * @param clock boost, GHz
   * @param doubleShare float32 cores for each that computes doubles
   */
  Titan(String title, double bandwidth, int cores, double clock, int doubleShare, int tensorCores) {
    this.title = title;
    this.bandwidth = bandwidth * GIGA;
    this.floats = 2.0 * cores * clock * GIGA;
    this.doubles = floats / doubleShare;
    this.halves = TENSOR_OPERATIONS * tensorCores * clock * GIGA;
  }

  /** The card's name. */
  public String title() {
    return title;
  }

  /** Bytes a second to and from memory. */
  public double bandwidth() {
    return bandwidth;
  }

  /** Operations a second in float32. */
  public double floats() {
    return floats;
  }

  /** Operations a second in double. */
  public double doubles() {
    return doubles;
  }

  /** Operations a second of halves on tensor cores; 0 where there are none. */
  public double halves() {
    return halves;
  }

  /**
   * The least seconds for a kernel's work: the slowest of its memory traffic and its arithmetic,
   * each at its peak and all of them at once; infinite where the card cannot do it.
   */
  public double seconds(Work least) {
    double tensor = least.halves() == 0 ? 0 : least.halves() / halves;
    return Math.max(
        Math.max(least.bytes() / bandwidth, least.floats() / floats),
        Math.max(least.doubles() / doubles, tensor));
  }
}
