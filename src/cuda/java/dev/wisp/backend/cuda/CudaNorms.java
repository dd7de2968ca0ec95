package dev.wisp.backend.cuda;

import dev.wisp.backend.NormOps;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link NormOps} on the device. */
final class CudaNorms implements NormOps {
  private final CudaContext context;

  CudaNorms(CudaContext context) {
    this.context = context;
  }

  @Override
  public void batchNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd) {
    throw new WispException("batchNormForward is not available on cuda yet");
  }

  @Override
  public void batchNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    throw new WispException("batchNormBackward is not available on cuda yet");
  }

  @Override
  public void batchNormUpdate(
      Tensor mean,
      Tensor invStd,
      float eps,
      long count,
      float momentum,
      Tensor runningMean,
      Tensor runningVar) {
    throw new WispException("batchNormUpdate is not available on cuda yet");
  }

  @Override
  public void l2Normalize(Tensor x, float eps, Tensor y, Tensor norms) {
    throw new WispException("l2Normalize is not available on cuda yet");
  }

  @Override
  public void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx) {
    throw new WispException("l2NormalizeBackward is not available on cuda yet");
  }
}
