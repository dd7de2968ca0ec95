package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Structure analysis, prototypes and reactivation (SIPE, Chen et al., CVPR 2022; method.md sections
 * 3 and 4). Features are {@code [N, h, w, D]}; a seed is a class id, or -1 for none.
 */
public interface SeedOps {
  /**
   * Structure seeds. With {@code u_i = f_i / (|f_i| + eps)}, {@code S_ij = relu(u_i . u_j)} and
   * {@code IoU_ik = sum_j S_ij M_kj / (sum_j S_ij + sum_j M_kj - sum_j S_ij M_kj)}, {@code IoU_i0}
   * halved: the first class of largest IoU over all {@code total()} classes, a NaN counting as
   * largest. A class without a row has a zero map, hence IoU 0, or NaN where {@code sum_j S_ij} is
   * 0. The winner becomes a seed only if it is in {@code present} and the position is valid. Never
   * materialises an {@code hw x hw} matrix.
   *
   * @param feature {@code [N, h, w, D]}
   * @param maps {@code [classes.rows, h, w]}
   * @param classes rows of maps: the present classes in training, all classes at inference
   * @param present classes allowed to have seeds
   * @param valid {@code [N, h, w]} F32 of 0 and 1, or null
   * @param seeds {@code [N, h, w]} I32, output
   * @param iou {@code [classes.rows, h, w]}, output: IoU after halving the background; or null
   */
  void structureSeeds(
      Tensor feature,
      Tensor maps,
      ClassRows classes,
      ClassRows present,
      @Nullable Tensor valid,
      float eps,
      Tensor seeds,
      @Nullable Tensor iou);

  /**
   * Prototypes: {@code P_k = (1 / hw) sum over positions i with seed k of f_i}. A class without
   * seeds gets 0.
   *
   * @param seeds {@code [N, h, w]} I32; ids without a row are passed over
   * @param prototypes {@code [classes.rows, D]}, output
   */
  void prototypes(Tensor feature, Tensor seeds, ClassRows classes, Tensor prototypes);

  /** Adds the gradient of {@link #prototypes}: {@code dFeature_i += dP_seed(i) / hw}. */
  void prototypesBackward(Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature);

  /**
   * Reactivation: {@code IS_ki = relu(cos(f_i, P_k))}, each norm at least 1e-8.
   *
   * @param featureNorms {@code [N, h, w]}, output: |f_i|
   * @param prototypeNorms {@code [rows]}, output: |P_k|
   * @param maps {@code [rows, h, w]}, output
   */
  void reactivate(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps);

  /**
   * Gradient of {@link #reactivate}: adds to dFeature, overwrites dPrototypes. Where a norm is
   * below 1e-8 it counts as the constant 1e-8.
   *
   * @param maps the forward result: where it is 0 no gradient flows
   */
  void reactivateBackward(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps,
      Tensor dMaps,
      Tensor dFeature,
      Tensor dPrototypes);
}
