package dev.wisp.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is decided once in a process, each case in a process of its own. */
class NativeRuntimeTest {
  private static final List<String> TIERS = List.of("portable", "avx2", "avx512");

  private static String probe(Map<String, String> environment, List<String> flags, String... order)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(
        List.of(
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            RuntimeProbe.class.getName()));
    command.addAll(List.of(order));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("WISP_"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes());
    process.waitFor();
    return output;
  }

  private static final List<String> ACCESS = List.of("--enable-native-access=ALL-UNNAMED");

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "codec cpu", "cpu codec"})
  void oneOpenMpRuntimeServesInWhateverOrderLibrariesAreLoaded(String order) throws Exception {
    String output = probe(Map.of(), ACCESS, order.split(" "));
    assertThat(output).contains("3 threads").contains("sum=1000.0").contains("workers=3");
    assertThat(output.lines().filter(line -> line.startsWith("openmp=")).toList())
        .singleElement()
        .satisfies(line -> assertThat(line.split("libgomp")).hasSize(2));
  }

  @Test
  void theWidestInstructionSetOfTheProcessorIsChosen() throws Exception {
    String flags = Files.readString(Path.of("/proc/cpuinfo"));
    String widest =
        has(flags, "avx512f", "avx512vl", "avx512bw", "avx512dq")
            ? "avx512"
            : has(flags, "avx2", "fma") ? "avx2" : "portable";
    assertThat(probe(Map.of(), ACCESS, "cpu")).contains(", " + widest + " kernels");
  }

  private static boolean has(String cpuinfo, String... flags) {
    return List.of(flags).stream()
        .allMatch(flag -> cpuinfo.matches("(?s).*\\bflags\\s*:[^\\n]*\\b" + flag + "\\b.*"));
  }

  @ParameterizedTest
  @CsvSource({"portable", "avx2"})
  void theEnvironmentCapsTheInstructionSet(String cap) throws Exception {
    String output = probe(Map.of("WISP_ISA", cap), ACCESS, "cpu");
    assertThat(output).contains("sum=1000.0");
    assertThat(TIERS.subList(0, TIERS.indexOf(cap) + 1))
        .anyMatch(tier -> output.contains(", " + tier + " kernels"));
  }

  @Test
  void anUnknownInstructionSetIsAnErrorInOneLine() throws Exception {
    assertThat(probe(Map.of("WISP_ISA", "sse9"), ACCESS, "cpu"))
        .contains("refused: WISP_ISA is 'sse9'; it must be portable, avx2 or avx512");
  }

  @Test
  void deniedNativeAccessIsAnsweredWithTheFlag() throws Exception {
    assertThat(probe(Map.of(), List.of("--illegal-native-access=deny"), "cpu"))
        .contains("refused: native access is denied: start java with " + ACCESS.getFirst());
  }

  @Test
  void aBrokenOverrideOfTheLibraryIsNamed() throws Exception {
    assertThat(probe(Map.of("WISP_NATIVE_LIBRARY", "/nowhere/libwisp.so"), ACCESS, "cpu"))
        .contains("refused: the native library named by WISP_NATIVE_LIBRARY cannot be used")
        .contains("/nowhere/libwisp.so: cannot open shared object file");
  }
}
