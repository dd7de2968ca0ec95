package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.ConvolutionOps;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link ConvolutionOps} on the device. */
final class CudaConvolutions {
  private final CudaContext context;

  CudaConvolutions(CudaContext context) {
    this.context = context;
  }

  /** {@link ConvolutionOps#convWeights}. */
  ConvWeights convWeights(ConvSpec spec) {
    throw new WispException("convWeights is not available on cuda yet");
  }

  /** {@link ConvolutionOps#loadWeights}. */
  void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    throw new WispException("loadWeights is not available on cuda yet");
  }

  /** {@link ConvolutionOps#convForward}. */
  void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    throw new WispException("convForward is not available on cuda yet");
  }

  /** {@link ConvolutionOps#convBackwardData}. */
  void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    throw new WispException("convBackwardData is not available on cuda yet");
  }

  /** {@link ConvolutionOps#convBackwardWeights}. */
  void convBackwardWeights(ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    throw new WispException("convBackwardWeights is not available on cuda yet");
  }

  /** Frees packed weights; on the compute thread, before the pool closes. */
  void close() {}
}
