package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.data.loader.SampleSource;
import dev.wisp.data.transform.Augmentation;
import dev.wisp.data.transform.Scaling;
import dev.wisp.io.FileErrors;
import dev.wisp.io.Mask;
import dev.wisp.method.DeepLabNet;
import dev.wisp.method.ScaledImage;
import dev.wisp.nn.Sgd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Trains DeepLabV3 on the label files of images (method.md section 11). */
public final class SegmentationTraining {
  private static final Logger LOG = LoggerFactory.getLogger(SegmentationTraining.class);
  private static final String STAGE = "segment";

  private SegmentationTraining() {}

  /**
   * What to do.
   *
   * @param run the run's folder
   * @param recipe its section {@code segmentation} counts
   * @param existing what becomes of an earlier run there
   * @param acceptOlder whether a damaged newest checkpoint may be passed over
   * @param weights the encoder's (torchvision's, {@code pretrain}'s, AE-SIPE's) or a whole
   *     DeepLabV3
   * @param data the images
   * @param labels folder of {@code ID.png}: class ids, 255 where there is no label
   * @param validation images with masks to measure on after each epoch, or null
   */
  public record Request(
      Path run,
      Recipe recipe,
      RunDirectory.Existing existing,
      boolean acceptOlder,
      Path weights,
      Dataset data,
      Path labels,
      @Nullable Dataset validation) {}

  /**
   * Trains to the end, or continues to the end.
   *
   * @param devices that share each batch equally; one or more. Each takes the mean over its own
   *     pixels and, with live norms, its own statistics
   * @throws WispException for weights that do not fit, a run that cannot be taken or continued, or
   *     a batch that the devices cannot share
   */
  public static TrainingResult run(List<Backend> devices, Request request, Progress progress) {
    Recipe recipe = request.recipe();
    SegmentationRecipe values = recipe.segmentation();
    LabelFiles.requireFolder(request.labels());
    int classes = request.data().classCount();
    SampleSource.Masks files = LabelFiles.masks(request.labels());
    SampleSource source =
        SampleSource.of(
            request.data(),
            (sample, image) -> {
              Path file = LabelFiles.of(request.labels(), sample);
              return known(file, files.read(sample, image), classes);
            });
    TrainingLoop.requireBatch(source, values.batch(), request.data().name());
    ParallelLearner.requireShares("segmentation.batch", values.batch(), devices.size());
    if (values.liveNorms() && values.batch() / devices.size() < 2) {
      throw new WispException(
          "norms: live needs two images or more on each device;"
              + " change segmentation.batch or segmentation.norms with --set");
    }
    Sgd.Options options =
        new Sgd.Options(
            values.rate(),
            values.newRate(),
            values.momentum(),
            values.weightDecay(),
            values.clip(),
            values.steps(),
            values.power());
    TrainingLoop.Settings settings =
        new TrainingLoop.Settings(
            STAGE,
            values.steps(),
            values.batch(),
            values.checkpointEvery(),
            new Augmentation(
                values.crop(),
                new Scaling.Factor(values.scaleLow(), values.scaleHigh()),
                values.mirror()),
            fingerprint(request),
            Models.text(STAGE, request.data(), recipe),
            false,
            request.acceptOlder());
    try (Replicas<DeepLabNet> replicas =
            new Replicas<>(devices, device -> network(device, request));
        RunDirectory run = RunDirectory.open(request.run(), recipe, request.existing())) {
      Learner learner =
          replicas.learner(
              options, values.batch(), () -> validate(replicas.first(), request.validation()));
      return new TrainingLoop(run, settings, learner, progress).run(source);
    }
  }

  private static @Nullable Mask known(Path file, @Nullable Mask label, int classes) {
    if (label != null) {
      for (byte id : label.index()) {
        int value = id & 0xFF;
        if (value > classes && value != Mask.VOID) {
          throw FileErrors.of(
              file, "holds class %d, but the dataset has classes 0..%d".formatted(value, classes));
        }
      }
    }
    return label;
  }

  /** Of the images' names and the label files' contents. */
  private static String fingerprint(Request request) {
    StringBuilder text = new StringBuilder(Fingerprint.of(request.data()));
    for (Sample sample : request.data().samples()) {
      Path file = LabelFiles.of(request.labels(), sample);
      text.append('\n').append(Files.isRegularFile(file) ? Fingerprint.of(file) : "none");
    }
    return Fingerprint.of(text.toString());
  }

  private static DeepLabNet network(Backend device, Request request) {
    Recipe recipe = request.recipe();
    DeepLabNet network =
        new DeepLabNet(device, Models.segmentation(recipe, request.data().classCount()));
    try {
      network.initialize(recipe.seed());
      Weights.begin(network, request.weights());
      return network;
    } catch (RuntimeException unusable) {
      network.close();
      throw unusable;
    }
  }

  private static Map<String, Double> validate(DeepLabNet network, @Nullable Dataset validation) {
    if (validation == null) {
      return Map.of();
    }
    Confusion confusion = new Confusion(validation.classCount() + 1);
    for (Sample sample : validation.samples()) {
      try {
        Mask truth = Evaluation.truth(validation, sample);
        List<ScaledImage> image = Scales.of(validation.image(sample), List.of(1.0));
        int[] labels = network.segment(image, false, truth.height(), truth.width());
        confusion.add(truth.index(), FactorSweep.bytes(labels));
      } catch (WispException unusable) {
        LOG.warn("validation: skipped: {}", unusable.getMessage());
      }
    }
    return Map.of(Learner.SELECTION, confusion.meanIou(Confusion.Convention.VOC));
  }
}
