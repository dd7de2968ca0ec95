package dev.wisp.pipeline;

import dev.wisp.common.WispException;
import dev.wisp.method.BoundaryWalk;
import java.util.List;

/**
 * IRN: the labels it learns from, its training and its random walk (method.md section 10).
 *
 * @param backbone {@code resnet50}, {@code resnet101} or {@code demo}, whatever AE-SIPE's is
 * @param backgroundFactor multiplies the background's map where the CRF looks for background
 * @param radius of the pairs that training compares, in positions of the boundary map
 * @param crop side of the square crops in pixels, a multiple of 16; images are padded to it later
 * @param scaleLow smallest factor of the image size
 * @param scaleHigh largest
 * @param mirror probability
 * @param boundaryRate learning rate of the boundary branch
 * @param displacementRate learning rate of the displacement branch
 * @param power of the polynomial schedule
 * @param checkpointEvery steps between checkpoints
 */
public record IrnRecipe(
    String backbone,
    double backgroundFactor,
    int radius,
    int epochs,
    int batch,
    int crop,
    double scaleLow,
    double scaleHigh,
    double mirror,
    double boundaryRate,
    double displacementRate,
    double momentum,
    double weightDecay,
    double power,
    int checkpointEvery,
    Walk walk) {
  private static final int LEAST_RADIUS = 2;
  private static final int MOST_RADIUS = 64;

  /**
   * The random walk.
   *
   * @param mapPower maps are raised to it before they walk
   * @param radius of the paths, in positions of the boundary map
   * @param beta power of the affinities
   * @param steps of the walk
   */
  public record Walk(double mapPower, int radius, double beta, int steps) {
    public Walk {
      Recipe.positive("irn.walk.mapPower", mapPower);
      checkRadius("irn.walk.radius", radius);
      Recipe.atLeast("irn.walk.beta", beta, 0);
      Recipe.atLeast("irn.walk.steps", steps, 0);
    }

    BoundaryWalk.Options options() {
      return new BoundaryWalk.Options(mapPower, radius, beta, steps);
    }
  }

  public IrnRecipe {
    Recipe.oneOf("irn.backbone", backbone, List.of("resnet50", "resnet101", "demo"));
    Recipe.atLeast("irn.backgroundFactor", backgroundFactor, 0);
    checkRadius("irn.radius", radius);
    Recipe.atLeast("irn.epochs", epochs, 1);
    Recipe.atLeast("irn.batch", batch, 1);
    Recipe.positive("irn.scaleLow", scaleLow);
    Recipe.atLeast("irn.scaleHigh", scaleHigh, scaleLow);
    Recipe.probability("irn.mirror", mirror);
    Recipe.atLeast("irn.boundaryRate", boundaryRate, 0);
    Recipe.atLeast("irn.displacementRate", displacementRate, 0);
    Recipe.checkOptimizer("irn", momentum, weightDecay, power, 1);
    Recipe.atLeast("irn.checkpointEvery", checkpointEvery, 1);
    if (crop < 16 || crop % 16 != 0) {
      throw new WispException("recipe: irn.crop is %d; give a multiple of 16".formatted(crop));
    }
  }

  private static void checkRadius(String key, int radius) {
    if (radius < LEAST_RADIUS || radius > MOST_RADIUS) {
      throw new WispException(
          "recipe: %s is %d; give %d..%d".formatted(key, radius, LEAST_RADIUS, MOST_RADIUS));
    }
  }
}
