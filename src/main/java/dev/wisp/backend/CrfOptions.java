package dev.wisp.backend;

/**
 * Parameters of the dense conditional random field.
 *
 * @param steps mean-field steps, at least 0
 * @param gaussianSpatial deviation of positions in pixels, positive
 * @param gaussianCompat weight of that message
 * @param bilateralSpatial deviation of positions in pixels, positive
 * @param bilateralColour deviation of colours in their units, positive
 * @param bilateralCompat weight of that message
 */
public record CrfOptions(
    int steps,
    float gaussianSpatial,
    float gaussianCompat,
    float bilateralSpatial,
    float bilateralColour,
    float bilateralCompat) {
  public CrfOptions {
    if (steps < 0
        || !(gaussianSpatial > 0 && bilateralSpatial > 0 && bilateralColour > 0)
        || !Float.isFinite(gaussianCompat)
        || !Float.isFinite(bilateralCompat)) {
      throw new IllegalArgumentException(
          "dense CRF of %d steps, gaussian %s compat %s, bilateral %s and %s compat %s"
              .formatted(
                  steps,
                  gaussianSpatial,
                  gaussianCompat,
                  bilateralSpatial,
                  bilateralColour,
                  bilateralCompat));
    }
  }

  /** The method's setting, for colours in 0..255. */
  public static CrfOptions standard() {
    return new CrfOptions(10, 3, 3, 50, 5, 10);
  }
}
