package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.synth.SynthDataset;
import dev.wisp.data.synth.SynthOptions;
import dev.wisp.pipeline.RunDirectory.Existing;
import dev.wisp.pipeline.stages.Stage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/** The stages of a recipe, from a dataset and encoder weights to a scored segmentation network. */
final class PipelineStages {
  static final String DATA = "data";
  static final String PRETRAIN = "pretrain";
  static final String TRAIN = "train";
  static final String LABEL = "label";
  static final String CRF = "crf";
  static final String IRN = "irn";
  static final String EVALUATE = "evaluate";

  private static final String FINAL = "checkpoints/final.safetensors";
  private static final String LABELS = "labels";
  private static final String MAPS = "maps";
  private static final String SCORES = "scores.json";

  private final Pipeline.Request request;
  private final List<Backend> devices;
  private final Progress progress;
  private final PipelineData data;
  private final List<Stage> stages = new ArrayList<>();

  private PipelineStages(Pipeline.Request request, List<Backend> devices, Progress progress) {
    this.request = request;
    this.devices = devices;
    this.progress = progress;
    this.data = new PipelineData(request.data().orElse(folder(DATA)));
  }

  /**
   * All stages that the request's recipe asks for, in order.
   *
   * @throws WispException if the recipe needs data or weights that the request does not give
   */
  static List<Stage> of(Pipeline.Request request, List<Backend> devices, Progress progress) {
    PipelineStages all = new PipelineStages(request, devices, progress);
    all.add();
    return List.copyOf(all.stages);
  }

  private void add() {
    if (request.data().isEmpty()) {
      data();
    }
    if (recipe().pipeline().pretrain()) {
      pretrain();
    } else if (request.weights().isEmpty()) {
      throw new WispException(
          "the recipe trains no encoder (pipeline.pretrain is false); give its --weights");
    }
    train();
    label();
    crf();
    evaluate();
  }

  private Recipe recipe() {
    return request.recipe();
  }

  private PipelineRecipe values() {
    return recipe().pipeline();
  }

  private Path folder(String stage) {
    return request.run().resolve(stage);
  }

  private Backend device() {
    return devices.getFirst();
  }

  private void data() {
    PipelineRecipe.Synthetic synthetic = values().synthetic();
    if (synthetic.train() == 0) {
      throw new WispException("the recipe draws no images (pipeline.synthetic); give --data");
    }
    SynthOptions demo = SynthOptions.demo();
    SynthOptions options =
        new SynthOptions(
            demo.size(), synthetic.train(), synthetic.scored(), demo.classes(), recipe().seed());
    stages.add(
        new Stage(
            DATA,
            options.toString(),
            Map.of(),
            Map.of(),
            List.of("JPEGImages", "SegmentationClass", "ImageSets", "labels.csv", "classes.txt"),
            resume -> {
              if (!Files.exists(folder(DATA).resolve("classes.txt"))) {
                SynthDataset.write(options, folder(DATA));
              }
              return Map.of();
            }));
  }

  private void pretrain() {
    stages.add(
        stage(
            PRETRAIN,
            List.of("seed", "network", "pretraining"),
            Map.of(),
            Map.of(),
            values().trainList(),
            List.of(FINAL),
            resume -> {
              Path run = folder(PRETRAIN);
              return Pretraining.run(
                      device(),
                      new Pretraining.Request(
                          run,
                          stored(run, resume),
                          existing(resume),
                          false,
                          data.list(values().trainList()),
                          null),
                      progress)
                  .skipped();
            }));
  }

  private void train() {
    Map<String, Supplier<String>> given = new LinkedHashMap<>();
    request
        .weights()
        .filter(file -> !values().pretrain())
        .ifPresent(file -> given.put("weights", () -> Fingerprint.of(file)));
    Map<String, String> needs =
        values().pretrain() ? Map.of(PRETRAIN, "the encoder's weights") : Map.of();
    stages.add(
        stage(
            TRAIN,
            List.of("seed", "network", "method", "training"),
            needs,
            given,
            values().trainList(),
            List.of(FINAL),
            resume -> {
              Path run = folder(TRAIN);
              return Training.run(
                      devices,
                      new Training.Request(
                          run,
                          stored(run, resume),
                          existing(resume),
                          false,
                          encoder(),
                          data.list(values().trainList()),
                          null,
                          false),
                      progress)
                  .skipped();
            }));
  }

