package dev.wisp.pipeline;

import dev.wisp.backend.Precision;
import dev.wisp.common.WispException;
import dev.wisp.method.MapSequence;
import dev.wisp.nn.Sgd.LossScaling;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Every number of a run. Made by {@link Recipes} from a named recipe, a file and overrides, and
 * stored whole in the run directory.
 *
 * @param name which named recipe it began as
 * @param seed decides everything random
 */
public record Recipe(
    String name,
    long seed,
    Network network,
    Method method,
    Training training,
    Pretraining pretraining,
    Labelling labelling,
    SegmentationRecipe segmentation,
    CrfRecipe crf,
    IrnRecipe irn,
    PipelineRecipe pipeline) {

  /**
   * The encoder.
   *
   * @param backbone {@code resnet50}, {@code resnet101} or {@code demo}
   */
  public record Network(String backbone) {
    public Network {
      oneOf("network.backbone", backbone, List.of("resnet50", "resnet101", "demo"));
    }
  }

  /**
   * The method's switches (method.md sections 3, 5, 6).
   *
   * @param feature what structure analysis compares: {@code hierarchical} or {@code semantic}
   * @param sequence steps after structure analysis: {@code pr}, {@code is}, {@code pamr}
   * @param normalization of the final map: {@code none}, {@code max} or {@code min-max}
   * @param backgroundFactor multiplies the background map when labels are made
   * @param guideStride PAMR works on the image reduced by this factor
   * @param growthLimit share of its map's maximum before PAMR, at least 0 and less than 1, that a
   *     class must reach where PAMR makes it a seed; 0 for no limit
   */
  public record Method(
      String feature,
      String sequence,
      String normalization,
      double backgroundFactor,
      int guideStride,
      double growthLimit,
      Pamr pamr) {
    public Method {
      oneOf("method.feature", feature, List.of("hierarchical", "semantic"));
      oneOf("method.normalization", normalization, List.of("none", "max", "min-max"));
      atLeast("method.backgroundFactor", backgroundFactor, 0);
      atLeast("method.guideStride", guideStride, 1);
      if (!(growthLimit >= 0 && growthLimit < 1)) {
        throw new WispException(
            "recipe: method.growthLimit is %s; give a share in 0..1, less than 1"
                .formatted(growthLimit));
      }
      try {
        MapSequence.parse(sequence);
      } catch (WispException illegal) {
        throw new WispException("recipe: method.sequence: " + illegal.getMessage(), illegal);
      }
    }
  }

  /**
   * Pixel-adaptive mask refinement.
   *
   * @param kernel {@code abs-std} or {@code gaussian}
   * @param sigma of the gaussian, in units of guide values
   */
  public record Pamr(List<Integer> dilations, int iterations, String kernel, double sigma) {
    public Pamr {
      dilations = List.copyOf(dilations);
      oneOf("method.pamr.kernel", kernel, List.of("abs-std", "gaussian"));
      atLeast("method.pamr.iterations", iterations, 0);
      positive("method.pamr.sigma", sigma);
      if (dilations.isEmpty() || dilations.stream().anyMatch(d -> d < 1)) {
        throw new WispException(
            "recipe: method.pamr.dilations is %s; give one or more distances of at least 1"
                .formatted(dilations));
      }
    }
  }

  /**
   * Training of AE-SIPE (method.md section 7).
   *
   * @param crop side of the square crops in pixels, a multiple of 16
   * @param longSideLow smallest length of the longer side after scaling
   * @param longSideHigh largest, inclusive
   * @param mirror probability
   * @param pretrainedRate learning rate of the encoder
   * @param newRate learning rate of side convolutions and classifier
   * @param power of the polynomial schedule
   * @param clip largest norm of the gradient; infinity for none
   * @param checkpointEvery steps between checkpoints
   * @param precision of convolutions: {@code float32}, or {@code mixed} with a scaled loss
   */
  public record Training(
      int epochs,
      int batch,
      int crop,
      int longSideLow,
      int longSideHigh,
      double mirror,
      double pretrainedRate,
      double newRate,
      double momentum,
      double weightDecay,
      double power,
      double clip,
      int checkpointEvery,
      String precision) {
    private static final String MIXED = "mixed";

    public Training {
      checkLoop("training", epochs, batch, longSideLow, longSideHigh, mirror, checkpointEvery);
      atLeast("training.pretrainedRate", pretrainedRate, 0);
      atLeast("training.newRate", newRate, 0);
      checkOptimizer("training", momentum, weightDecay, power, clip);
      oneOf("training.precision", precision, List.of("float32", MIXED));
      if (crop < 16 || crop % 16 != 0) {
        throw new WispException(
            "recipe: training.crop is %d; give a multiple of 16".formatted(crop));
      }
    }

    /** What convolutions are to be computed in, where the device can. */
    public Precision convolutions() {
      return precision.equals(MIXED) ? Precision.MIXED : Precision.FLOAT32;
    }

    /** How the loss is scaled; null for not at all. */
    @Nullable LossScaling lossScaling() {
      return convolutions() == Precision.MIXED ? LossScaling.standard() : null;
    }
  }

  /** Training of the encoder as a multi-label classifier; see {@link Training} for the fields. */
  public record Pretraining(
      int epochs,
      int batch,
      int crop,
      int longSideLow,
      int longSideHigh,
      double mirror,
      double rate,
      double momentum,
      double weightDecay,
      double power,
      double clip,
      int checkpointEvery) {
    public Pretraining {
      checkLoop("pretraining", epochs, batch, longSideLow, longSideHigh, mirror, checkpointEvery);
      atLeast("pretraining.crop", crop, 16);
      atLeast("pretraining.rate", rate, 0);
      checkOptimizer("pretraining", momentum, weightDecay, power, clip);
    }
  }

  /**
   * Making of maps and pseudo-labels (method.md section 8).
   *
   * @param scales factors of the image size
   * @param maxPixels larger images are labelled at a reduced size
   */
  public record Labelling(List<Double> scales, long maxPixels) {
    public Labelling {
      scales = List.copyOf(scales);
      factors("labelling.scales", scales);
      atLeast("labelling.maxPixels", maxPixels, 1);
    }
  }

  private static void checkLoop(
      String section,
      int epochs,
      int batch,
      int longSideLow,
      int longSideHigh,
      double mirror,
      int checkpointEvery) {
    atLeast(section + ".epochs", epochs, 1);
    atLeast(section + ".batch", batch, 1);
    atLeast(section + ".longSideLow", longSideLow, 1);
    atLeast(section + ".longSideHigh", longSideHigh, longSideLow);
    atLeast(section + ".checkpointEvery", checkpointEvery, 1);
    probability(section + ".mirror", mirror);
  }

  static void probability(String key, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new WispException("recipe: %s is %s; give a probability in 0..1".formatted(key, value));
    }
  }

  /** Factors of an image's size. */
  static void factors(String key, List<Double> values) {
    if (values.isEmpty() || values.stream().anyMatch(s -> !(s > 0 && s <= 8))) {
      throw new WispException(
          "recipe: %s is %s; give one or more factors in (0, 8]".formatted(key, values));
    }
  }

  static void checkOptimizer(
      String section, double momentum, double weightDecay, double power, double clip) {
    atLeast(section + ".momentum", momentum, 0);
    atLeast(section + ".weightDecay", weightDecay, 0);
    atLeast(section + ".power", power, 0);
    positive(section + ".clip", clip);
  }

  static void oneOf(String key, String value, List<String> allowed) {
    if (!allowed.contains(value)) {
      throw new WispException(
          "recipe: %s is '%s'; give one of %s".formatted(key, value, String.join(", ", allowed)));
    }
  }

  static void atLeast(String key, double value, double low) {
    if (!(value >= low)) {
      throw new WispException(
          "recipe: %s is %s; give at least %s".formatted(key, plain(value), plain(low)));
    }
  }

  static void positive(String key, double value) {
    if (!(value > 0)) {
      throw new WispException("recipe: %s is %s; give more than 0".formatted(key, plain(value)));
    }
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
