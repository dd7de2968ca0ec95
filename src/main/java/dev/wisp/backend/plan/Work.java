package dev.wisp.backend.plan;

/**
 * The least that a kernel's formula asks for, whatever the kernel does.
 *
 * @param bytes every input read once, every output written once
 * @param floats operations in float32
 * @param doubles operations in double, conversions included
 * @param halves operations of halves on tensor cores
 */
public record Work(long bytes, double floats, double doubles, double halves) {
  /** Work in float32 alone. */
  public static Work of(long bytes, double floats) {
    return new Work(bytes, floats, 0, 0);
  }

  /** The same with operations in double. */
  public Work withDoubles(double operations) {
    return new Work(bytes, floats, operations, halves);
  }

  /** The same with operations on tensor cores. */
  public Work withHalves(double operations) {
    return new Work(bytes, floats, doubles, operations);
  }

  /** As much again for each launch. */
  public Work times(int launches) {
    return new Work(bytes * launches, floats * launches, doubles * launches, halves * launches);
  }

  /** Of all kinds together. */
  public double operations() {
    return floats + doubles + halves;
  }
}
