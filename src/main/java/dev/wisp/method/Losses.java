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
