package dev.wisp.cli;

import dev.wisp.data.Dataset;
import dev.wisp.data.Datasets;
import dev.wisp.pipeline.Devices;
import dev.wisp.pipeline.Pipeline;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Recipes;
import dev.wisp.pipeline.stages.StageRunner;
import dev.wisp.report.Reports;
import dev.wisp.report.RunCollector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code wisp pipeline}. */
@Command(
    name = "pipeline",
    description = {
      "Run all stages of a recipe in one folder, from image-level labels to a scored network.",
      "Run it again to go on where it was interrupted, or to redo what changed."
    },
    footer = {
      "",
      "Example: wisp pipeline recipes/voc-paper.yaml --data VOC2012 --weights resnet101.pth"
    })
final class PipelineCommand extends Task {
  @Mixin private DeviceOptions device = new DeviceOptions();

  @Parameters(
      index = "0",
      paramLabel = "RECIPE",
      description = "paper, release, demo, or a YAML file such as recipes/demo.yaml.")
  private String recipe = "";

  @Option(
      names = "--run",
      paramLabel = "FOLDER",
      description = "Run folder (default: runs/ and the recipe's file name).")
  private @Nullable Path run;

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description = "Dataset; without it the recipe's synthetic images are drawn.")
  private @Nullable Path data;

  @Option(
      names = "--weights",
      paramLabel = "FILE",
      description = "ImageNet weights of the encoder, unless the recipe pretrains it.")
  private @Nullable Path weights;

  @Option(
      names = "--irn-weights",
      paramLabel = "FILE",
      description = "ImageNet weights of IRN's encoder, where it is another one.")
  private @Nullable Path irnWeights;

  @Option(
      names = "--segmentation-weights",
      paramLabel = "FILE",
      description = "ImageNet weights of DeepLabV3's encoder, where it is another one.")
  private @Nullable Path segmentationWeights;

  @Option(
      names = "--only",
      paramLabel = "STAGE",
      description = "Run this stage alone; what it needs must have been run.")
  private @Nullable String only;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Change one value of the recipe; may be repeated. Keys: docs/files.md.")
  private List<String> overrides = new ArrayList<>();

  @Override
  int run() {
    Recipe values = Recipes.load(recipe, overrides);
    Pipeline.Request request =
        new Pipeline.Request(
            run == null ? Path.of("runs").resolve(stem()) : run,
            values,
            Optional.ofNullable(data),
            Optional.ofNullable(weights),
            Optional.ofNullable(irnWeights),
            Optional.ofNullable(segmentationWeights),
            Optional.ofNullable(only));
    Pipeline.stages(request);
    try (Devices.Group devices = Devices.openAll(device.device, device.threads)) {
      List<StageRunner.Result> results =
          Pipeline.run(devices.backends(), request, ConsoleProgress.onTerminal(), this::tell);
      Path report = request.run().resolve(Reports.FILE);
      if (only == null) {
        Reports.write(request.run(), labelled(values), report, RunCollector.Limits.STANDARD);
        out().printf("report: %s%n", report);
      }
      Map<String, String> skipped = new TreeMap<>();
      results.forEach(
          result ->
              result
                  .skipped()
                  .forEach((image, why) -> skipped.put(result.stage() + ": " + image, why)));
      return Skips.report(err(), skipped);
    }
  }

  /** The images that were labelled; null where the run drew them itself. */
  private @Nullable Dataset labelled(Recipe values) {
    Path root = data;
    return root == null
        ? null
        : Datasets.open(root, Datasets.hasLists(root) ? values.pipeline().trainList() : null);
  }

  private String stem() {
    return String.valueOf(Path.of(recipe).getFileName()).replaceFirst("\\.ya?ml$", "");
  }

  private void tell(StageRunner.Result result) {
    out()
        .printf(
            "%-14s %s%n",
            result.stage(), result.outcome().name().toLowerCase(Locale.ROOT).replace('_', ' '));
    out().flush();
  }
}
