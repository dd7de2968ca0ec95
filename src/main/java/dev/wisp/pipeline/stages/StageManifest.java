package dev.wisp.pipeline.stages;

import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a stage was made of and what it made, in {@code RUN/stages/NAME.json}.
 *
 * @param format of this file: {@value #FORMAT}
 * @param stage its name
 * @param settings as the stage states them
 * @param inputs digests by name
 * @param outputs the files it wrote, by path below the run folder; null while it is not finished
 * @param skipped inputs that could not be used, with the reason
 * @param facts about the attempt that finished it (seconds, memory, device), for people
 */
public record StageManifest(
    int format,
    String stage,
    String settings,
    SortedMap<String, String> inputs,
    @Nullable SortedMap<String, FileDigest> outputs,
    SortedMap<String, String> skipped,
    Map<String, Object> facts) {
  static final int FORMAT = 1;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  /** A stage that is begun. */
  static StageManifest begun(Stage stage, SortedMap<String, String> inputs) {
    return new StageManifest(
        FORMAT, stage.name(), stage.settings(), inputs, null, new TreeMap<>(), Map.of());
  }

  StageManifest finished(
      SortedMap<String, FileDigest> made, Map<String, String> left, Map<String, Object> facts) {
    return new StageManifest(FORMAT, stage, settings, inputs, made, new TreeMap<>(left), facts);
  }

  /** Whether it was made, or begun, with these settings and inputs. */
  boolean isOf(Stage other, SortedMap<String, String> with) {
    return settings.equals(other.settings()) && inputs.equals(with);
  }

  static Path file(Path run, String stage) {
    return run.resolve("stages").resolve(stage + ".json");
  }

  void write(Path run) {
    AtomicFiles.writeString(file(run, stage), JSON.writeValueAsString(this));
  }

  /**
   * The manifest of a stage, if there is one.
   *
   * @throws dev.wisp.common.WispException naming the file, if it is damaged or of another version
   */
  public static Optional<StageManifest> read(Path run, String stage) {
    Path file = file(run, stage);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      String text = Files.readString(file);
      JsonNode format = JSON.readTree(text).get("format");
      if (format == null || !format.isInt() || format.asInt() != FORMAT) {
        throw FileErrors.of(
            file,
            "was written by another version of wisp (format %s, not %d); name another --run folder"
                .formatted(format == null ? "none" : format, FORMAT));
      }
      StageManifest manifest = JSON.readValue(text, StageManifest.class);
      if (!stage.equals(manifest.stage)) {
        throw FileErrors.of(file, "is the manifest of stage '" + manifest.stage + "'");
      }
      return Optional.of(manifest);
    } catch (JacksonException damaged) {
      throw FileErrors.of(file, "is damaged; remove it to run the stage again", damaged);
    } catch (IOException e) {
      throw FileErrors.reading(file, e);
    }
  }
}
