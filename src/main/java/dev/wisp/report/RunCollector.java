package dev.wisp.report;

import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.pipeline.AblationFiles;
import dev.wisp.pipeline.Bootstrap;
import dev.wisp.pipeline.Confusion;
import dev.wisp.pipeline.MetricSeries;
import dev.wisp.pipeline.PaperTables;
import dev.wisp.pipeline.Recipe;
import dev.wisp.pipeline.Recipes;
import dev.wisp.pipeline.ResultTable;
import dev.wisp.pipeline.RunDirectory;
import dev.wisp.pipeline.Showcase;
import dev.wisp.pipeline.StageScores;
import dev.wisp.report.ReportData.FactGroup;
import dev.wisp.report.ReportData.Gallery;
import dev.wisp.report.ReportData.Picture;
import dev.wisp.report.ReportData.Score;
import dev.wisp.report.ReportData.Training;
import dev.wisp.report.ReportData.UpperBound;
import dev.wisp.report.RunLayout.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads a run's files into a report's data. Reads only; a run may go on meanwhile. */
public final class RunCollector {
  private static final double BASE64 = 4.0 / 3;

  private final RunLayout layout;
  private final Limits limits;
  private final Optional<JsonNode> summary;
  private final Optional<StageScores> stored;
  private final Map<String, String> skipped = new TreeMap<>();
  private final Map<RunLayout.Source, LabelScores> labels = new LinkedHashMap<>();

  /**
   * How large a report may become.
   *
   * @param images most images of the gallery
   * @param bytes most bytes that their layers take in the page
   */
  public record Limits(int images, long bytes) {
    /** What commands take if nothing else is said. */
    public static final Limits STANDARD = new Limits(Showcase.STANDARD, 8L << 20);

    /** Checks the ranges. */
    public Limits {
      if (images < 0 || bytes < 0) {
        throw new IllegalArgumentException(
            "a report of %d images in %d bytes".formatted(images, bytes));
      }
    }
  }

  private RunCollector(RunLayout layout, Limits limits) {
    this.layout = layout;
    this.limits = limits;
    this.summary = layout.summary().map(RunFacts::summary);
    this.stored = layout.scores().map(StageScores::read);
  }

  /**
   * Collects everything.
   *
   * @param made the time to print
   * @throws WispException if a file of the run that must be readable is not
   */
  public static ReportData collect(RunLayout layout, Limits limits, String made) {
    return new RunCollector(layout, limits).all(made);
  }

  /** The metrics of each training alone: what changes while a run trains. */
  public static List<Training> trainings(RunLayout layout) {
    List<Training> trainings = new ArrayList<>();
    for (Path folder : layout.trainings()) {
      Path file = folder.resolve(RunDirectory.METRICS);
      if (Files.isRegularFile(file)) {
        trainings.add(new Training(name(folder), MetricSeries.read(file)));
      }
    }
    return trainings;
  }

  /** The few numbers at the head of a report. */
  static List<ReportData.Highlight> highlights(
      RunLayout layout, List<Score> scores, List<Training> trainings) {
    return new Highlights(scores, trainings, layout.summary().map(RunFacts::summary)).list();
  }

  private ReportData all(String made) {
    List<Training> trainings = trainings(layout);
    trainings.forEach(training -> skipped.putAll(training.metrics().skipped()));
    layout.data().ifPresent(this::scoreLabels);
    Gallery gallery = layout.data().map(this::gallery).orElse(Gallery.EMPTY);
    List<Score> scores = new ArrayList<>(summary.map(this::stageScores).orElse(List.of()));
    labels.values().forEach(one -> scores.add(one.score()));
    if (labels.isEmpty()) {
      stored.ifPresent(all -> all.scores().forEach(one -> scores.add(stored(one))));
    } else {
      prediction().map(this::stored).ifPresent(scores::add);
    }
    return new ReportData(
        name(layout.root()),
        made,
        highlights(layout, scores, trainings),
        layout
            .data()
            .map(RunCollector::classNames)
            .or(
                () ->
                    stored
                        .flatMap(all -> all.scores().stream().findFirst())
                        .map(StageScores.Score::classes))
            .orElse(List.of()),
        scores,
        trainings,
        gallery,
        tables(),
        facts(trainings),
        skipped);
  }

  /** The score of a pipeline's segmentation network. */
  private Optional<StageScores.Score> prediction() {
    return stored.stream()
        .flatMap(all -> all.scores().stream())
        .filter(score -> score.stage().equals(StageScores.SEGMENTATION))
        .findFirst();
  }

  private static String name(Path folder) {
    Path name = folder.toAbsolutePath().normalize().getFileName();
    return name == null ? folder.toString() : name.toString();
  }

  private static List<String> classNames(Dataset data) {
    List<String> names = new ArrayList<>();
    for (int id = 0; id <= data.classCount(); id++) {
      names.add(data.className(id));
    }
    return names;
  }

  /** A dataset inside the run is named by its place there. */
  private String shownName(Dataset data) {
    return shownName(data.title());
  }

  private String shownName(String title) {
    String root = layout.root() + "/";
    return title.startsWith(root) ? title.substring(root.length()) : title;
  }

  private void scoreLabels(Dataset data) {
    long seed = summary.map(json -> json.path("seed").asLong(0)).orElse(0L);
    for (RunLayout.Source source : layout.layers()) {
      // A pipeline predicts a few of these images to be looked at, and scores another list.
      boolean scoredElsewhere = source.kind() == Kind.PREDICTIONS && stored.isPresent();
      if (source.kind() != Kind.MAPS && !scoredElsewhere) {
        LabelScores.of(data, shownName(data), source, seed)
            .ifPresent(
                scores -> {
                  labels.put(source, scores);
                  skipped.putAll(scores.skipped());
                });
      }
    }
  }

