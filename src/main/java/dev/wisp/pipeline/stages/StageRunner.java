package dev.wisp.pipeline.stages;

import dev.wisp.common.Sha256;
import dev.wisp.common.WispException;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.io.FileTrees;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs stages in order. A stage that was finished with the same settings and inputs is passed over;
 * one that was interrupted goes on; one whose settings or inputs changed is done anew, its folder
 * emptied first. A process killed at any moment leaves a run folder from which the next attempt
 * ends with the same files. Not for two processes at once: the caller locks the run folder.
 */
public final class StageRunner {
  private static final Logger LOG = LoggerFactory.getLogger(StageRunner.class);

  private final Path run;
  private final List<Stage> stages;
  private final Supplier<Map<String, Object>> facts;

  /** What became of a stage. */
  public enum Outcome {
    /** Its files were there, of the same settings and inputs. */
    UP_TO_DATE,
    /** It was run from the beginning. */
    DONE,
    /** It went on where an earlier attempt stopped. */
    RESUMED
  }

  /**
   * A stage's result.
   *
   * @param skipped inputs that it could not use, now or when it was run, with the reason
   */
  public record Result(String stage, Outcome outcome, Map<String, String> skipped) {}

  /**
   * A runner over stages.
   *
   * @param run folder of the run
   * @param stages each after those it needs
   * @param facts asked after each stage that was run; seconds are added
   */
  public StageRunner(Path run, List<Stage> stages, Supplier<Map<String, Object>> facts) {
    this.run = run;
    this.stages = List.copyOf(stages);
    this.facts = facts;
  }

  /** A stage's folder. */
  public Path folder(String stage) {
    return run.resolve(stage);
  }

  /**
   * Brings one stage up to date.
   *
   * @throws WispException if a stage that it needs was not finished, naming it; if a file that a
   *     stage wrote was changed since, naming it; or what the stage itself throws
   */
  public Result run(String name) {
    Stage stage = stage(name);
    SortedMap<String, String> inputs = inputs(stage);
    Optional<StageManifest> earlier = StageManifest.read(run, name);
    boolean same = earlier.isPresent() && earlier.get().isOf(stage, inputs);
    if (same && isComplete(earlier.get())) {
      LOG.debug("{}: up to date", name);
      return new Result(name, Outcome.UP_TO_DATE, earlier.get().skipped());
    }
    StageManifest begun = StageManifest.begun(stage, inputs);
    if (!same) {
      // In this order: files without a manifest are of no attempt that could go on.
      FileTrees.delete(StageManifest.file(run, name));
      FileTrees.delete(folder(name));
    }
    begun.write(run);
    AtomicFiles.makeFolder(folder(name));
    LOG.debug("{}: {}", name, same ? "going on" : "running");
    long start = System.nanoTime();
    Map<String, String> skipped = stage.body().run(same);
    Map<String, Object> about = new TreeMap<>(facts.get());
    about.put("seconds", Math.round((System.nanoTime() - start) * 1e-8) / 10.0);
    begun.finished(FileDigest.tree(run, paths(stage)), skipped, about).write(run);
    return new Result(name, same ? Outcome.RESUMED : Outcome.DONE, skipped);
  }

  private Stage stage(String name) {
    return stages.stream()
        .filter(stage -> stage.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new WispException(
                    "there is no stage '%s'; choose of %s"
                        .formatted(
                            name,
                            stages.stream().map(Stage::name).collect(Collectors.joining(", ")))));
  }

  private List<Path> paths(Stage stage) {
    return stage.outputs().stream().map(output -> folder(stage.name()).resolve(output)).toList();
  }

  private SortedMap<String, String> inputs(Stage stage) {
    SortedMap<String, String> inputs = new TreeMap<>();
    stage
        .needs()
        .forEach(
            (other, what) -> {
              Optional<StageManifest> manifest = StageManifest.read(run, other);
              if (manifest.isEmpty() || !isComplete(manifest.get())) {
                throw new WispException(
                    "%s needs %s of stage '%s', which is not finished in %s; run that stage first"
                        .formatted(stage.name(), what, other, run));
              }
              inputs.put(other, digest(Objects.requireNonNull(manifest.get().outputs())));
            });
    stage.given().forEach((name, digest) -> inputs.put("given " + name, digest.get()));
    return inputs;
  }

  /** Whether a stage was finished and all its files are there; refuses files that were changed. */
  private boolean isComplete(StageManifest manifest) {
    SortedMap<String, FileDigest> outputs = manifest.outputs();
    if (outputs == null) {
      return false;
    }
    for (Map.Entry<String, FileDigest> output : outputs.entrySet()) {
      Path file = run.resolve(output.getKey());
      if (!Files.exists(file)) {
        return false;
      }
      if (!output.getValue().matches(file)) {
        throw FileErrors.of(
            file,
            "is not what stage '%s' wrote (damaged or edited); remove it to have it made again"
                .formatted(manifest.stage()));
      }
    }
    return true;
  }

  /** Of names and contents. */
  private static String digest(SortedMap<String, FileDigest> files) {
    StringBuilder text = new StringBuilder();
    files.forEach(
        (name, file) ->
            text.append(name)
                .append(' ')
                .append(file.size())
                .append(' ')
                .append(file.crc32c())
                .append('\n'));
    return Sha256.of(text.toString());
  }
}
