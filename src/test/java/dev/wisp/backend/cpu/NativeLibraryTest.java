package dev.wisp.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wisp.common.WispException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
  @TempDir Path folder;

  @BeforeAll
  static void loadOpenMpFirst() {
    NativeRuntime.load(1);
  }

  private static byte[] library() throws IOException {
    try (InputStream in = NativeLibrary.class.getResourceAsStream(NativeLibrary.RESOURCE)) {
      return in.readAllBytes();
    }
  }

  @Test
  void theLibraryIsExtractedUnderItsHashAndUsedAgain() throws IOException {
    Path first = NativeLibrary.extract(library(), folder.resolve("a/b"));
    var written = Files.getLastModifiedTime(first);
    assertThat(first.getFileName().toString()).matches("libwisp-[0-9a-f]{16}\\.so");
    assertThat(NativeLibrary.extract(library(), folder.resolve("a/b"))).isEqualTo(first);
    assertThat(Files.getLastModifiedTime(first)).isEqualTo(written);
    try (Stream<Path> files = Files.list(first.getParent())) {
      assertThat(files).containsExactly(first);
    }
  }

  @Test
  void aDamagedExtractedFileIsReplaced() throws IOException {
    Path file = NativeLibrary.extract(library(), folder);
    Files.writeString(file, "cut short");
    NativeLibrary.extract(library(), folder);
    assertThat(Files.readAllBytes(file)).isEqualTo(library());
  }

  @Test
  void theNextFolderServesWhenTheFirstCannotBeWritten() throws IOException {
    Path blocked = Files.writeString(folder.resolve("file"), "no folder");
    Path open = folder.resolve("cache");
    assertThat(
            NativeLibrary.open(null, null, List.of(blocked, open), NativeLibrary.RESOURCE)
                .find("wisp_abi"))
        .isPresent();
    assertThat(open).isNotEmptyDirectory();
  }

  @Test
  void theMessageListsEveryPlaceTriedAndTheLinkersWords() throws IOException {
    Path broken = Files.writeString(folder.resolve("broken.so"), "this is no library. ".repeat(20));
    assertThatThrownBy(
            () ->
                NativeLibrary.open(
                    broken.toString(), null, List.of(folder), NativeLibrary.RESOURCE))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("named by wisp.native.library")
        .hasMessageContaining(broken.toString())
        .hasMessageContaining("invalid ELF header")
        .hasMessageNotContaining("\n");
    assertThatThrownBy(
            () ->
                NativeLibrary.open(
                    null, "/nowhere/libwisp.so", List.of(folder), NativeLibrary.RESOURCE))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("named by WISP_NATIVE_LIBRARY")
        .hasMessageContaining("No such file or directory");
    Path blocked = Files.writeString(folder.resolve("file"), "no folder");
    assertThatThrownBy(
            () -> NativeLibrary.open(null, null, List.of(blocked), NativeLibrary.RESOURCE))
        .isInstanceOf(WispException.class)
        .hasMessageContaining(blocked.toString())
        .hasMessageContaining("-Dwisp.native.library");
  }

  @Test
  void anotherLibraryIsRefusedByItsAbi() {
    assertThatThrownBy(
            () -> NativeLibrary.open("libm.so.6", null, List.of(folder), NativeLibrary.RESOURCE))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("libm.so.6: has no wisp_abi");
  }

  @Test
  void aMissingResourceIsNamed() {
    assertThatThrownBy(() -> NativeLibrary.open(null, null, List.of(folder), "/no/such.so"))
        .isInstanceOf(WispException.class)
        .hasMessageContaining("/no/such.so is not on the class path");
  }

  @Test
  void everyFunctionOfTheHeaderIsExportedAndBound() throws IOException {
    String header = Files.readString(Path.of("native/include/wisp.h"));
    Set<String> declared =
        Pattern.compile("\\b(wisp_[a-z0-9_]+)\\(")
            .matcher(header)
            .results()
            .map(match -> match.group(1))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(declared).hasSizeGreaterThan(30).allMatch(name -> address(name) != 0);
    Set<String> bound = new TreeSet<>();
    try (Stream<Path> bindings = Files.list(Path.of("src/main/java/dev/wisp/backend/cpu"))) {
      for (Path file : bindings.filter(path -> path.toString().endsWith("Kernels.java")).toList()) {
        Pattern.compile("\"(wisp_[a-z0-9_]+)\"")
            .matcher(Files.readString(file))
            .results()
            .forEach(match -> bound.add(match.group(1)));
      }
    }
    // Looked up before the bindings may exist.
    bound.add("wisp_abi");
    assertThat(bound).isEqualTo(declared);
  }

  private static long address(String name) {
    return NativeLibrary.symbol(name).address();
  }

  @Test
  void theHeadersAbiNumberIsTheOneTheBindingsExpect() throws IOException {
    assertThat(Files.readString(Path.of("native/include/wisp.h")))
        .contains("#define WISP_ABI " + NativeLibrary.ABI + "\n");
  }
}
