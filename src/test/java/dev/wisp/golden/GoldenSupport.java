package dev.wisp.golden;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wisp.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * One subfolder of golden vectors. The folder comes from the system property {@code wisp.golden}.
 * What cases there are follows from the files alone; where the folder or a file is absent the
 * calling test is skipped and a line says so.
 */
public final class GoldenSupport {
  private static final String EXTENSION = ".safetensors";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final JsonNode tolerances;

  private GoldenSupport(Path folder) {
    this.folder = folder;
    Path file = folder.resolve("tolerances.json");
    this.tolerances = Files.exists(file) ? read(file) : JSON.createObjectNode();
  }

  /** Opens a subfolder such as {@code ae_sipe}, or skips the test where there is none. */
  public static GoldenSupport open(String subfolder) {
    Path root = Path.of(System.getProperty("wisp.golden", "../shared/golden"));
    Path folder = root.resolve(subfolder).toAbsolutePath().normalize();
    if (!Files.isDirectory(folder)) {
      skip("no folder %s; name its parent with -Dwisp.golden=DIR".formatted(folder));
    }
    return new GoldenSupport(folder);
  }

  /** Skips the calling test; the line also stands where skipped tests are not listed. */
  private static void skip(String reason) {
    System.out.println("golden vectors skipped: " + reason);
    Assumptions.abort(reason);
  }

  private static JsonNode read(Path file) {
    try {
      return JSON.readTree(file);
    } catch (JacksonException failure) {
      throw new AssertionError("cannot read " + file, failure);
    }
  }

  public Path folder() {
    return folder;
  }

  /** Goes before every tensor's name where hashfill generates it. */
  public String prefix() {
    return read(folder.resolve("set.json")).required("hashfill_prefix").asString();
  }

  /**
   * Names without extension of the folder's tensor files that match a pattern, sorted; where there
   * is none the calling test is skipped.
   */
  public List<String> stems(String pattern) {
    List<String> stems;
    try (Stream<Path> files = Files.list(folder)) {
      stems =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(EXTENSION))
              .map(name -> name.substring(0, name.length() - EXTENSION.length()))
              .filter(name -> name.matches(pattern))
              .sorted()
              .toList();
    } catch (IOException failure) {
      throw new AssertionError("cannot list " + folder, failure);
    }
    if (stems.isEmpty()) {
      skip("no %s%s in %s".formatted(pattern, EXTENSION, folder));
    }
    return stems;
  }

  /** Opens {@code stem.safetensors}; its absence is a failure. */
  public GoldenFile file(String stem) {
    Path path = folder.resolve(stem + EXTENSION);
    assertThat(path).isRegularFile();
    String key = tolerances.has(stem) ? stem : stem + EXTENSION;
    JsonNode entry = tolerances.has(key) ? tolerances.get(key) : JSON.createObjectNode();
    return new GoldenFile(stem, Safetensors.open(path), entry);
  }
}
