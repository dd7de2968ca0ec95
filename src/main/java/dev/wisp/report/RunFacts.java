package dev.wisp.report;

import dev.wisp.io.FileErrors;
import dev.wisp.pipeline.Labelling;
import dev.wisp.pipeline.MetricSeries;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.RunDirectory;
import dev.wisp.pipeline.stages.StageManifest;
import dev.wisp.report.ReportData.Fact;
import dev.wisp.report.ReportData.FactGroup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** What a run's small files say: settings, machine, seconds, memory. */
final class RunFacts {
  private static final YAMLMapper YAML = new YAMLMapper();

  private RunFacts() {}

  /** A labelling folder's settings. */
  static JsonNode labelling(Path folder) {
    return read(YAML, folder.resolve(Labelling.SETTINGS));
  }

  /** The method's switches that made a folder's labels; empty where they cannot be told. */
  static Optional<Recipe.Method> method(Path labelling) {
    try {
      return Optional.ofNullable(
          YAML.treeToValue(labelling(labelling).path("method"), Recipe.Method.class));
    } catch (JacksonException | IllegalArgumentException foreign) {
      return Optional.empty();
    }
  }

  /** A demo's summary. */
  static JsonNode summary(Path file) {
    return read(JsonMapper.shared(), file);
  }

  private static JsonNode read(tools.jackson.databind.ObjectMapper mapper, Path file) {
    try {
      return mapper.readTree(file.toFile());
    } catch (JacksonException e) {
      throw FileErrors.of(file, "cannot be read: " + e.getOriginalMessage(), e);
    }
  }

  /** Where and on what the run was. */
  static FactGroup run(RunLayout layout, Optional<JsonNode> summary) {
    List<Fact> facts = new ArrayList<>();
    facts.add(new Fact("folder", String.valueOf(layout.root())));
    summary.ifPresent(
        json -> {
          facts.add(new Fact("device", json.path("device").asString("")));
          facts.add(new Fact("seed", json.path("seed").asString("")));
        });
    layout
        .data()
        .ifPresent(
            data -> {
              facts.add(new Fact("scored data", data.title()));
              facts.add(new Fact("images", Integer.toString(data.samples().size())));
              facts.add(new Fact("classes", String.join(", ", data.classNames())));
            });
    return new FactGroup("Run", facts);
  }

  /** Seconds per stage and the peak of memory, which a demo's summary holds. */
  static FactGroup resources(JsonNode summary) {
    List<Fact> facts = new ArrayList<>();
    summary
        .path("seconds")
        .properties()
        .forEach(
            stage ->
                facts.add(new Fact(stage.getKey(), Numbers.seconds(stage.getValue().asDouble(0)))));
    facts.add(new Fact("in all", Numbers.seconds(summary.path("secondsInAll").asDouble(0))));
    facts.add(new Fact("peak memory", Numbers.megabytes(summary.path("peakMemoryMb").asLong(0))));
    return new FactGroup("Time and memory", facts);
  }

  /** Seconds and memory of a pipeline's stages, and what computed them. */
  static FactGroup stages(RunLayout layout) {
    List<Fact> facts = new ArrayList<>();
    String device = "";
    for (Path file : layout.manifests()) {
      String stage = String.valueOf(file.getFileName()).replaceFirst("\\.json$", "");
      Optional<StageManifest> manifest = StageManifest.read(layout.root(), stage);
      if (manifest.isPresent()) {
        JsonNode about = JsonMapper.shared().valueToTree(manifest.get().facts());
        facts.add(
            new Fact(
                stage,
                manifest.get().outputs() == null
                    ? "not finished"
                    : "%s, peak memory %s"
                        .formatted(
                            Numbers.seconds(about.path("seconds").asDouble(0)),
                            Numbers.megabytes(about.path("peakMemoryMb").asLong(0)))));
        device = about.path("device").asString(device);
      }
    }
    facts.add(new Fact("device", device));
    return new FactGroup("Stages", facts);
  }

  /** How far a training is and how fast it went. */
  static FactGroup training(ReportData.Training training) {
    MetricSeries metrics = training.metrics();
    List<Fact> facts = new ArrayList<>();
    facts.add(new Fact("steps done", Long.toString(metrics.lastStep())));
    last(metrics, "epoch")
        .ifPresent(epoch -> facts.add(new Fact("epoch", Long.toString(Math.round(epoch) + 1))));
    last(metrics, "loss").ifPresent(loss -> facts.add(new Fact("loss", Numbers.plain(loss))));
    last(metrics, "val/miou")
        .ifPresent(miou -> facts.add(new Fact("validation mIoU", Numbers.percent(miou))));
    last(metrics, "val/accuracy")
        .ifPresent(share -> facts.add(new Fact("validation accuracy", Numbers.percent(share))));
    median(metrics, "imagesPerSecond")
        .ifPresent(
            speed ->
                facts.add(new Fact("images per second, median of steps", Numbers.plain(speed))));
    return new FactGroup("Training: " + training.stage(), facts);
  }

  /** The newest value of a series. */
  static Optional<Double> last(MetricSeries metrics, String name) {
    return points(metrics, name).map(points -> points.getLast().value());
  }

  /** The median of a series. */
  static Optional<Double> median(MetricSeries metrics, String name) {
    return points(metrics, name)
        .map(
            points -> {
              double[] sorted =
                  points.stream().mapToDouble(MetricSeries.Point::value).sorted().toArray();
              return sorted[sorted.length / 2];
            });
  }

  private static Optional<List<MetricSeries.Point>> points(MetricSeries metrics, String name) {
    List<MetricSeries.Point> points = metrics.values().get(name);
    return points == null || points.isEmpty() ? Optional.empty() : Optional.of(points);
  }

  /** Every value of a recipe by its dotted key. */
  static Optional<FactGroup> recipe(Path folder) {
    Path file = folder.resolve(RunDirectory.RECIPE);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    return Optional.of(
        new FactGroup("Recipe of " + folder.getFileName(), flat("", read(YAML, file))));
  }

  /** Every value of a labelling's settings by its dotted key. */
  static FactGroup settings(Path labelling) {
    return new FactGroup("Labelling", flat("", labelling(labelling)));
  }

  private static List<Fact> flat(String prefix, JsonNode node) {
    List<Fact> facts = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      String key = prefix + entry.getKey();
      JsonNode value = entry.getValue();
      if (value.isObject()) {
        facts.addAll(flat(key + ".", value));
      } else {
        facts.add(new Fact(key, value.isArray() ? value.toString() : value.asString()));
      }
    }
    return facts;
  }
}
