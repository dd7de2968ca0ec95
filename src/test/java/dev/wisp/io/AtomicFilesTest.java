package dev.wisp.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
  @TempDir Path folder;

  @Test
  void aFileIsReplacedWhole() throws IOException {
    Path file = folder.resolve("a/b/c.txt");
    AtomicFiles.writeString(file, "first");
    AtomicFiles.writeString(file, "zweite – länger");
    assertThat(file).hasContent("zweite – länger");
    try (Stream<Path> all = Files.list(folder.resolve("a/b"))) {
      assertThat(all).containsExactly(file);
    }
  }

  @Test
  void readersSeeTheOldContentUntilTheNewOneIsComplete() throws IOException {
    Path file = folder.resolve("c.txt");
    AtomicFiles.writeString(file, "old");
    AtomicFiles.write(
        file,
        out -> {
          out.write('n');
          out.flush();
          assertThat(file).hasContent("old");
        });
    assertThat(file).hasContent("n");
  }

  @Test
  void aFailureKeepsTheOldFileAndRemovesTheTemporaryOne() throws IOException {
    Path file = folder.resolve("c.txt");
    AtomicFiles.writeString(file, "old");
    assertThatThrownBy(
            () ->
                AtomicFiles.write(
                    file,
                    out -> {
                      out.write('n');
                      throw new IOException("disk\nfull");
                    }))
        .isInstanceOf(WispException.class)
        .hasMessage(file + ": cannot write: disk full");
    assertThat(file).hasContent("old");
    try (Stream<Path> all = Files.list(folder)) {
      assertThat(all).containsExactly(file);
    }
  }

  @Test
  void aFolderInTheWayIsNamed() throws IOException {
    Path file = folder.resolve("c.txt");
    Files.createDirectories(file.resolve("inner"));
    assertThatThrownBy(() -> AtomicFiles.writeString(file, "x"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining(file + ": cannot write");
    AtomicFiles.writeString(folder.resolve("plain"), "x");
    assertThatThrownBy(() -> AtomicFiles.writeString(folder.resolve("plain/below"), "x"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("cannot write");
  }
}
