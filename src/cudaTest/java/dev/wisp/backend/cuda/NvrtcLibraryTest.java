package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NvrtcLibraryTest {
  @TempDir Path folder;

  @Test
  void theCopyOnTheClassPathIsExtractedOnceAndUsed() throws IOException {
    Nvrtc nvrtc = NvrtcLibrary.open(null, null, List.of(), List.of(folder));
    assertThat(nvrtc.version()).isEqualTo("12.9");
    assertThat(nvrtc.architectures()).contains(52, 61, 70, 75, 80, 90);
    List<Path> extracted = files();
    var times = extracted.stream().map(NvrtcLibraryTest::written).toList();
    NvrtcLibrary.open(null, null, List.of(), List.of(folder));
    assertThat(files()).isEqualTo(extracted);
    assertThat(extracted.stream().map(NvrtcLibraryTest::written)).isEqualTo(times);
    assertThat(extracted)
        .extracting(file -> file.getFileName().toString())
        .containsExactlyInAnyOrder("libnvrtc.so.12", "libnvrtc-builtins.so.12.9");
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static long written(Path file) {
    return file.toFile().lastModified();
  }

  @Test
  void anInstalledCompilerIsNamedByItsFolderOrItsFile() throws IOException {
    NvrtcLibrary.open(null, null, List.of(), List.of(folder));
    Path file =
        files().stream().filter(path -> path.endsWith("libnvrtc.so.12")).findFirst().orElseThrow();
    Path parent = Objects.requireNonNull(file.getParent());
    List<Path> nowhere = List.of(folder.resolve("absent"));
    assertThat(NvrtcLibrary.open(parent.toString(), null, List.of(), nowhere).version())
        .isEqualTo("12.9");
    assertThat(NvrtcLibrary.open(null, file.toString(), List.of(), nowhere).version())
        .isEqualTo("12.9");
    assertThat(
            NvrtcLibrary.open(null, null, List.of(folder.resolve("none.so"), file), nowhere)
                .version())
        .isEqualTo("12.9");
  }

  @Test
  void anOverrideThatIsNoCompilerIsAnErrorWithTheLinkersWords() throws IOException {
    Path broken = Files.writeString(folder.resolve("libnvrtc.so.12"), "no library ".repeat(20));
    assertThatThrownBy(() -> NvrtcLibrary.open(folder.toString(), null, List.of(), List.of()))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("named by wisp.cuda.nvrtc cannot be used")
        .hasMessageContaining(broken.toString())
        .hasMessageContaining("invalid ELF header")
        .hasMessageNotContaining("\n");
    assertThatThrownBy(() -> NvrtcLibrary.open(null, "/nowhere/nvrtc", List.of(), List.of()))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("named by WISP_NVRTC")
        .hasMessageContaining("No such file or directory");
    assertThatThrownBy(() -> NvrtcLibrary.open("libm.so.6", null, List.of(), List.of()))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("NVRTC has no nvrtc");
  }

  @Test
  void aFolderThatCannotBeWrittenIsListedAndTheNextOneServes() throws IOException {
    Path blocked = Files.writeString(folder.resolve("file"), "no folder");
    assertThat(
            NvrtcLibrary.open(null, null, List.of(), List.of(blocked, folder.resolve("cache")))
                .version())
        .isEqualTo("12.9");
    assertThatThrownBy(() -> NvrtcLibrary.open(null, null, List.of(), List.of(blocked)))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("NVRTC, the compiler of kernels, cannot be loaded")
        .hasMessageContaining(blocked + ": cannot extract there")
        .hasMessageContaining("-Dwisp.cuda.nvrtc");
  }
}
