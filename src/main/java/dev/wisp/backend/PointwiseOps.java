package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Elementwise operations, reductions over positions, and losses. */
public interface PointwiseOps {
  /** Sets every element of an F32 tensor. */
  void fill(Tensor target, float value);

  /** Copies an F32 or I32 tensor of the same element count. */
  void copy(Tensor source, Tensor target);

  /**
   * Changes the element type, from F32 to F16 or from F16 to F32; backends without F16 refuse every
   * call. To F16 the nearest number is taken, ties to even: infinite from 65520 on, 0 up to 2^-25.
   * NaN stays NaN.
   *
   * @param target shape of source
   */
  void convert(Tensor source, Tensor target);

  /** {@code target += factor * source}, both F32 or both F16, same element count. */
  void addScaled(float factor, Tensor source, Tensor target);

  /**
   * Multiplies by a number that lies on the device: {@code x *= factor[0]}.
   *
   * @param x updated in place
   * @param factor one element or more, of which the first is read
   */
  void scale(Tensor x, Tensor factor);

  /** {@code out = max(0, x)}; NaN stays NaN. May be in place. */
  void relu(Tensor x, Tensor out);

  /**
   * {@code dx = y > 0 ? dy + extra : 0}, the pass between two convolutions of a residual network.
   *
   * @param y the activation's output, F32 or F16; the others are of its type
   * @param extra a second gradient to add first (the residual branch's), or null
   * @param dx may be dy or extra
   */
  void reluBackward(Tensor y, Tensor dy, @Nullable Tensor extra, Tensor dx);

  /**
   * Adds the mirror image: {@code target[n, h, w, c] += mirrored[n, h, W - 1 - w, c]}. Two tensors
   * rather than one of twice the images, so that the mirrored pass can run after the other one in
   * the same memory.
   *
   * @param mirrored {@code [N, H, W, C]}
   * @param target {@code [N, H, W, C]}, updated in place
   */
  void addMirrored(Tensor mirrored, Tensor target);

  /**
   * Undoes the input normalisation for the guide image: {@code out = x * std[c] + mean[c]} with a
   * rounded product and a rounded sum, over {@code [N, H, W, 3]}.
   */
  void denormalize(Tensor x, float[] mean, float[] std, Tensor out);

  /** Mean over positions: {@code [N, H, W, C]} to {@code [N, C]}, accumulated in double. */
  void spatialMean(Tensor x, Tensor out);

  /** Adds the gradient of {@link #spatialMean}: {@code dx += dOut / (H W)}. */
  void spatialMeanBackward(Tensor dOut, Tensor dx);

  /**
   * Multi-label soft margin loss: mean over images and classes of {@code -(y log s(z) + (1 - y) log
   * s(-z))}, s the logistic function.
   *
   * @param score {@code [N, K]}
   * @param label {@code [N, K]}, 0 or 1
   * @param loss {@code [1]}, output
   * @param dScore {@code [N, K]}, output: the gradient; or null
   */
  void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore);

  /**
   * Mean absolute difference of two lists of maps over all {@code classes.total()} classes, absent
   * ones counting as equal: {@code sum |a - b| / (N * total * h * w)} (general seed consistency).
   *
   * @param a {@code [rows, h, w]}
   * @param b {@code [rows, h, w]}
   * @param loss {@code [1]}, output
   * @param dA gradient {@code sign(a - b) / (N total h w)}, sign(0) = 0; or null. For b it is
   *     {@code -dA}.
   */
  void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA);
}
