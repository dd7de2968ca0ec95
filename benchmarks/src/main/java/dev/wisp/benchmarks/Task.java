package dev.wisp.benchmarks;

import java.util.Locale;

/** What is timed, and how much faster than libtorch it has to be. */
public enum Task {
  /**
   * Pixel-adaptive mask refinement: resize of the maps, affinity, ten steps (method.md section 5).
   */
  PAMR(30),
  /** Structure seeds from features and maps (section 3). */
  STRUCTURE(4),
  /** Prototypes from seeds, then reactivation by cosine (section 4). */
  REACTIVATION(10),
  /**
   * ResNet-101 at stride 16, 20-way classifier, soft margin loss; gradients of layer3, layer4 and
   * the classifier (sections 1 and 2).
   */
  NETWORK(1.15);

  private final double bound;

  Task(double bound) {
    this.bound = bound;
  }

  /** The ratio of times, libtorch's over Wisp's, to reach. */
  public double bound() {
    return bound;
  }

  /** Lower-case name, for files and options. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The task of that lower-case name. */
  public static Task of(String id) {
    return valueOf(id.toUpperCase(Locale.ROOT));
  }
}
