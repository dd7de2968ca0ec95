package dev.wisp.backend.cpu;

import dev.wisp.common.WispException;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;

/**
 * A program of its own for what happens once in a process: loads libraries in the order of its
 * arguments ({@code codec}, {@code cpu}), computes, and prints the backend, the OpenMP runtimes
 * mapped and the threads that exist.
 */
final class RuntimeProbe {
  private RuntimeProbe() {}

  public static void main(String[] order) throws IOException {
    for (String library : order) {
      if (library.equals("codec")) {
        Loader.load(org.bytedeco.leptonica.global.leptonica.class);
      } else {
        try (CpuBackend backend = CpuBackend.open(CpuOptions.standard().withThreads(3))) {
          System.out.println(backend.describe());
          System.out.println("sum=" + sum(backend));
          System.out.println("workers=" + workers());
        } catch (WispException refused) {
          System.out.println("refused: " + refused.getMessage());
        }
      }
    }
    System.out.println("openmp=" + mappedOpenMp());
  }

  private static double sum(CpuBackend backend) {
    return backend.compute(
        () -> {
          try (Scope scope = backend.scope()) {
            Tensor x = scope.f32(1_000_000);
            backend.fill(x, 1);
            Tensor norm = scope.f32(1);
            backend.gradientNorm(List.of(x), norm);
            return (double) backend.floats(norm)[0];
          }
        });
  }

  /** Threads of the compute thread's team: the kernel gives them their creator's name. */
  private static long workers() throws IOException {
    try (var tasks = Files.list(Path.of("/proc/self/task"))) {
      return tasks.filter(RuntimeProbe::belongsToTheTeam).count();
    }
  }

  private static boolean belongsToTheTeam(Path task) {
    try {
      return Files.readString(task.resolve("comm")).startsWith("wisp-cpu");
    } catch (IOException ended) {
      return false;
    }
  }

  static List<String> mappedOpenMp() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .map(line -> line.replaceAll("^\\S+ \\S+ \\S+ \\S+ \\S+ *", ""))
          .filter(path -> path.matches(".*lib(gomp|omp|iomp5)[.-].*"))
          .distinct()
          .collect(Collectors.toList());
    }
  }
}