  private Gallery gallery(Dataset data) {
    Map<String, Double> scores =
        labels.values().stream().findFirst().map(LabelScores::images).orElse(Map.of());
    Showcase<Sample> showcase = new Showcase<>(limits.images());
    for (Sample sample : data.samples()) {
      showcase.add(sample.id(), scores.getOrDefault(sample.id(), Double.NaN), sample);
    }
    Layers layers = new Layers(data, layout.layers(), skipped);
    List<Picture> pictures = new ArrayList<>();
    double bytes = 0;
    int leftOut = 0;
    for (Showcase.Shown<Sample> shown : showcase.shown()) {
      try {
        Picture picture = layers.draw(shown);
        bytes += BASE64 * picture.bytes();
        if (bytes > limits.bytes()) {
          leftOut = showcase.shown().size() - pictures.size();
          break;
        }
        pictures.add(picture);
      } catch (WispException damaged) {
        skipped.put(shown.id(), String.valueOf(damaged.getMessage()));
      }
    }
    return new Gallery(pictures, data.samples().size(), leftOut);
  }

  /** A score that a pipeline stored: for a reader who has not the dataset at hand. */
  private Score stored(StageScores.Score score) {
    return new Score(
        RunLayout.title(score.stage()),
        shownName(score.dataset()),
        score.images(),
        new Bootstrap.Interval(score.meanIou(), orNaN(score.low()), orNaN(score.high())),
        Optional.empty(),
        score.iou().stream().map(RunCollector::orNaN).toList(),
        Optional.of(Confusion.of(score.confusion())));
  }

  private static double orNaN(@Nullable Double value) {
    return value == null ? Double.NaN : value;
  }

  /** The scores of the maps after each stage, which a demo's summary holds. */
  private List<Score> stageScores(JsonNode json) {
    List<Score> scores = new ArrayList<>();
    JsonNode all = json.path("scores");
    String data = layout.data().map(this::shownName).orElse("the demo's images");
    for (Map.Entry<String, JsonNode> stage : all.path("stages").properties()) {
      JsonNode score = stage.getValue();
      List<Double> iou = new ArrayList<>();
      score.path("iou").forEach(value -> iou.add(value.isNumber() ? value.asDouble() : Double.NaN));
      scores.add(
          new Score(
              stage.getKey(),
              data,
              all.path("images").asInt(0),
              interval(score.path("miou")),
              Optional.of(
                  new UpperBound(
                      score.path("bestFactor").asDouble(Double.NaN),
                      interval(score.path("bestMiou")).value())),
              iou,
              Optional.empty()));
    }
    return scores;
  }

  static Bootstrap.Interval interval(JsonNode json) {
    return new Bootstrap.Interval(
        json.path("value").asDouble(Double.NaN),
        json.path("low").asDouble(Double.NaN),
        json.path("high").asDouble(Double.NaN));
  }

  private List<ResultTable> tables() {
    List<ResultTable> tables = new ArrayList<>();
    tables.add(
        PaperTables.segmentation(
            prediction()
                .map(this::stored)
                .or(() -> first(Kind.PREDICTIONS).map(source -> labelScores(source).score()))
                .map(
                    score ->
                        new PaperTables.Prediction(
                            score.data(), score.images(), score.name(), score.miou().value()))));
    if (layout.ablation().isPresent()) {
      tables.addAll(PaperTables.ablation(AblationFiles.read(layout.ablation().get())));
    } else {
      tables.addAll(PaperTables.seeds(recipe(), measuredLabels()));
    }
    return tables;
  }

  private Optional<PaperTables.Labels> measuredLabels() {
    Optional<Recipe.Method> method = layout.labelling().flatMap(RunFacts::method);
    Optional<RunLayout.Source> plain = first(Kind.LABELS);
    if (method.isEmpty() || plain.isEmpty()) {
      return Optional.empty();
    }
    Score score = labelScores(plain.get()).score();
    OptionalDouble refined =
        labels.entrySet().stream()
            .filter(entry -> entry.getKey().kind() == Kind.LABELS)
            .filter(entry -> entry.getKey().name().equals(RunLayout.CRF))
            .mapToDouble(entry -> entry.getValue().score().miou().value())
            .findFirst();
    return Optional.of(
        new PaperTables.Labels(
            score.data(), score.images(), method.get(), score.miou().value(), refined));
  }

  private Optional<RunLayout.Source> first(Kind kind) {
    return labels.keySet().stream().filter(source -> source.kind() == kind).findFirst();
  }

  private LabelScores labelScores(RunLayout.Source source) {
    LabelScores scores = labels.get(source);
    if (scores == null) {
      throw new AssertionError(source);
    }
    return scores;
  }

  private Recipe recipe() {
    return layout.trainings().stream()
        .filter(RunDirectory::holdsRun)
        .reduce((earlier, later) -> later)
        .map(RunDirectory::recipe)
        .orElseGet(() -> Recipes.load("paper", List.of()));
  }

  private List<FactGroup> facts(List<Training> trainings) {
    List<FactGroup> facts = new ArrayList<>();
    facts.add(RunFacts.run(layout, summary));
    summary.ifPresent(json -> facts.add(RunFacts.resources(json)));
    if (!layout.manifests().isEmpty()) {
      facts.add(RunFacts.stages(layout));
    }
    trainings.forEach(training -> facts.add(RunFacts.training(training)));
    layout.trainings().stream()
        .reduce((earlier, later) -> later)
        .flatMap(RunFacts::recipe)
        .ifPresent(facts::add);
    layout.labelling().map(RunFacts::settings).ifPresent(facts::add);
    return facts;
  }
}
