package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvolutionOps;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;

/** {@link ConvolutionOps} on the device. */
final class CudaFolding {
  private final CudaContext context;

  CudaFolding(CudaContext context) {
    this.context = context;
  }

  /** {@link ConvolutionOps#foldNorm}. */
  void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    throw new WispException("foldNorm is not available on cuda yet");
  }

  /** {@link ConvolutionOps#foldNormBackward}. */
  void foldNormBackward(
      Tensor dwFolded,
      Tensor weight,
      Tensor db,
      Tensor gamma,
      Tensor mean,
      Tensor var,
      float eps,
      Tensor dw,
      Tensor dgamma) {
    throw new WispException("foldNormBackward is not available on cuda yet");
  }
}
