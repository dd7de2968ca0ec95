package dev.wisp.pipeline;

import dev.wisp.backend.Backend;
import dev.wisp.common.WispException;
import dev.wisp.data.Dataset;
import dev.wisp.data.Sample;
import dev.wisp.data.loader.SampleSource;
import dev.wisp.data.transform.Augmentation;
import dev.wisp.data.transform.Normalizer;
import dev.wisp.data.transform.Scaling;
import dev.wisp.io.Image;
import dev.wisp.method.IrnNet;
import dev.wisp.method.TrainingBatch;
import dev.wisp.nn.Parameter.Group;
import dev.wisp.nn.Sgd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Trains IRN on the labels that {@link IrLabels} makes (method.md section 10). */
public final class IrnTraining {
  private static final Logger LOG = LoggerFactory.getLogger(IrnTraining.class);
  private static final String STAGE = "irn";

  private IrnTraining() {}

  /**
   * What to do.
   *
   * @param run the run's folder
   * @param recipe its section {@code irn} counts
   * @param existing what becomes of an earlier run there
   * @param acceptOlder whether a damaged newest checkpoint may be passed over
   * @param weights the encoder's, which stays as it is: torchvision's or {@code pretrain}'s
   * @param data the images
   * @param labels folder of {@code ID.png}: class ids, 255 where there is no label
   */
  public record Request(
      Path run,
      Recipe recipe,
      RunDirectory.Existing existing,
      boolean acceptOlder,
      Path weights,
      Dataset data,
      Path labels) {}

  /**
   * Trains to the end, or continues to the end; then measures the mean displacement over the images
   * and stores it with the final weights.
   *
   * @param devices that share each batch equally; one or more. Another number of them changes the
   *     order of sums, no more
   * @throws WispException for weights that do not fit, a run that cannot be taken or continued, or
   *     a batch that the devices cannot share
   */
  public static TrainingResult run(List<Backend> devices, Request request, Progress progress) {
    Recipe recipe = request.recipe();
    IrnRecipe values = recipe.irn();
    LabelFiles.requireFolder(request.labels());
    SampleSource source = SampleSource.of(request.data(), LabelFiles.masks(request.labels()));
    TrainingLoop.requireBatch(source, values.batch(), request.data().name());
    ParallelLearner.requireShares("irn.batch", values.batch(), devices.size());
    long steps = (long) source.size() / values.batch() * values.epochs();
    Sgd.Options options =
        new Sgd.Options(
            Map.of(
                Group.BOUNDARY, values.boundaryRate(),
                Group.DISPLACEMENT, values.displacementRate()),
            values.momentum(),
            values.weightDecay(),
            Double.POSITIVE_INFINITY,
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
                new Scaling.Factor(values.scaleLow(), values.scaleHigh()),
                values.mirror()),
            LabelFiles.fingerprint(request.data(), request.labels()),
            Models.text(STAGE, request.data(), recipe),
            false,
            request.acceptOlder());
    try (Replicas<IrnNet> replicas = new Replicas<>(devices, device -> network(device, request));
        RunDirectory run = RunDirectory.open(request.run(), recipe, request.existing())) {
      Learner learner = replicas.learner(options, values.batch(), Map::of);
      return new TrainingLoop(run, settings, learner, progress)
          .run(source, () -> measure(replicas.first(), request, progress));
    }
  }

  private static IrnNet network(Backend device, Request request) {
    Recipe recipe = request.recipe();
    IrnNet network = new IrnNet(device, Models.irn(recipe, request.data().classCount()));
    try {
      network.initialize(recipe.seed());
      Weights.loadEncoder(network, request.weights());
      return network;
    } catch (RuntimeException unusable) {
      network.close();
      throw unusable;
    }
  }

  /** Sets the network's displacement mean to the mean over all images' top left crops. */
  private static void measure(IrnNet network, Request request, Progress progress) {
    List<Sample> samples = request.data().samples();
    int batch = request.recipe().irn().batch();
    double y = 0;
    double x = 0;
    int images = 0;
    progress.begin("irn mean", 0, samples.size());
    try {
      for (int from = 0; from < samples.size(); from += batch) {
        List<Image> usable =
            images(request.data(), samples.subList(from, Math.min(from + batch, samples.size())));
        if (!usable.isEmpty()) {
          double[] mean = network.displacementMean(corners(usable, request.recipe().irn().crop()));
          y += mean[0] * usable.size();
          x += mean[1] * usable.size();
          images += usable.size();
        }
        progress.advance(Math.min(from + batch, samples.size()), "");
      }
    } finally {
      progress.end();
    }
    network.setDisplacementMean(y / Math.max(1, images), x / Math.max(1, images));
  }

  /** Those that can be decoded; training has named the others. */
  private static List<Image> images(Dataset data, List<Sample> samples) {
    List<Image> images = new ArrayList<>();
    for (Sample sample : samples) {
      try {
        images.add(data.image(sample));
      } catch (WispException damaged) {
        LOG.debug("not in the displacement mean: {}", damaged.getMessage());
      }
    }
    return images;
  }

  /** The top left of each image in a square of zeros. */
  private static TrainingBatch corners(List<Image> images, int crop) {
    float[] pixels = new float[images.size() * crop * crop * 3];
    for (int n = 0; n < images.size(); n++) {
      Image image = images.get(n);
      int width = Math.min(crop, image.width());
      for (int y = 0; y < Math.min(crop, image.height()); y++) {
        int to = (n * crop + y) * crop * 3;
        Normalizer.normalize(image.rgb(), 3 * y * image.width(), width, pixels, to);
      }
    }
    return new TrainingBatch(pixels, images.size(), crop, crop, new int[images.size()][0], null);
  }
}
