package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Backends;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.cli.Main;
import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the backend is found, and what is said where it cannot run. */
class CudaProviderTest {
  @TempDir Path folder;

  private record Result(int code, String out, String err) {}

  /** The command line in a process of its own; a value of null removes the variable. */
  private Result wisp(Map<String, String> environment, List<String> flags, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(arguments));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    environment.forEach(
        (name, value) -> {
          if (value.isEmpty()) {
            builder.environment().remove(name);
          } else {
            builder.environment().put(name, value);
          }
        });
    int code = builder.start().waitFor();
    return new Result(code, read(out), read(err));
  }

  private static String read(Path file) throws IOException {
    return Files.readString(file, StandardCharsets.UTF_8);
  }

  private static final Map<String, String> NO_DRIVER = Map.of("LD_LIBRARY_PATH", "");

  /** A machine with a card has a driver wherever one looks. */
  private static void assumeNoCard() {
    assumeThat(Path.of("/proc/driver/nvidia/version")).doesNotExist();
  }

  @Test
  void theSoftwareDeviceIsOpenedWhenItIsNamedAndNeverChosen() {
    assertThat(Backends.choose("auto").name()).isEqualTo("cpu");
    assertThat(Backends.explainAuto())
        .startsWith("device cpu; not cuda: cuda:0 is software CUDA device")
        .contains("compute capability 7.5")
        .contains("NVRTC 12.9")
        .contains("cuDNN 9.5.1")
        .doesNotContain("\n");
    try (Backend backend = Backends.open("cuda", CpuOptions.standard())) {
      assertThat(backend.name()).isEqualTo("cuda");
      assertThat(backend.describe())
          .startsWith("cuda: software CUDA device")
          .contains("driver for CUDA 12.");
    }
  }

  @Test
  void aCardIsChosenByItsNumber() {
    try (Backend backend = Backends.open("cuda:1", CpuOptions.standard())) {
      assertThat(backend.describe()).contains("compute capability 5.2");
    }
    assertThatThrownBy(() -> Backends.open("cuda:3", CpuOptions.standard()))
        .isInstanceOf(WispException.class)
        .hasMessage("cuda:3 does not exist; this machine has 3, counted from 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"cuda:x", "cuda:-1", "cuda:1:2", "cuda:99999999999"})
  void aNumberThatIsNoneIsRefusedWithAnExample(String name) {
    assertThatThrownBy(() -> Backends.open(name, CpuOptions.standard()))
        .isInstanceOf(WispException.class)
        .hasMessage("device '%s': give the number of a card, for example cuda:0".formatted(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu:1", "tpu", ":1", "cudax:1"})
  void anUnknownNameIsAnsweredWithTheKnownOnes(String name) {
    assertThatThrownBy(() -> Backends.open(name, CpuOptions.standard()))
        .isInstanceOf(WispException.class)
        .hasMessage("unknown device '%s'; choose one of auto, cpu, cuda".formatted(name));
  }

  @Test
  void anOldDriverIsRefusedWithBothVersions() {
    assertThatThrownBy(() -> CudaProbe.requireVersion(11_080))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("the NVIDIA driver is for CUDA 11.8, 12.0 or newer is needed");
  }

  @Test
  void withoutADriverNoClassOfJCudaIsTouchedAndOneLineSaysWhatIsMissing() throws Exception {
    assumeNoCard();
    Path classes = folder.resolve("classes");
    Result result =
        wisp(
            NO_DRIVER, List.of("-Xlog:class+load:file=" + classes), "selftest", "--device", "cuda");
    assertThat(result.err())
        .isEqualTo(
            "wisp: device 'cuda' cannot be used: no NVIDIA driver was found (libcuda.so.1: cannot"
                + " open shared object file: No such file or directory); install 525 or newer; use"
                + " cpu\n");
    assertThat(result.code()).isEqualTo(2);
    assertThat(read(classes))
        .contains("dev.wisp.backend.cuda.CudaProvider")
        .doesNotContain("jcuda")
        .doesNotContain("org.bytedeco.cuda");
  }

  @Test
  void withoutADriverAutoTakesTheCpuAndSaysSo() throws Exception {
    assumeNoCard();
    Result result = wisp(NO_DRIVER, List.of(), "selftest", "--only", "fill");
    assertThat(result.err())
        .startsWith("device cpu; not cuda: no NVIDIA driver was found (libcuda.so.1: ")
        .hasLineCount(1);
    assertThat(result.out()).startsWith("cpu: ").contains("cases passed");
    assertThat(result.code()).isZero();
  }

  @Test
  void theDoctorShowsTheCardsOrWhatIsMissing() throws Exception {
    assertThat(wisp(Map.of(), List.of(), "doctor").out())
        .contains("cuda:          cuda:0 is software CUDA device");
    assumeNoCard();
    assertThat(wisp(NO_DRIVER, List.of(), "doctor").out())
        .contains("note    no cuda: no NVIDIA driver was found (libcuda.so.1: ");
  }

  @Test
  void aDriverWithoutACardIsNamed() throws Exception {
    Result result =
        wisp(Map.of("WISP_SOFTGPU_DEVICES", "1"), List.of(), "selftest", "--device", "cuda");
    assertThat(result.err())
        .contains("wisp: device 'cuda' cannot be used: the NVIDIA driver finds no card; use cpu");
    assertThat(result.code()).isEqualTo(2);
  }

  @Test
  void aMissingCompilerIsNamedWithThePlacesTried() throws Exception {
    Result result =
        wisp(
            Map.of(),
            List.of("-Dwisp.cuda.nvrtc=/nowhere/libnvrtc.so"),
            "selftest",
            "--device",
            "cuda");
    assertThat(result.err())
        .startsWith(
            "wisp: device 'cuda' cannot be used: the NVRTC named by wisp.cuda.nvrtc cannot be used:"
                + " /nowhere/libnvrtc.so: ")
        .hasLineCount(1);
    assertThat(result.code()).isEqualTo(2);
  }

  @Test
  void aCardThatIsLostAtItsFirstLaunchIsOneLineForTheUser() throws Exception {
    Result result =
        wisp(
            Map.of("WISP_SOFTGPU_FAIL", "lost:1"),
            List.of(),
            "demo",
            "--train",
            "64",
            "--scored",
            "5",
            "--device",
            "cuda",
            "--run",
            folder.resolve("run").toString());
    assertThat(result.err().lines().filter(line -> line.startsWith("wisp: ")))
        .singleElement()
        .asString()
        .startsWith("wisp: cuda: ")
        .contains("the device cannot be used any more in this process: start it again");
    assertThat(result.code()).isEqualTo(2);
  }

  private static final String NO_CUDNN =
      "cuDNN 9 was not found (libcudnn_graph.so.9: cannot open shared object file: No such file or"
          + " directory): install cuDNN 9 for CUDA 12 or name its folder with -Dwisp.cudnn.path";

  /** A folder with the driver's library alone. */
  private Map<String, String> driverAlone() throws IOException {
    String library = "libcuda.so.1";
    Path installed = Path.of(System.getenv("LD_LIBRARY_PATH")).resolve(library);
    Path alone = Files.createDirectories(folder.resolve("driver"));
    Files.copy(installed, alone.resolve(library));
    return Map.of("LD_LIBRARY_PATH", alone.toString());
  }

  @Test
  void withoutCudnnOneLineSaysSoAndNoClassOfItsPresetIsTouched() throws Exception {
    assumeNoCard();
    Path classes = folder.resolve("classes");
    Result result =
        wisp(
            driverAlone(),
            List.of("-Xlog:class+load:file=" + classes),
            "selftest",
            "--device",
            "cuda",
            "--only",
            "convForward");
    assertThat(result.err()).isEqualTo(NO_CUDNN + "; convolutions run by Wisp's plain kernels\n");
    assertThat(result.out()).contains("convolutions by Wisp's plain kernels");
    assertThat(result.code()).isZero();
    assertThat(read(classes)).contains("jcuda").doesNotContain("org.bytedeco.cuda");
  }

  @Test
  void cudnnThatIsAskedForByNameAndMissingIsAnError() throws Exception {
    assumeNoCard();
    Result result =
        wisp(
            driverAlone(),
            List.of("-Dwisp.cuda.convolutions=cudnn"),
            "selftest",
            "--device",
            "cuda");
    assertThat(result.err()).isEqualTo("wisp: -Dwisp.cuda.convolutions=cudnn: " + NO_CUDNN + "\n");
    assertThat(result.code()).isEqualTo(2);
  }

  @Test
  void theDoctorSaysWhetherThereIsCudnn() throws Exception {
    assertThat(wisp(Map.of(), List.of(), "doctor").out()).contains("; NVRTC 12.9; cuDNN 9.5.1;");
    assumeNoCard();
    assertThat(wisp(driverAlone(), List.of(), "doctor").out())
        .contains(NO_CUDNN + "; convolutions run by Wisp's plain kernels");
  }

  @Test
  void convolvingByCudnnPrintsNothingBesideTheResults() throws Exception {
    Result result =
        wisp(Map.of(), List.of(), "selftest", "--device", "cuda", "--only", "convForward");
    assertThat(result.err()).isEmpty();
    assertThat(result.out()).contains("convolutions by cuDNN 9.5.1").contains("cases passed");
    assertThat(result.code()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"convolutions", "layout", "algorithms", "precision", "workspaceMb"})
  void anOptionThatIsNoneIsRefusedWithWhatToGive(String option) throws Exception {
    Result result =
        wisp(Map.of(), List.of("-Dwisp.cuda." + option + "=x"), "selftest", "--device", "cuda");
    assertThat(result.err())
        .startsWith("wisp: -Dwisp.cuda." + option + " is 'x'; ")
        .hasLineCount(1);
    assertThat(result.code()).isEqualTo(2);
  }
}
