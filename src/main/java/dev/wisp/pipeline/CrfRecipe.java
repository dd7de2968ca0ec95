package dev.wisp.pipeline;

import dev.wisp.backend.CrfOptions;
import dev.wisp.common.WispException;

/**
 * The dense CRF's numbers (method.md section 9).
 *
 * @param steps mean-field steps
 * @param certainty probability that a given label is right, above 0 and below 1
 * @param gaussianPixels deviation of positions of the nearness message, in pixels
 * @param gaussianWeight of that message
 * @param bilateralPixels deviation of positions of the likeness message, in pixels
 * @param bilateralColours deviation of colours of that message, in levels of 0..255
 * @param bilateralWeight of that message
 */
public record CrfRecipe(
    int steps,
    double certainty,
    float gaussianPixels,
    float gaussianWeight,
    float bilateralPixels,
    float bilateralColours,
    float bilateralWeight) {
  public CrfRecipe {
    if (!(certainty > 0 && certainty < 1)) {
      throw new WispException(
          "recipe: crf.certainty is %s; give a number above 0 and below 1".formatted(certainty));
    }
    try {
      new CrfOptions(
          steps,
          gaussianPixels,
          gaussianWeight,
          bilateralPixels,
          bilateralColours,
          bilateralWeight);
    } catch (IllegalArgumentException illegal) {
      throw new WispException("recipe: crf: " + illegal.getMessage(), illegal);
    }
  }

  /** The kernel's form of it. */
  public CrfOptions options() {
    return new CrfOptions(
        steps, gaussianPixels, gaussianWeight, bilateralPixels, bilateralColours, bilateralWeight);
  }
}
