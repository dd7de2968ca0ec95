package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Class activation maps and their normalisations (paper section 3.1; method.md sections 2 and 6).
 */
public interface MapOps {
  /** How {@link #normalizeMaps} brings a map to [0, 1]. */
  enum Normalization {
    /** {@code x / (max + eps)} (the release). */
    MAX,
    /** {@code (x - min) / (max - min + eps)} (the paper). */
    MIN_MAX
  }

  /**
   * Raw CAM to maps: {@code M_k = relu(cam_k) / (max over positions of relu(cam_k) + eps)}, {@code
   * M_0 = 1 - max over all K classes of M_k}, absent ones too; times the validity of the position.
   *
   * @param cam {@code [N, h, w, K]}
   * @param valid {@code [N, h, w]} F32 of 0 and 1, or null for 1 everywhere
   * @param classes which rows to produce
   * @param maps {@code [rows, h, w]}, output
   * @param peak {@code [N, K]} I32, output: the first position of the maximum of relu(cam_k)
   * @param winner {@code [N, h, w]} I32, output: the first class (1..K) of largest M_k, for M_0
   */
  void camToMaps(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor maps,
      Tensor peak,
      Tensor winner);

  /**
   * Gradient of {@link #camToMaps} for cam, through the spatial maxima and the maximum over
   * classes; relu'(0) = 0, and where relu cuts the gradient is exactly 0 (selected, not
   * multiplied). A peak outside the image stands for a maximum of 0. Overwrites dCam.
   */
  void camToMapsBackward(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor peak,
      Tensor winner,
      Tensor dMaps,
      Tensor dCam);

  /**
   * Normalises each row over its positions.
   *
   * @param maps {@code [rows, h, w]}
   * @param out {@code [rows, h, w]}
   * @param peak {@code [rows, 2]} I32, output: first position of the maximum, of the minimum
   */
  void normalizeMaps(Tensor maps, Normalization mode, float eps, Tensor out, Tensor peak);

  /**
   * Gradient of {@link #normalizeMaps}, through the maximum and minimum; 0 for a row whose peaks
   * lie outside the image. Overwrites dMaps.
   */
  void normalizeMapsBackward(
      Tensor maps, Normalization mode, float eps, Tensor peak, Tensor dOut, Tensor dMaps);

  /**
   * Class of largest map per position, the first (lowest class id) among equals.
   *
   * @param maps {@code [rows, h, w]}
   * @param backgroundFactor multiplies the background's rows before comparing
   * @param seeds {@code [N, h, w]} I32, output: class ids
   */
  void argmaxMaps(Tensor maps, ClassRows classes, float backgroundFactor, Tensor seeds);

  /**
   * Takes the seed from positions where its class has little support: a foreground seed k becomes
   * -1 where {@code support_k} is less than the share, or NaN. Seeds of the background, and of
   * classes that the image lacks, stay.
   *
   * @param support {@code [rows, h, w]}
   * @param share the least support that keeps a seed
   * @param seeds {@code [N, h, w]} I32, changed in place: class ids, or -1 for none
   */
  void limitSeeds(Tensor support, ClassRows classes, float share, Tensor seeds);
}
