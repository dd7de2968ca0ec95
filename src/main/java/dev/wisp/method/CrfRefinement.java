package dev.wisp.method;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.io.Image;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;

/**
 * Moves the borders of hard labels to the image's edges with the dense CRF (method.md section 9).
 */
public final class CrfRefinement {
  /** Probability that a given label is right, as the release sets it. */
  public static final double CERTAINTY = 0.7;

  private CrfRefinement() {}

  /**
   * Refined labels. A pixel's own label has the probability {@code certainty}, all others share the
   * rest; a pixel labelled with none of the ids is undecided between all.
   *
   * @param label {@code [height, width]} class ids of the image's size
   * @param ids class ids that compete, distinct, at least one
   * @param certainty above 0, below 1
   * @return {@code [height, width]} class ids, the first of the most probable
   */
  public static byte[] refine(
      Backend backend, Image image, byte[] label, int[] ids, double certainty, CrfOptions options) {
    int pixels = image.width() * image.height();
    if (label.length != pixels || ids.length == 0 || !(certainty > 0 && certainty < 1)) {
      throw new IllegalArgumentException(
          "refine: %d labels for %dx%d pixels, ids %s, certainty %s"
              .formatted(
                  label.length, image.width(), image.height(), Arrays.toString(ids), certainty));
    }
    byte[] refined = new byte[pixels];
    if (ids.length == 1) {
      Arrays.fill(refined, (byte) ids[0]);
      return refined;
    }
    float[] unary = unary(label, ids, certainty);
    float[] q =
        backend.compute(
            () -> {
              try (Scope scope = backend.scope()) {
                Tensor colours = scope.f32(image.height(), image.width(), 3);
                Tensor energies = scope.f32(ids.length, image.height(), image.width());
                Tensor out = scope.f32(ids.length, image.height(), image.width());
                backend.upload(colours(image), colours);
                backend.upload(unary, energies);
                backend.denseCrf(energies, colours, options, out);
                return backend.floats(out);
              }
            });
    for (int p = 0; p < pixels; p++) {
      int best = 0;
      for (int k = 1; k < ids.length; k++) {
        best = q[k * pixels + p] > q[best * pixels + p] ? k : best;
      }
      refined[p] = (byte) ids[best];
    }
    return refined;
  }

  private static float[] unary(byte[] label, int[] ids, double certainty) {
    int pixels = label.length;
    float right = (float) -Math.log(certainty);
    float wrong = (float) -Math.log((1 - certainty) / (ids.length - 1));
    float undecided = (float) Math.log(ids.length);
    float[] unary = new float[ids.length * pixels];
    for (int p = 0; p < pixels; p++) {
      int own = label[p] & 0xFF;
      boolean known = Arrays.stream(ids).anyMatch(id -> id == own);
      for (int k = 0; k < ids.length; k++) {
        unary[k * pixels + p] = !known ? undecided : ids[k] == own ? right : wrong;
      }
    }
    return unary;
  }

  private static float[] colours(Image image) {
    byte[] rgb = image.rgb();
    float[] colours = new float[rgb.length];
    for (int i = 0; i < rgb.length; i++) {
      colours[i] = rgb[i] & 0xFF;
    }
    return colours;
  }
}
