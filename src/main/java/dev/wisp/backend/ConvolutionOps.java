package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions over {@code [N, H, W, C]} and what surrounds them in a network whose batch norm is
 * fixed: {@code y = relu(conv(x, w * scale) + bias + residual)}, where {@code scale = gamma / sqrt(
 * var + eps)} and {@code bias = beta - mean * scale} per output channel.
 *
 * <p>Activations and their gradients may be F16, all of a call alike; weights, bias and their
 * gradients are always F32. In a convolution of F16 tensors weights, products before the bias and
 * the gradient of the weights may be rounded to F16 as well.
 */
public interface ConvolutionOps {
  /** An empty holder of packed weights; {@link #loadWeights} fills it. */
  ConvWeights convWeights(ConvSpec spec);

  /**
   * Sets the weights of a holder to {@code weight[o, i, kh, kw] * (scale[0, o] + scale[1, o])}.
   *
   * <p>The holder keeps no reference to the tensors: later changes to them need another call.
   *
   * @param weight {@code [O, I, kH, kW]}
   * @param scale {@code [2, O]}: the numbers in float32 and what that leaves of them, as {@link
   *     #foldNorm} writes it; or null for 1
   */
  void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale);

  /**
   * Forward convolution: {@code y = act(conv(x) + bias + residual)}.
   *
   * @param x {@code [N, H, W, I]}, F32 or F16; F32 may become an F16 y, then rounded first
   * @param bias {@code [O]} or null
   * @param residual shape of y, or null; added before the activation. It may be y itself
   * @param relu whether {@code act} is max(0, .), else the identity; of a NaN it may make 0
   * @param y {@code [N, H', W', O]}, F32 or F16
   */
  void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y);

  /**
   * Gradient of the convolution's input: {@code dx = conv^T(dy)}, with the holder's weights.
   *
   * @param dy {@code [N, H', W', O]}, F32 or F16
   * @param dx {@code [N, H, W, I]}, of the type of dy
   */
  void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx);

  /**
   * Gradient of the convolution's (scaled) weights and bias.
   *
   * @param x the forward input, F32 or F16
   * @param dy gradient of the convolution's output, the activation's derivative already applied; of
   *     the type of x
   * @param dw {@code [O, I, kH, kW]}
   * @param db {@code [O]}: sum of dy over images and positions, in double; or null
   */
  void convBackwardWeights(ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db);

  /**
   * Folds fixed batch norm into a convolution's scale and bias: {@code scale = gamma / sqrt(var +
   * eps)}, {@code bias = beta - mean * scale}. All {@code [O]} but the scale, {@code [2, O]}: its
   * nearest float32, and the rest. Rounding it once would shift a whole channel, by more than all
   * its sums' errors where they are exact.
   */
  void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias);

  /**
   * Gradients through the folding of {@link #foldNorm}: {@code dw = dwFolded * scale}, {@code
   * dgamma = (sum(dwFolded * w) - db * mean) / sqrt(var + eps)}, {@code dbeta = db} (the caller
   * passes db on). {@code dw} may be {@code dwFolded}.
   *
   * @param dwFolded gradient of the folded weights, {@code [O, I, kH, kW]}
   * @param weight the weights before folding, same shape
   * @param db gradient of the folded bias, {@code [O]}
   */
  void foldNormBackward(
      Tensor dwFolded,
      Tensor weight,
      Tensor db,
      Tensor gamma,
      Tensor mean,
      Tensor var,
      float eps,
      Tensor dw,
      Tensor dgamma);

  /**
   * Max pooling 3x3, stride 2, padding 1 over {@code [N, H, W, C]}. Padding never wins; the first
   * maximum in row-major window order wins, NaN counts as larger than any number.
   *
   * @param x {@code [N, H, W, C]}, F32 or F16
   * @param y {@code [N, H', W', C]}, of the type of x
   * @param index {@code [N, H', W', C]} I32: {@code h * W + w} of the winner; or null
   */
  void maxPool(Tensor x, Tensor y, @Nullable Tensor index);

  /** Gradient of {@link #maxPool}: scatters dy to the winners; dx is overwritten. */
  void maxPoolBackward(Tensor dy, Tensor index, Tensor dx);
}
