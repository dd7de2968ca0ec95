package dev.wisp.common;

import java.nio.charset.StandardCharsets;

/**
 * Deterministic tensor contents from a tensor's name: splitmix64 over the FNV-1a hash of the name.
 * Stands in for weights that are not at hand (tests, golden vectors, measurements).
 */
public final class HashFill {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private HashFill() {}

  /** Element i of the tensor, uniform in [0, 1) and exact in float32. */
  public static double uniform(String name, long i) {
    return uniform(hash(name), i);
  }

  private static long hash(String name) {
    long h = 0xcbf29ce484222325L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      h = (h ^ (b & 0xff)) * 0x100000001b3L;
    }
    return h;
  }

  private static double uniform(long hash, long i) {
    long s = hash + (i + 1) * GOLDEN;
    s = (s ^ (s >>> 30)) * 0xBF58476D1CE4E5B9L;
    s = (s ^ (s >>> 27)) * 0x94D049BB133111EBL;
    s = s ^ (s >>> 31);
    return (s >>> 40) * 0x1p-24;
  }

  /** {@code count} elements of plain u. */
  public static float[] uniforms(String name, int count) {
    long hash = hash(name);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) uniform(hash, i);
    }
    return values;
  }

  /**
   * A network tensor's values by the rule that its name's ending and rank choose; computed in
   * float64, rounded once.
   *
   * @param name state-dict name such as {@code resnet.layer1.0.conv1.weight}: chooses the rule
   * @param prefix goes before the name where it is hashed
   * @param sizes shape in torch's order: OIHW for a convolution, {@code [out, in]} for a linear
   *     layer, {@code [C]} for a vector
   */
  public static float[] fill(String prefix, String name, long... sizes) {
    long count = 1;
    for (long size : sizes) {
      count = Math.multiplyExact(count, size);
    }
    long hash = hash(prefix + name);
    // The value is (from + span * u) * factor, with the rounding of each step as written in the
    // rule.
    double from = 0;
    double span = 1;
    double factor = 1;
    if (name.endsWith("weight") && sizes.length > 1) {
      from = -1;
      span = 2;
      factor = Math.sqrt(6.0 / (count / (double) sizes[0]));
    } else if (name.endsWith("weight")) {
      boolean last = name.endsWith("bn3.weight");
      from = last ? 0.10 : 0.80;
      span = last ? 0.20 : 0.40;
    } else if (name.endsWith("bias") || name.endsWith("running_mean")) {
      from = -1;
      span = 2;
      factor = 0.1;
    } else if (name.endsWith("running_var")) {
      from = 0.5;
    }
    float[] values = new float[Math.toIntExact(count)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((from + span * uniform(hash, i)) * factor);
    }
    return values;
  }
}
