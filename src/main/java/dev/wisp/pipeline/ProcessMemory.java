package dev.wisp.pipeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the operating system says about this process's memory. */
public final class ProcessMemory {
  private ProcessMemory() {}

  /** The most physical memory the process has held, in megabytes; -1 where nobody says. */
  public static long peakMb() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
          .findFirst()
          .orElse(-1);
    } catch (IOException e) {
      return -1;
    }
  }
}
