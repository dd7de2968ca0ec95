package dev.wisp.backend.cuda;

import dev.wisp.backend.ResizeOps;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;

/** {@link ResizeOps} on the device. */
final class CudaResize implements ResizeOps {
  private final CudaContext context;

  CudaResize(CudaContext context) {
    this.context = context;
  }

  @Override
  public void resizeBilinear(
      Tensor source, Tensor target, int channelOffset, boolean alignCorners) {
    throw new WispException("resizeBilinear is not available on cuda yet");
  }

  @Override
  public void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners) {
    throw new WispException("resizeBilinearBackward is not available on cuda yet");
  }
}
