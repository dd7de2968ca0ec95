package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Class boundaries and displacements (IRN, Ahn, Cho and Kwak, CVPR 2019; method.md section 10). A
 * pair is a source and a destination of a {@link PathIndex}; only sources count from which every
 * path stays in the map. A pair whose labels are both in {@code 0..classes} is background-positive
 * (both 0), foreground-positive (equal, not 0) or negative (different); others do not count.
 *
 * <p>Losses are sums, not means, image by image: a mean over a batch that devices share divides the
 * sum of all by the count of all.
 */
public interface IrnOps {
  /**
   * Copies the top left corner: {@code target[n, y, x, offset + k] = source[n, y, x, k]}; other
   * channels stay as they are.
   *
   * @param source {@code [N, h, w, c]}
   * @param target {@code [N, H, W, C]}, neither higher nor wider
   */
  void crop(Tensor source, Tensor target, int channelOffset);

  /** Gradient of {@link #crop} for its source, 0 outside the corner; overwrites dSource. */
  void cropBackward(Tensor dTarget, int channelOffset, Tensor dSource);

  /** {@code out = 1 / (1 + exp(-scale * x))}, F32, same shape. */
  void sigmoid(Tensor x, float scale, Tensor out);

  /** Gradient of {@link #sigmoid} from its output: {@code dx = scale * dy * y * (1 - y)}. */
  void sigmoidBackward(Tensor y, Tensor dy, float scale, Tensor dx);

  /**
   * Counts the pairs of each kind.
   *
   * @param label {@code [N, h, w]} I32
   * @param counts {@code [N, 3]}, output: background-positive, foreground-positive, negative
   */
  void pairCounts(Tensor label, PathIndex paths, int classes, Tensor counts);

  /**
   * Path affinity losses. The affinity of a pair is {@code a = 1 - max of the boundary on its
   * path}, both ends included; a positive pair loses {@code -log(a + 1e-5)}, a negative one {@code
   * -log(1 + 1e-5 - a)}. Never materialises {@code [pairs, positions]}. The gradient goes to the
   * first maximum on the path, nearest the destination; a NaN is the largest.
   *
   * @param boundary {@code [N, h, w]}, in 0..1
   * @param label {@code [N, h, w]} I32
   * @param weights of the three sums in the gradient: background-positive, foreground-positive,
   *     negative
   * @param losses {@code [N, 3]}, output: the sums, unweighted
   * @param dBoundary {@code [N, h, w]}, output: gradient of the weighted sum; or null
   */
  void pathAffinityLoss(
      Tensor boundary,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dBoundary);

  /**
   * Displacement losses. With {@code p} the source's displacement minus the destination's, a
   * foreground-positive pair loses {@code |p_y - dy| + |p_x - dx|}, a background-positive one
   * {@code |p_y| + |p_x|}; sign(0) = 0 in the gradient.
   *
   * @param displacement {@code [N, h, w, 2]}: y, then x, in positions of the map
   * @param label {@code [N, h, w]} I32
   * @param weights of the two sums in the gradient: background-positive, foreground-positive
   * @param losses {@code [N, 2]}, output: the sums, unweighted
   * @param dDisplacement {@code [N, h, w, 2]}, output: gradient of the weighted sum; or null
   */
  void displacementLoss(
      Tensor displacement,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dDisplacement);

  /**
   * Random walk over a map whose boundaries hold it back: {@code out = (maps * (1 - boundary)) T^n}
   * with {@code T_ij = A_ij / sum_i A_ij}, {@code A_ij} the affinity of {@link #pathAffinityLoss}
   * to the power beta, symmetric, 1 on the diagonal, 0 for positions that no path joins. Computed
   * in float64 on every backend as n sparse products, never as a matrix of positions by positions.
   *
   * @param boundary {@code [h, w]}, in 0..1
   * @param maps {@code [C, h, w]}
   * @param beta at least 0
   * @param steps n, at least 0
   * @param out {@code [C, h, w]}, output
   */
  void randomWalk(Tensor boundary, Tensor maps, PathIndex paths, float beta, int steps, Tensor out);
}
