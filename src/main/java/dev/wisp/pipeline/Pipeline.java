package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.io.AtomicFiles;
import dev.wisp.io.FileErrors;
import dev.wisp.pipeline.stages.Stage;
import dev.wisp.pipeline.stages.StageManifest;
import dev.wisp.pipeline.stages.StageRunner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * All stages of the method in one run folder. Each leaves a manifest with digests of what it was
 * made of; a later run does only what changed, and an interrupted one goes on to the same files.
 */
public final class Pipeline {
  private static final String RECIPE = "recipe.yaml";

  private Pipeline() {}

  /**
   * What to do.
   *
   * @param run the run's folder, made if it is missing
   * @param recipe every number
   * @param data the dataset; empty to draw the recipe's synthetic images
   * @param weights ImageNet weights of the encoder, unless the recipe pretrains it
   * @param irnWeights the same of IRN's trunk, where it is another encoder
   * @param segmentationWeights the same for DeepLabV3, where it has another encoder
   * @param only run this stage alone; empty for all
   */
  public record Request(
      Path run,
      Recipe recipe,
      Optional<Path> data,
      Optional<Path> weights,
      Optional<Path> irnWeights,
      Optional<Path> segmentationWeights,
      Optional<String> only) {}

  /** Names of the stages of a request, in order. */
  public static List<String> stages(Request request) {
    return PipelineStages.of(request, List.of(), Progress.NONE).stream().map(Stage::name).toList();
  }

  /**
   * Brings the run up to date.
   *
   * @param devices training shares each batch among all; the rest runs on the first
   * @param done told of each stage when it ends
   * @return one result for each stage, in order
   * @throws WispException for a folder of another kind or version, an unknown stage, a stage whose
   *     input is not there, or a file that was changed since it was written: each named
   */
  public static List<StageRunner.Result> run(
      List<Backend> devices,
      Request request,
      Progress progress,
      Consumer<StageRunner.Result> done) {
    List<Stage> stages = PipelineStages.of(request, devices, progress);
    List<String> names = stages.stream().map(Stage::name).toList();
    request
        .only()
        .filter(name -> !names.contains(name))
        .ifPresent(
            name -> {
              throw new WispException(
                  "--only is %s; give one of %s"
                      .formatted(name, names.stream().collect(Collectors.joining(", "))));
            });
    Path folder = request.run();
    requireOurs(folder);
    try (FolderLock _ = FolderLock.take(folder)) {
      AtomicFiles.makeFolder(folder.resolve(StageManifest.FOLDER));
      AtomicFiles.writeString(folder.resolve(RECIPE), Recipes.write(request.recipe()));
      StageRunner runner =
          new StageRunner(
              folder,
              stages,
              () ->
                  Map.of(
                      "device",
                      devices.stream().map(Backend::describe).collect(Collectors.joining("; ")),
                      "peakMemoryMb",
                      ProcessMemory.peakMb()));
      List<StageRunner.Result> results = new ArrayList<>();
      for (String name : request.only().map(List::of).orElse(names)) {
        StageRunner.Result result = runner.run(name);
        results.add(result);
        done.accept(result);
      }
      return results;
    }
  }

  /** Stages empty their folders: those of somebody else must not be among them. */
  private static void requireOurs(Path folder) {
    if (Files.isDirectory(folder.resolve(StageManifest.FOLDER)) || !Files.isDirectory(folder)) {
      return;
    }
    if (RunDirectory.holdsRun(folder)) {
      throw FileErrors.of(folder, "holds a run of another command; name another folder");
    }
    // Hidden files may be a lock of an attempt that was killed at once.
    try (Stream<Path> files = Files.list(folder)) {
      if (files.anyMatch(file -> !String.valueOf(file.getFileName()).startsWith("."))) {
        throw FileErrors.of(folder, "holds files and no pipeline's run; name a new folder");
      }
    } catch (IOException unreadable) {
      throw FileErrors.reading(folder, unreadable);
    }
  }
}
