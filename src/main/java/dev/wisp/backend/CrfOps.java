package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Dense conditional random field of one image (Krähenbühl and Koltun, NeurIPS 2011), with the
 * semantics of pydensecrf: its kernel is the permutohedral lattice's (Adams, Baek, Davis,
 * Eurographics 2010), not the exact Gaussian, and which lattice vertices exist decides results. So
 * the geometry is float32 in a fixed order of operations on every backend.
 */
public interface CrfOps {
  /**
   * The lattice filter, an unnormalised Gaussian blur {@code out_i ~ sum_j exp(-|f_i - f_j|^2 / 2)
   * v_j} over features {@code f = (x / spatial, y / spatial, image / colour)}. If the number of
   * pixels is no multiple of four, the vertices around the origin exist too, as in pydensecrf.
   * Features beyond 2^24 count as 2^24, NaN as the least.
   *
   * @param image {@code [h, w, 3]}, or null for positions alone
   * @param spatial positive
   * @param colour positive; not used without an image
   * @param values {@code [C, h, w]}
   * @param out {@code [C, h, w]}
   */
  void latticeFilter(
      @Nullable Tensor image, float spatial, float colour, Tensor values, Tensor out);

  /**
   * Mean-field inference: {@code Q = softmax(-unary)}, then in every step {@code Q = softmax(-unary
   * + sum over both kernels of compat n K(n Q))}, where K is {@link #latticeFilter} with positions
   * alone and with colours, and {@code n = 1 / sqrt(K 1 + 1e-20)}: symmetric normalisation and
   * Potts compatibility. The softmax is over the labels of each pixel.
   *
   * @param unary {@code [M, h, w]}, negative log probabilities
   * @param image {@code [h, w, 3]}, colours in the units of {@link CrfOptions#bilateralColour}
   * @param q {@code [M, h, w]}, output: probabilities
   */
  void denseCrf(Tensor unary, Tensor image, CrfOptions options, Tensor q);
}
