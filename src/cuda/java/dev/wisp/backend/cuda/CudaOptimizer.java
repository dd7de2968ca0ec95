package dev.wisp.backend.cuda;

import dev.wisp.backend.OptimizerOps;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;
import java.util.List;

/** {@link OptimizerOps} on the device. */
final class CudaOptimizer implements OptimizerOps {
  private final CudaContext context;

  CudaOptimizer(CudaContext context) {
    this.context = context;
  }

  @Override
  public void gradientNorm(List<Tensor> gradients, Tensor norm) {
    throw new WispException("gradientNorm is not available on cuda yet");
  }

  @Override
  public void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first) {
    throw new WispException("sgdStep is not available on cuda yet");
  }
}
