package dev.wisp.backend;

import java.util.Arrays;

/**
 * Parameters of pixel-adaptive mask refinement.
 *
 * @param dilations distances of the 3x3 windows, each at least 1
 * @param iterations number of steps, at least 0
 * @param kernel how a colour difference becomes a logit
 * @param sigma for {@link Kernel#GAUSSIAN}: the scale in units of guide values; else unused
 */
public record PamrOptions(int[] dilations, int iterations, Kernel kernel, float sigma) {
  /** How a colour difference becomes a logit. */
  public enum Kernel {
    /** {@code mean over channels of -|I(p) - I(q)| / (1e-8 + 0.1 std)}: what the release runs. */
    ABS_STD,
    /** {@code mean over channels of -(I(p) - I(q))^2 / (2 sigma^2)}: the paper's formula. */
    GAUSSIAN
  }

  public PamrOptions {
    dilations = dilations.clone();
    if (dilations.length == 0
        || Arrays.stream(dilations).anyMatch(d -> d < 1)
        || iterations < 0
        || !(sigma > 0)) {
      throw new IllegalArgumentException(
          "PAMR with dilations %s, %d iterations, sigma %s"
              .formatted(Arrays.toString(dilations), iterations, sigma));
    }
  }

  /** The method's setting: dilations 1, 2, 4, 8, 12, 24, ten steps, {@link Kernel#ABS_STD}. */
  public static PamrOptions standard() {
    return new PamrOptions(new int[] {1, 2, 4, 8, 12, 24}, 10, Kernel.ABS_STD, 0.1f);
  }

  @Override
  public int[] dilations() {
    return dilations.clone();
  }

  /** Neighbours per pixel: eight for each dilation. */
  public int neighbours() {
    return 8 * dilations.length;
  }
}
