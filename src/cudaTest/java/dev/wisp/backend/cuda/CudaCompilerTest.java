package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CudaCompilerTest {
  private static final CudaSource SCALE =
      new CudaSource(
          "scale",
          """
          extern "C" __global__ void wisp_scale(float* x, long long n, float factor) {
            long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
            if (i >= n) return;
            x[i] = x[i] * factor + 1.0f;
          }
          """);

  @TempDir Path folder;

  private CudaCompiler compiler(String code) {
    return compiler(code, CudaCompiler.OPTIONS);
  }

  private CudaCompiler compiler(String code, List<String> options) {
    return new CudaCompiler(NvrtcLibrary.load(), CudaCode.parse(code), options, List.of(folder));
  }

  private List<Path> kept() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cuda"))) {
      return files.sorted().toList();
    }
  }

  @Test
  void ptxIsTextThatNamesTheKernelItsArchitectureAndItsLines() {
    byte[] image = compiler("ptx:52").compile(SCALE);
    String text = new String(image, StandardCharsets.UTF_8);
    assertThat(text).contains(".target sm_52").contains(".entry wisp_scale").contains(".loc");
    assertThat(image[image.length - 1]).isZero();
  }

  @Test
  void multiplicationAndAdditionAreNotContracted() {
    String text = new String(compiler("ptx:75").compile(SCALE), StandardCharsets.UTF_8);
    assertThat(text).contains("mul.rn.f32").contains("add.rn.f32").doesNotContain("fma");
  }

  @ParameterizedTest
  @ValueSource(ints = {52, 61, 70, 75, 80, 90})
  void machineCodeIsMadeForEveryTitanAndNewerCards(int architecture) {
    byte[] image = compiler("cubin:" + architecture).compile(SCALE);
    assertThat(image).startsWith(0x7f, 'E', 'L', 'F');
  }

  @Test
  void anErrorNamesFileAndLine() {
    CudaSource wrong =
        new CudaSource("wrong", "extern \"C\" __global__ void f(int n) {\n  int a = b;\n}\n");
    assertThatThrownBy(() -> compiler("ptx:52").compile(wrong))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("wrong.cu does not compile")
        .hasMessageContaining("--gpu-architecture=compute_52")
        .hasMessageContaining("wrong.cu(2): error: identifier \"b\" is undefined");
  }

  @Test
  void anArchitectureTheCompilerDoesNotKnowIsRefused() {
    assertThatThrownBy(() -> compiler("cubin:13").compile(SCALE))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("NVRTC_ERROR_INVALID_OPTION");
  }

  @Test
  void aFileIsCompiledOnceAndFoundByTheNextProcess() throws IOException {
    CudaCompiler first = compiler("ptx:52");
    byte[] image = first.compile(SCALE);
    assertThat(first.compile(SCALE)).isEqualTo(image);
    assertThat(first.compiled()).isOne();
    CudaCompiler next = compiler("ptx:52");
    assertThat(next.compile(SCALE)).isEqualTo(image);
    assertThat(next.compiled()).isZero();
    assertThat(kept()).hasSize(1);
  }

  @Test
  void sourceArchitectureFormAndOptionsEachHaveAFileOfTheirOwn() throws IOException {
    compiler("ptx:52").compile(SCALE);
    compiler("ptx:75").compile(SCALE);
    compiler("cubin:75").compile(SCALE);
    List<String> options = new ArrayList<>(CudaCompiler.OPTIONS);
    options.remove("--fmad=false");
    CudaCompiler other = compiler("ptx:52", options);
    other.compile(SCALE);
    assertThat(other.compiled()).isOne();
    compiler("ptx:52").compile(new CudaSource("scale", SCALE.text() + "\n"));
    assertThat(kept()).hasSize(5);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 10, 32, 33, 200})
  void aDamagedFileIsMadeAgain(int length) throws IOException {
    byte[] image = compiler("ptx:52").compile(SCALE);
    Path file = kept().getFirst();
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(whole, length));
    CudaCompiler again = compiler("ptx:52");
    assertThat(again.compile(SCALE)).isEqualTo(image);
    assertThat(again.compiled()).isOne();
    assertThat(Files.readAllBytes(file)).isEqualTo(whole);
  }

  @Test
  void aChangedByteInTheMiddleIsNoticed() throws IOException {
    byte[] image = compiler("ptx:52").compile(SCALE);
    Path file = kept().getFirst();
    byte[] whole = Files.readAllBytes(file);
    whole[whole.length / 2] ^= 1;
    Files.write(file, whole);
    assertThat(compiler("ptx:52").compile(SCALE)).isEqualTo(image);
  }

  @Test
  void aCacheThatCannotBeWrittenCostsTimeAndNothingElse() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    CudaCompiler compiler =
        new CudaCompiler(
            NvrtcLibrary.load(), CudaCode.parse("ptx:52"), CudaCompiler.OPTIONS, List.of(file));
    assertThat(compiler.compile(SCALE)).isNotEmpty();
    assertThat(compiler.compile(SCALE)).isNotEmpty();
    assertThat(compiler.compiled()).isEqualTo(2);
  }
}
