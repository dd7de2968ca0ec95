package dev.wisp.method;

/**
 * Losses of one step (method.md section 7).
 *
 * @param classification multi-label soft margin
 * @param consistency general seed consistency; 0 for a plain classifier
 */
public record Losses(double classification, double consistency) {
  /** What is minimised. */
  public double total() {
    return classification + consistency;
  }
}
