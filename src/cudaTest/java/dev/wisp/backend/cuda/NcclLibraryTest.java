package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.Collective;
import dev.wisp.backend.cpu.CpuOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How NCCL is found, and what is said where it is not. */
class NcclLibraryTest {
  private static final String NOT_FOUND =
      "NCCL 2 was not found (libnccl.so.2: cannot open shared object file: No such file or"
          + " directory): install NCCL 2 for CUDA 12";

  @TempDir Path folder;

  /** A machine with a card may have NCCL wherever one looks. */
  @BeforeEach
  void assumeNoCard() {
    assumeThat(Path.of("/proc/driver/nvidia/version")).doesNotExist();
  }

  /** Averages over two cards in a process of its own and says how, or why not. */
  static final class Averaging {
    private Averaging() {}

    public static void main(String[] arguments) {
      PrintStream out = System.out;
      try (Backend first = Backends.open("cuda:0", CpuOptions.standard());
          Backend second = Backends.open("cuda:1", CpuOptions.standard());
          Collective collective = Backends.collective(List.of(first, second))) {
        out.println(collective.describe());
      } catch (RuntimeException refused) {
        out.println(refused.getMessage());
      }
    }
  }

  /** What the process prints, where only these libraries are installed. */
  private List<String> averaging(List<String> libraries, String... flags)
      throws IOException, InterruptedException {
    Path installed = Path.of(System.getenv("LD_LIBRARY_PATH"));
    Path some = Files.createDirectories(folder.resolve("libraries"));
    for (String library : libraries) {
      Files.createSymbolicLink(some.resolve(library), installed.resolve(library).toAbsolutePath());
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Dwisp.cuda.convolutions=plain",
            "-Dorg.bytedeco.javacpp.logger=slf4j",
            "-Dlogback.configurationFile=dev/wisp/cli/logback.xml",
            "-Xlog:class+load:file=" + folder.resolve("classes")));
    command.addAll(List.of(flags));
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), Averaging.class.getName()));
    Path out = folder.resolve("out");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
    builder.environment().put("LD_LIBRARY_PATH", some.toString());
    assertThat(builder.start().waitFor()).isZero();
    return Files.readAllLines(out);
  }

  private String classes() throws IOException {
    return Files.readString(folder.resolve("classes"));
  }

  @Test
  void withoutNcclTheHostAveragesOneLineSaysSoAndNoClassOfThePresetIsTouched() throws Exception {
    assertThat(averaging(List.of("libcuda.so.1")))
        .containsExactly(
            NOT_FOUND + "; gradients pass through the host's memory",
            "gradients averaged on the host");
    assertThat(classes())
        .contains("dev.wisp.backend.cuda.CudaCollectives")
        .doesNotContain("org.bytedeco.cuda");
  }

  @Test
  void ncclThatIsAskedForByNameAndMissingIsAnError() throws Exception {
    assertThat(averaging(List.of("libcuda.so.1"), "-Dwisp.cuda.collective=nccl"))
        .containsExactly("-Dwisp.cuda.collective=nccl: " + NOT_FOUND);
  }

  @Test
  void ncclNeedsNoLibraryBesideTheDriver() throws Exception {
    assertThat(averaging(List.of("libcuda.so.1", "libnccl.so.2")))
        .containsExactly("gradients averaged by NCCL 2.23.4");
  }

  @ParameterizedTest
  @CsvSource({"2402,2.4.2", "2804,2.8.4", "20906,2.9.6", "21003,2.10.3", "22304,2.23.4"})
  void aVersionIsReadAsNcclWritesIt(int number, String text) {
    assertThat(NcclLibrary.version(number)).isEqualTo(text);
  }

  @Test
  void aVersionThatCannotAverageIsRefusedWithTheOldestThatCan() {
    assertThat(NcclLibrary.refusal(20_906))
        .isEqualTo("NCCL 2.9.6 is too old: install 2.10.0 or newer for CUDA 12");
    assertThat(NcclLibrary.refusal(2_804)).contains("NCCL 2.8.4 is too old");
    assertThat(NcclLibrary.refusal(21_003)).isNull();
  }
}