  /** The encoder's weights that training begins with. */
  private Path encoder() {
    return values().pretrain() ? folder(PRETRAIN).resolve(FINAL) : request.weights().orElseThrow();
  }

  private void label() {
    stages.add(
        stage(
            LABEL,
            List.of("network", "method", "labelling"),
            Map.of(TRAIN, "the network's weights"),
            Map.of(),
            values().trainList(),
            List.of(MAPS, LABELS),
            resume ->
                Labelling.run(
                        device(),
                        new Labelling.Request(
                            folder(TRAIN).resolve(FINAL),
                            folder(LABEL),
                            recipe(),
                            data.list(values().trainList()),
                            true),
                        progress)
                    .skipped()));
  }

  private void crf() {
    stages.add(
        stage(
            CRF,
            List.of("crf"),
            Map.of(LABEL, "the labels"),
            Map.of(),
            values().trainList(),
            List.of(LABELS),
            resume -> {
              Dataset list = data.list(values().trainList());
              return CrfLabels.run(
                      device(),
                      new CrfLabels.Request(
                          list,
                          folder(LABEL).resolve(LABELS),
                          folder(CRF).resolve(LABELS),
                          recipe().crf().certainty(),
                          recipe().crf().options()),
                      progress)
                  .skipped();
            }));
  }

  /** Scores the labels of every stage that wrote some. */
  private void evaluate() {
    Map<String, String> needs = new LinkedHashMap<>();
    stages.stream()
        .filter(stage -> stage.outputs().contains(LABELS))
        .forEach(stage -> needs.put(stage.name(), "the labels"));
    String list = values().scoreList();
    stages.add(
        stage(
            EVALUATE,
            List.of(),
            needs,
            Map.of(),
            list,
            List.of(SCORES),
            resume -> {
              Map<String, String> skipped = new TreeMap<>();
              List<StageScores.Score> scores = new ArrayList<>();
              for (Stage stage : stages) {
                if (needs.containsKey(stage.name())) {
                  score(stage.name(), list, skipped).ifPresent(scores::add);
                }
              }
              new StageScores(scores).write(folder(EVALUATE).resolve(SCORES));
              return skipped;
            }));
  }

  private Optional<StageScores.Score> score(
      String stage, String list, Map<String, String> skipped) {
    Dataset scored = data.list(list);
    if (scored.samples().stream().noneMatch(sample -> sample.mask().isPresent())) {
      return Optional.empty();
    }
    Evaluation.Report report = Evaluation.labels(scored, folder(stage).resolve(LABELS), progress);
    skipped.putAll(report.skipped());
    return Optional.of(StageScores.score(stage, list, scored, report));
  }

  /** A stage that works on a list of the dataset. */
  private Stage stage(
      String name,
      List<String> sections,
      Map<String, String> needs,
      Map<String, Supplier<String>> given,
      String list,
      List<String> outputs,
      Stage.Body body) {
    Map<String, String> allNeeds = new LinkedHashMap<>(needs);
    Map<String, Supplier<String>> allGiven = new LinkedHashMap<>(given);
    if (request.data().isEmpty()) {
      allNeeds.put(DATA, "the images");
    } else {
      allGiven.put("list " + list, () -> data.digest(list));
    }
    return new Stage(name, Recipes.sections(recipe(), sections), allNeeds, allGiven, outputs, body);
  }

  /**
   * The recipe for a run folder: when an attempt goes on, the one it was begun with, which is equal
   * in all that matters to its stage and may differ in sections that do not.
   */
  private Recipe stored(Path run, boolean resume) {
    return resume && RunDirectory.holdsRun(run) ? RunDirectory.recipe(run) : recipe();
  }

  private static Existing existing(boolean resume) {
    return resume ? Existing.RESUME : Existing.REPLACE;
  }
}
