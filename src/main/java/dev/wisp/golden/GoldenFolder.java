package dev.wisp.golden;

import dev.wisp.common.WispException;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * One subfolder of golden vectors. What cases there are follows from the files alone.
 *
 * @throws WispException where a file cannot be read, naming it
 */
public final class GoldenFolder {
  private static final String EXTENSION = ".safetensors";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final JsonNode tolerances;

  /** A subfolder such as {@code ae_sipe}; its files need not exist. */
  public GoldenFolder(Path folder) {
    this.folder = folder;
    Path file = folder.resolve("tolerances.json");
    this.tolerances = Files.exists(file) ? read(file) : JSON.createObjectNode();
  }

  private static JsonNode read(Path file) {
    try {
      return JSON.readTree(Files.readString(file));
    } catch (JacksonException | IOException failure) {
      throw FileErrors.of(file, "cannot be read", failure);
    }
  }

  public Path folder() {
    return folder;
  }

  /** Goes before every tensor's name where hashfill generates it. */
  public String prefix() {
    return read(folder.resolve("set.json")).required("hashfill_prefix").asString();
  }

  /** Names without extension of the folder's tensor files that match a pattern, sorted. */
  public List<String> stems(String pattern) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.endsWith(EXTENSION))
          .map(name -> name.substring(0, name.length() - EXTENSION.length()))
          .filter(name -> name.matches(pattern))
          .sorted()
          .toList();
    } catch (IOException failure) {
      throw FileErrors.reading(folder, failure);
    }
  }

  /** Opens {@code stem.safetensors}. */
  public GoldenFile file(String stem) {
    String key = tolerances.has(stem) ? stem : stem + EXTENSION;
    JsonNode entry = tolerances.has(key) ? tolerances.get(key) : JSON.createObjectNode();
    return new GoldenFile(stem, Safetensors.open(folder.resolve(stem + EXTENSION)), entry);
  }
}
