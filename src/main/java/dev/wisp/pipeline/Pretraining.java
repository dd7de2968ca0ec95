package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.backend.Precision;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.data.loader.SampleSource;
import dev.wisp.data.transform.Augmentation;
import dev.wisp.data.transform.Scaling;
import dev.wisp.method.ClassifierNet;
import dev.wisp.nn.Sgd;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Trains the encoder as a multi-label classifier, for data without ImageNet weights. */
public final class Pretraining {
  private static final String STAGE = "pretrain";

  private Pretraining() {}

  /**
   * What to do.
   *
   * @param run the run's folder
   * @param existing what becomes of an earlier run there
   * @param acceptOlder whether a damaged newest checkpoint may be passed over
   * @param data labelled images
   * @param validation labelled images to measure on after each epoch, or null
   */
  public record Request(
      Path run,
      Recipe recipe,
      RunDirectory.Existing existing,
      boolean acceptOlder,
      Dataset data,
      @Nullable Dataset validation) {}

  /**
   * Trains to the end, or continues to the end.
   *
   * @throws dev.wisp.common.WispException for a run that cannot be taken or continued
   */
  public static TrainingResult run(Backend backend, Request request, Progress progress) {
    Recipe recipe = request.recipe();
    Recipe.Pretraining values = recipe.pretraining();
    SampleSource source = SampleSource.of(request.data());
    TrainingLoop.requireBatch(source, values.batch(), request.data().name());
    long steps = (long) source.size() / values.batch() * values.epochs();
    Sgd.Options options =
        new Sgd.Options(
            values.rate(),
            values.rate(),
            values.momentum(),
            values.weightDecay(),
            values.clip(),
            steps,
            values.power());
    TrainingLoop.Settings settings =
        new TrainingLoop.Settings(
            STAGE,
            steps,
            values.batch(),
            values.checkpointEvery(),
            new Augmentation(
                values.crop(),
                new Scaling.LongSide(values.longSideLow(), values.longSideHigh()),
                values.mirror()),
            Fingerprint.of(request.data()),
            Models.text(STAGE, request.data(), recipe),
            false,
            request.acceptOlder());
    try (Precisions _ = new Precisions(List.of(backend), Precision.FLOAT32);
        RunDirectory run = RunDirectory.open(request.run(), recipe, request.existing());
        ClassifierNet network =
            new ClassifierNet(backend, Models.backbone(recipe), request.data().classCount())) {
      network.initialize(recipe.seed());
      try (NetworkLearner learner =
          new NetworkLearner(network, options, () -> validate(network, request.validation()))) {
        return new TrainingLoop(run, settings, learner, progress).run(source);
      }
    }
  }

  /** Share of labels that the sign of the score gets right, over images at their own size. */
  private static Map<String, Double> validate(ClassifierNet network, @Nullable Dataset validation) {
    if (validation == null) {
      return Map.of();
    }
    long right = 0;
    long all = 0;
    for (Sample sample : validation.samples()) {
      float[] score = network.scores(Scales.of(validation.image(sample), List.of(1.0)).getFirst());
      Set<Integer> present = new HashSet<>();
      for (int id : sample.classes()) {
        present.add(id);
      }
      for (int k = 0; k < score.length; k++) {
        right += score[k] > 0 == present.contains(k + 1) ? 1 : 0;
        all++;
      }
    }
    return Map.of("val/accuracy", (double) right / Math.max(1, all));
  }
}
