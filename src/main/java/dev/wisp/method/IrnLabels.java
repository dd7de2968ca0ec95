package dev.wisp.method;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOptions;
import dev.wisp.io.Image;
import dev.wisp.io.Mask;

/**
 * The labels that IRN learns from (method.md section 10): where the CRF is sure of a class or of
 * the background, and void between. "Sure of a class" is the refined argmax of the maps, "sure of
 * the background" the refined argmax with the background's map held down.
 *
 * @param foreground {@code [height, width]} argmax of the maps, class ids
 * @param refinedForeground the same after the CRF
 * @param background argmax with the background's map times the factor
 * @param refinedBackground the same after the CRF
 */
@SuppressWarnings("ArrayRecordComponent")
public record IrnLabels(
    byte[] foreground, byte[] refinedForeground, byte[] background, byte[] refinedBackground) {

  /** What the release multiplies the background's map by. */
  public static final double BACKGROUND_FACTOR = 0.8;

  /**
   * Makes them.
   *
   * @param maps of the image's size, normalised
   * @param factor multiplies the background's map of the second argmax
   * @param certainty see {@link CrfRefinement#refine}
   */
  public static IrnLabels of(
      Backend backend,
      Image image,
      Localization maps,
      double factor,
      double certainty,
      CrfOptions options) {
    byte[] foreground = bytes(maps.labels(1));
    byte[] background = bytes(maps.labels((float) factor));
    int[] ids = maps.classes();
    return new IrnLabels(
        foreground,
        CrfRefinement.refine(backend, image, foreground, ids, certainty, options),
        background,
        CrfRefinement.refine(backend, image, background, ids, certainty, options));
  }

  private static byte[] bytes(int[] labels) {
    byte[] bytes = new byte[labels.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) labels[i];
    }
    return bytes;
  }

  /** The class, 0 for background, {@link Mask#VOID} where nothing is sure. */
  public byte[] label() {
    byte[] label = new byte[foreground.length];
    for (int p = 0; p < label.length; p++) {
      label[p] =
          refinedForeground[p] != 0 || refinedBackground[p] == 0
              ? refinedForeground[p]
              : (byte) Mask.VOID;
    }
    return label;
  }
}
