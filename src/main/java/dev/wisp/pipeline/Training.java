package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.data.loader.SampleSource;
import dev.wisp.data.transform.Augmentation;
import dev.wisp.data.transform.Scaling;
import dev.wisp.io.Mask;
import dev.wisp.method.AeSipeNet;
import dev.wisp.nn.Sgd;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Trains AE-SIPE from an encoder that knows images. */
public final class Training {
  private static final Logger LOG = LoggerFactory.getLogger(Training.class);
  private static final String STAGE = "train";

  private Training() {}

  /**
   * What to do.
   *
   * @param run the run's folder
   * @param existing what becomes of an earlier run there
   * @param acceptOlder whether a damaged newest checkpoint may be passed over
   * @param weights the encoder's: torchvision's, {@code pretrain}'s or a whole network's
   * @param data labelled images
   * @param validation images with masks to measure on after each epoch, or null
   * @param selectWithMasks whether the epoch that scores best on the masks is kept as {@code
   *     best.safetensors}; this leaks supervision
   */
  public record Request(
      Path run,
      Recipe recipe,
      RunDirectory.Existing existing,
      boolean acceptOlder,
      Path weights,
      Dataset data,
      @Nullable Dataset validation,
      boolean selectWithMasks) {}

  /**
   * Trains to the end, or continues to the end.
   *
   * @param devices that share each batch equally; one or more. Another number of them changes the
   *     order of sums, no more
   * @throws WispException for weights that do not fit, a run that cannot be taken or continued, or
   *     a batch that the devices cannot share
   */
  public static TrainingResult run(List<Backend> devices, Request request, Progress progress) {
    Recipe recipe = request.recipe();
    Recipe.Training values = recipe.training();
    SampleSource source = SampleSource.of(request.data());
    TrainingLoop.requireBatch(source, values.batch(), request.data().name());
    if (request.selectWithMasks() && request.validation() == null) {
      throw new WispException("--select-with-masks needs --val-list, images with masks");
    }
    long steps = (long) source.size() / values.batch() * values.epochs();
    Sgd.Options options =
        new Sgd.Options(
                values.pretrainedRate(),
                values.newRate(),
                values.momentum(),
                values.weightDecay(),
                values.clip(),
                steps,
                values.power())
            .withLossScaling(values.lossScaling());
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
            request.selectWithMasks(),
            request.acceptOlder());
    ParallelLearner.requireShares("training.batch", values.batch(), devices.size());
    try (Precisions _ = new Precisions(devices, values.convolutions());
        Replicas<AeSipeNet> replicas = new Replicas<>(devices, device -> network(device, request));
        RunDirectory run = RunDirectory.open(request.run(), recipe, request.existing())) {
      Learner learner =
          replicas.learner(
              options, values.batch(), () -> validate(replicas.first(), request.validation()));
      return new TrainingLoop(run, settings, learner, progress).run(source);
    }
  }

  private static AeSipeNet network(Backend device, Request request) {
    Recipe recipe = request.recipe();
    AeSipeNet network = new AeSipeNet(device, Models.method(recipe, request.data().classCount()));
    try {
      network.initialize(recipe.seed());
      Weights.loadEncoder(network, request.weights());
      return network;
    } catch (RuntimeException unusable) {
      network.close();
      throw unusable;
    }
  }

  private static Map<String, Double> validate(AeSipeNet network, @Nullable Dataset validation) {
    if (validation == null) {
      return Map.of();
    }
    Confusion confusion = new Confusion(validation.classCount() + 1);
    for (Sample sample : validation.samples()) {
      try {
        Mask truth = Evaluation.truth(validation, sample);
        int[] labels =
            network.validate(
                Scales.of(validation.image(sample), List.of(1.0)).getFirst(), sample.classes());
        confusion.add(truth.index(), FactorSweep.bytes(labels));
      } catch (WispException unusable) {
        LOG.warn("validation: skipped: {}", unusable.getMessage());
      }
    }
    return Map.of(Learner.SELECTION, confusion.meanIou(Confusion.Convention.VOC));
  }
}
