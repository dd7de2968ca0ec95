package dev.wisp.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.io.AtomicFiles;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassNamesTest {
  @TempDir Path folder;

  @Test
  void plainAndNumberedListsAreReadWithoutTheBackground() {
    assertThat(ClassNames.read(list("person\npotted plant\n")))
        .containsExactly("person", "potted plant");
    assertThat(ClassNames.read(list("background\nperson\n"))).containsExactly("person");
    assertThat(ClassNames.read(list("0 background\n1 person\n2 hot_dog\n")))
        .containsExactly("person", "hot_dog");
    assertThat(ClassNames.read(list("1 person\n2 cat"))).containsExactly("person", "cat");
    assertThat(ClassNames.VOC).hasSize(20).doesNotHaveDuplicates();
  }

  @Test
  void mistakesAreNamedWithTheirLine() {
    assertThatThrownBy(() -> ClassNames.read(list("\n"))).hasMessageContaining("empty");
    assertThatThrownBy(() -> ClassNames.read(list("cat\n\ncat\n")))
        .hasMessageContaining("line 3: the class 'cat' is listed twice");
    assertThatThrownBy(() -> ClassNames.read(list("1 a\n3 b\n")))
        .hasMessageContaining("line 2: class numbers must count up");
    Path binary = folder.resolve("b");
    AtomicFiles.write(binary, new byte[] {(byte) 0xFF, (byte) 0xFE, 0});
    assertThatThrownBy(() -> ClassNames.read(binary)).hasMessageContaining("not UTF-8");
  }

  private Path list(String content) {
    Path file = folder.resolve("classes.txt");
    AtomicFiles.writeString(file, content);
    return file;
  }
}
