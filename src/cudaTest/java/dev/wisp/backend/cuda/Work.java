package dev.wisp.backend.cuda;

/**
 * The least that a kernel's formula asks for, whatever the kernel does.
 *
 * @param bytes every input read once, every output written once
 * @param floats operations in float32
 * @param doubles operations in double, conversions included
 * @param halves operations of halves on tensor cores
 */
record Work(long bytes, double floats, double doubles, double halves) {
  static Work of(long bytes, double floats) {
    return new Work(bytes, floats, 0, 0);
  }

  Work withDoubles(double operations) {
    return new Work(bytes, floats, operations, halves);
  }

  Work withHalves(double operations) {
    return new Work(bytes, floats, doubles, operations);
  }

  Work times(int launches) {
    return new Work(bytes * launches, floats * launches, doubles * launches, halves * launches);
  }

  double operations() {
    return floats + doubles + halves;
  }
}
