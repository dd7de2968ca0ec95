package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.cuda.NetworkLayers.Layer;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

class CudnnShapesTest {
  private static final String REDIST = "wisp.test.cudnn";

  @BeforeAll
  static void findCudnn() {
    assertThat(CudnnLibrary.find().usable()).isTrue();
  }

  @Test
  void theStandInPutsEveryLayersOutputAtOurSize() {
    Set<Layer> layers = NetworkLayers.all();
    assertThat(layers).hasSizeGreaterThan(100);
    assertThat(CudnnShapes.disagreements(layers)).isEmpty();
  }

  @Test
  void aWrongSizeIsSeen() {
    ConvolutionSizes sizes = new ConvolutionSizes(new ConvSpec(3, 64, 7, 2, 3, 1), 1, 375, 500);
    Layer wrong = new Layer(sizes, List.of(1L, 187L, 250L, 64L));
    assertThat(CudnnShapes.disagreements(Set.of(wrong)))
        .hasSize(3)
        .allMatch(line -> line.contains("cuDNN says [1, 188, 250, 64], the engine [1, 187"));
  }

  /** {@code -Dwisp.test.cudnn=FOLDER} with NVIDIA's cuDNN, cuBLAS and cudart. */
  @Test
  @EnabledIfSystemProperty(
      named = REDIST,
      matches = ".+",
      disabledReason = "NVIDIA's cuDNN is not at hand: -D" + REDIST + "=FOLDER names it")
  void nvidiasCudnnPutsEveryLayersOutputAtOurSize() throws Exception {
    Path folder = Path.of(System.getProperty(REDIST)).toAbsolutePath();
    // A process of its own: this one has the stand-in open under the same names.
    ProcessBuilder child =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-D" + CudnnLibrary.PROPERTY + "=" + folder,
            "-cp",
            System.getProperty("java.class.path"),
            CudnnShapes.class.getName());
    child
        .environment()
        .merge(
            "LD_LIBRARY_PATH",
            folder.toString(),
            (standIns, real) -> real + File.pathSeparator + standIns);
    Process process = child.redirectErrorStream(true).start();
    String said =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    System.out.println(said);
    assertThat(process.waitFor()).as(said).isZero();
    assertThat(said)
        .contains(" of " + folder.toRealPath() + ": ")
        .contains(" layers, 0 disagreements");
  }
}
