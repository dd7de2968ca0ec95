package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The toolkit's own compiler, where one is installed, accepts the files that the engine gives to
 * NVRTC, each alone and without a warning.
 */
class NvccTest {
  private record Outcome(int exit, String output) {}

  @TempDir Path folder;

  @Test
  void nvccCompilesEveryFileAloneAndWithoutAWarning() throws IOException {
    List<Path> found = candidates().stream().filter(Files::isExecutable).toList();
    assumeTrue(
        !found.isEmpty(),
        "no nvcc on PATH or in /usr/local/cuda*/bin: the kernels were compiled by NVRTC alone");
    String nvcc = found.getFirst().toString();
    List<String> command = new ArrayList<>(List.of(nvcc, "-fatbin", "-Werror", "all-warnings"));
    command.add("-Wno-deprecated-gpu-targets");
    command.addAll(CudaCompiler.OPTIONS);
    List<String> known = run(List.of(nvcc, "--list-gpu-code")).output().lines().toList();
    int targets = 0;
    for (Multiprocessor each : Multiprocessor.values()) {
      if (known.contains("sm_" + each.architecture())) {
        command.add("-gencode=arch=compute_%1$d,code=sm_%1$d".formatted(each.architecture()));
        targets++;
      }
    }
    assertThat(targets).as("architectures of ours that %s knows: %s", nvcc, known).isPositive();
    assertThat(
            files().parallelStream()
                .map(file -> complaint(command, file))
                .filter(complaint -> !complaint.isEmpty()))
        .isEmpty();
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("cuda"))) {
      return files.filter(file -> file.toString().endsWith(".cu")).sorted().toList();
    }
  }

  private static List<Path> candidates() throws IOException {
    List<Path> candidates = new ArrayList<>();
    Arrays.stream(Objects.requireNonNullElse(System.getenv("PATH"), "").split(File.pathSeparator))
        .filter(folder -> !folder.isEmpty())
        .map(folder -> Path.of(folder, "nvcc"))
        .forEach(candidates::add);
    Path local = Path.of("/usr/local");
    if (Files.isDirectory(local)) {
      try (Stream<Path> toolkits = Files.list(local)) {
        toolkits
            .filter(toolkit -> toolkit.getFileName().toString().startsWith("cuda"))
            .sorted()
            .map(toolkit -> toolkit.resolve("bin").resolve("nvcc"))
            .forEach(candidates::add);
      }
    }
    return candidates;
  }

  /** What nvcc says against a file; empty if nothing. */
  private String complaint(List<String> command, Path file) {
    List<String> whole = new ArrayList<>(command);
    whole.addAll(List.of("-o", folder.resolve(file.getFileName() + ".fatbin").toString()));
    whole.add(file.toString());
    Outcome outcome = run(whole);
    return outcome.exit() == 0 && outcome.output().isEmpty()
        ? ""
        : "%s: exit code %d: %s".formatted(file, outcome.exit(), outcome.output());
  }

  private static Outcome run(List<String> command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      return new Outcome(process.waitFor(), output);
    } catch (IOException failed) {
      throw new IllegalStateException(command.getFirst() + " cannot be run", failed);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(command.getFirst() + " was interrupted", stopped);
    }
  }
}
