package dev.wisp.method;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Losses of one step.
 *
 * @param total what is minimised
 * @param parts the losses it is made of, by name, in a fixed order; unmodifiable
 */
public record Losses(double total, Map<String, Double> parts) {
  /** Multi-label soft margin (method.md section 7). */
  public static final String CLASSIFICATION = "classification";

  /** General seed consistency (method.md section 7). */
  public static final String CONSISTENCY = "consistency";

  /** Mean over labelled pixels (method.md section 11). */
  public static final String CROSS_ENTROPY = "crossEntropy";

  /** Path affinity of pairs of one class (method.md section 10). */
  public static final String AFFINITY_POSITIVE = "affinityPositive";

  /** Path affinity of pairs of different classes (method.md section 10). */
  public static final String AFFINITY_NEGATIVE = "affinityNegative";

  /** Displacement between positions of one object class (method.md section 10). */
  public static final String DISPLACEMENT_FOREGROUND = "displacementForeground";

  /** Displacement between positions of the background (method.md section 10). */
  public static final String DISPLACEMENT_BACKGROUND = "displacementBackground";

  public Losses {
    parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  /** A single loss. */
  public static Losses of(String name, double value) {
    return new Losses(value, Map.of(name, value));
  }

  /** The sum of two. */
  public static Losses sum(String first, double a, String second, double b) {
    Map<String, Double> parts = new LinkedHashMap<>();
    parts.put(first, a);
    parts.put(second, b);
    return new Losses(a + b, parts);
  }

  /**
   * One of the parts.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public double part(String name) {
    Double value = parts.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no loss '%s' in %s".formatted(name, parts.keySet()));
    }
    return value;
  }
}
