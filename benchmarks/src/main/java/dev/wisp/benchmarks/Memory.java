package dev.wisp.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * This process's resident memory as Linux counts it.
 *
 * @param resident VmRSS in bytes
 * @param peak VmHWM in bytes
 */
record Memory(long resident, long peak) {
  /** Name of the system property that holds the file {@link #record} appends to. */
  static final String FILE = "wisp.benchmark.memory";

  static final Memory NONE = new Memory(0, 0);

  static Memory now() throws IOException {
    long resident = 0;
    long peak = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        resident = kilobytes(line) * 1024;
      } else if (line.startsWith("VmHWM:")) {
        peak = kilobytes(line) * 1024;
      }
    }
    return new Memory(resident, peak);
  }

  /**
   * Collects garbage and lets the kernel's high-water mark begin anew, so that what preparing the
   * inputs took does not count. Needs a collector that returns the heap at once (serial).
   */
  static Memory startCounting() throws IOException {
    System.gc();
    Files.writeString(Path.of("/proc/self/clear_refs"), "5");
    return now();
  }

  static void record(String engine, Task task, int batch, Memory before, Memory after)
      throws IOException {
    Files.writeString(
        Path.of(System.getProperty(FILE)),
        "%s\t%s\t%d\t%d\t%d%n".formatted(engine, task.id(), batch, before.resident(), after.peak()),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  private static long kilobytes(String line) {
    return Long.parseLong(line.replaceAll("[^0-9]", ""));
  }
}
