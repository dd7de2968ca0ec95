package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvolutionOps;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link ConvolutionOps} on the device. */
final class CudaPooling {
  private final CudaContext context;

  CudaPooling(CudaContext context) {
    this.context = context;
  }

  /** {@link ConvolutionOps#maxPool}. */
  void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    throw new WispException("maxPool is not available on cuda yet");
  }

  /** {@link ConvolutionOps#maxPoolBackward}. */
  void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    throw new WispException("maxPoolBackward is not available on cuda yet");
  }
}
