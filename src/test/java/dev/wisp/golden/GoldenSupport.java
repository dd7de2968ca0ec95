package dev.wisp.golden;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.io.Safetensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * One subfolder of golden vectors. The folder comes from the system property {@code wisp.golden};
 * where it is absent the calling test is skipped with a message. What cases there are follows from
 * the files alone.
 */
public final class GoldenSupport {
  private static final String EXTENSION = ".safetensors";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final String prefix;
  private final JsonNode tolerances;

  private GoldenSupport(Path folder) {
    this.folder = folder;
    this.prefix = read(folder.resolve("set.json")).path("hashfill_prefix").asString("");
    Path file = folder.resolve("tolerances.json");
    this.tolerances = Files.exists(file) ? read(file) : JSON.createObjectNode();
  }

  /** Opens a subfolder such as {@code ae_sipe}, or skips the test where there is none. */
  public static GoldenSupport open(String subfolder) {
    Path root = Path.of(System.getProperty("wisp.golden", "../shared/golden"));
    Path folder = root.resolve(subfolder);
    Assumptions.assumeTrue(
        Files.isRegularFile(folder.resolve("set.json")),
        () ->
            "no golden vectors at %s; give their folder with -Dwisp.golden=DIR"
                .formatted(folder.toAbsolutePath().normalize()));
    return new GoldenSupport(folder);
  }

  private static JsonNode read(Path file) {
    try {
      return JSON.readTree(file);
    } catch (UncheckedIOException failure) {
      throw new AssertionError("cannot read " + file, failure);
    }
  }

  public Path folder() {
    return folder;
  }

  /** Goes before every tensor's name where hashfill generates it. */
  public String prefix() {
    return prefix;
  }

  /** Names without extension of the folder's tensor files that match a pattern, sorted. */
  public List<String> stems(String pattern) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(EXTENSION))
          .map(name -> name.substring(0, name.length() - EXTENSION.length()))
          .filter(name -> name.matches(pattern))
          .sorted()
          .toList();
    } catch (IOException failure) {
      throw new AssertionError("cannot list " + folder, failure);
    }
  }

  /** Whether the folder has {@code stem.safetensors}. */
  public boolean has(String stem) {
    return Files.isRegularFile(folder.resolve(stem + EXTENSION));
  }

  /** Opens {@code stem.safetensors}; its absence is a failure. */
  public GoldenFile file(String stem) {
    Path path = folder.resolve(stem + EXTENSION);
    assertThat(path).isRegularFile();
    JsonNode entry = tolerances.has(stem) ? tolerances.get(stem) : JSON.createObjectNode();
    return new GoldenFile(stem, Safetensors.open(path), entry);
  }
}
