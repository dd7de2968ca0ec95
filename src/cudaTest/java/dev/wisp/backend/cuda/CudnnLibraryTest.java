package dev.wisp.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudnnLibraryTest {
  @TempDir Path folder;

  @Test
  void anInstalledOneIsFoundWithItsVersion() {
    CudnnLibrary.State state = CudnnLibrary.find(null, List.of());
    assertThat(state.usable()).isTrue();
    assertThat(state.note()).isEqualTo("cuDNN 9.5.1");
  }

  @Test
  void aVersionIsSpelledOut() {
    assertThat(CudnnLibrary.version(90_501)).isEqualTo("cuDNN 9.5.1");
    assertThat(CudnnLibrary.version(91_002)).isEqualTo("cuDNN 9.10.2");
  }

  @Test
  void aFolderThatHasNoneIsAnErrorWithTheLinkersWords() throws IOException {
    assertThatThrownBy(() -> CudnnLibrary.find(folder.toString(), List.of()))
        .isInstanceOf(WispException.class)
        .hasMessageStartingWith("the cuDNN named by wisp.cudnn.path cannot be used: ")
        .hasMessageContaining(folder.resolve("libcudnn_graph.so.9").toString())
        .hasMessageContaining("No such file or directory")
        .hasMessageEndingWith("; correct or unset wisp.cudnn.path")
        .hasMessageNotContaining("\n");
    Files.writeString(folder.resolve("libcudnn_graph.so.9"), "no library ".repeat(20));
    assertThatThrownBy(() -> CudnnLibrary.find(folder.toString(), List.of()))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("invalid ELF header");
    assertThatThrownBy(() -> CudnnLibrary.find("/nowhere/libcudnn.so.9", List.of()))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("/nowhere/libcudnn_graph.so.9");
  }
}
