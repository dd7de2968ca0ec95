package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.synth.SynthDataset;
import dev.wisp.data.synth.SynthOptions;
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
final class PipelineStages extends PipelineContext {
  static final String DATA = "data";
  static final String PRETRAIN = "pretrain";
  static final String TRAIN = "train";
  static final String LABEL = "label";
  static final String CRF = "crf";
  static final String IRN = "irn";
  static final String IRN_LABELS = "irn-labels";
  static final String IRN_TRAIN = "irn-train";
  static final String SEGMENTATION_TRAIN = "deeplab-train";
  static final String SEGMENTATION = "deeplab";
  static final String EVALUATE = "evaluate";
  static final String SHOWCASE = "showcase";

  /** Stages that label the training list, as far as a recipe has them. */
  private static final List<String> LABELLING = List.of(LABEL, CRF, IRN);

  private static final String LABELS = Labelling.LABELS;
  private static final String MAPS = Labelling.MAPS;
  private static final String SCORES = "scores.json";

  private final List<Stage> stages = new ArrayList<>();

  private PipelineStages(Pipeline.Request request, List<Backend> devices, Progress progress) {
    super(request, devices, progress);
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
    if (values().pretrain()) {
      pretrain();
    }
    train();
    label();
    crf();
    if (values().labels().equals(IRN)) {
      irnLabels();
      irnTrain();
      irn();
    }
    segmentationTrain();
    segment();
    evaluate();
    showcase();
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
    Encoder encoder = encoder(recipe().network().backbone(), request.weights(), "--weights");
    stages.add(
        stage(
            TRAIN,
            List.of("seed", "network", "method", "training"),
            encoder.needs(),
            encoder.given(),
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
                          encoder.weights(),
                          data.list(values().trainList()),
                          null,
                          false),
                      progress)
                  .skipped();
            }));
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
            resume ->
                CrfLabels.run(
                        device(),
                        new CrfLabels.Request(
                            data.list(values().trainList()),
                            folder(LABEL).resolve(LABELS),
                            folder(CRF).resolve(LABELS),
                            recipe().crf().certainty(),
                            recipe().crf().options()),
                        progress)
                    .skipped()));
  }

  private void irnLabels() {
    stages.add(
        stage(
            IRN_LABELS,
            List.of("crf", "irn"),
            Map.of(LABEL, "the maps"),
            Map.of(),
            values().trainList(),
            List.of(LABELS),
            resume ->
                IrLabels.run(
                        device(),
                        new IrLabels.Request(
                            data.list(values().trainList()),
                            folder(LABEL).resolve(MAPS),
                            folder(IRN_LABELS).resolve(LABELS),
                            recipe().irn().backgroundFactor(),
                            recipe().crf().certainty(),
                            recipe().crf().options()),
                        progress)
                    .skipped()));
  }

  private void irnTrain() {
    Encoder trunk = encoder(recipe().irn().backbone(), request.irnWeights(), "--irn-weights");
    Map<String, String> needs = new LinkedHashMap<>(trunk.needs());
    needs.put(IRN_LABELS, "the labels");
    stages.add(
        stage(
            IRN_TRAIN,
            List.of("seed", "irn"),
            needs,
            trunk.given(),
            values().trainList(),
            List.of(FINAL),
            resume -> {
              Path run = folder(IRN_TRAIN);
              return IrnTraining.run(
                      devices,
                      new IrnTraining.Request(
                          run,
                          stored(run, resume),
                          existing(resume),
                          false,
                          trunk.weights(),
                          data.list(values().trainList()),
                          folder(IRN_LABELS).resolve(LABELS)),
                      progress)
                  .skipped();
            }));
  }

  private void irn() {
    stages.add(
        stage(
            IRN,
            List.of("irn"),
            Map.of(LABEL, "the maps", IRN_TRAIN, "the network's weights"),
            Map.of(),
            values().trainList(),
            List.of(LABELS),
            resume ->
                IrnRefinement.run(
                        device(),
                        new IrnRefinement.Request(
                            recipe(),
                            folder(IRN_TRAIN).resolve(FINAL),
                            data.list(values().trainList()),
                            folder(LABEL).resolve(MAPS),
                            folder(IRN),
                            true),
                        progress)
                    .skipped()));
  }

  private void segmentationTrain() {
    Encoder encoder =
        encoder(
            recipe().segmentation().backbone(),
            request.segmentationWeights(),
            "--segmentation-weights");
    Map<String, String> needs = new LinkedHashMap<>(encoder.needs());
    needs.put(values().labels(), "the labels");
    stages.add(
        stage(
            SEGMENTATION_TRAIN,
            List.of("seed", "segmentation"),
            needs,
            encoder.given(),
            values().trainList(),
            List.of(FINAL),
            resume -> {
              Path run = folder(SEGMENTATION_TRAIN);
              return SegmentationTraining.run(
                      devices,
                      new SegmentationTraining.Request(
                          run,
                          stored(run, resume),
                          existing(resume),
                          false,
                          encoder.weights(),
                          data.list(values().trainList()),
                          folder(values().labels()).resolve(LABELS),
                          null),
                      progress)
                  .skipped();
            }));
  }

  private void segment() {
    stages.add(
        stage(
            SEGMENTATION,
            List.of("segmentation", "crf"),
            Map.of(SEGMENTATION_TRAIN, "the network's weights"),
            Map.of(),
            values().evalList(),
            List.of(LABELS),
            resume ->
                Segmentation.run(
                        device(),
                        new Segmentation.Request(
                            folder(SEGMENTATION_TRAIN).resolve(FINAL),
                            folder(SEGMENTATION),
                            recipe(),
                            data.list(values().evalList()),
                            List.of(),
                            null),
                        progress)
                    .skipped()));
  }

  /** Scores pseudo-labels on one list and the segmentation network's labels on another. */
  private void evaluate() {
    List<String> scored =
        stages.stream()
            .map(Stage::name)
            .filter(name -> LABELLING.contains(name) || name.equals(SEGMENTATION))
            .toList();
    Map<String, String> needs = new LinkedHashMap<>();
    scored.forEach(name -> needs.put(name, "the labels"));
    Map<String, Supplier<String>> given = new LinkedHashMap<>();
    for (String list : List.of(values().scoreList(), values().evalList())) {
      given.put("masks of " + list, () -> data.maskDigest(list));
    }
    stages.add(
        stage(
            EVALUATE,
            List.of(),
            needs,
            given,
            values().evalList(),
            List.of(SCORES),
            resume -> {
              Map<String, String> skipped = new TreeMap<>();
              List<StageScores.Score> scores = new ArrayList<>();
              for (String name : scored) {
                boolean last = name.equals(SEGMENTATION);
                score(name, last ? values().evalList() : values().scoreList(), skipped)
                    .ifPresent(scores::add);
              }
              new StageScores(scores).write(folder(EVALUATE).resolve(SCORES));
              return skipped;
            }));
  }

  private void showcase() {
    stages.add(
        stage(
            SHOWCASE,
            List.of("network", "method", "labelling", "segmentation", "crf"),
            Map.of(
                LABEL, "the labels",
                TRAIN, "the network's weights",
                SEGMENTATION_TRAIN, "the network's weights"),
            Map.of(),
            values().trainList(),
            List.of(Labelling.STAGES, LABELS),
            resume ->
                PipelineShowcase.run(
                    device(),
                    new PipelineShowcase.Request(
                        recipe(),
                        data.list(values().trainList()),
                        folder(LABEL).resolve(LABELS),
                        folder(TRAIN).resolve(FINAL),
                        folder(SEGMENTATION_TRAIN).resolve(FINAL),
                        folder(SHOWCASE)),
                    progress)));
  }

  private Optional<StageScores.Score> score(
      String stage, String list, Map<String, String> skipped) {
    Dataset scored = data.list(list);
    if (scored.samples().stream().noneMatch(sample -> sample.mask().isPresent())) {
      return Optional.empty();
    }
    Bootstrap.Images each = new Bootstrap.Images(scored.samples().size(), scored.classCount() + 1);
    Evaluation.Report report =
        Evaluation.labels(
            scored,
            folder(stage).resolve(LABELS),
            progress,
            (sample, confusion) -> each.add(confusion));
    skipped.putAll(report.skipped());
    return Optional.of(
        StageScores.score(
            stage, list, scored, report, each.interval(report.confusion(), recipe().seed())));
  }
}
