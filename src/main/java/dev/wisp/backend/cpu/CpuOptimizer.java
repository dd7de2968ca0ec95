package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;

/** OptimizerOps on the CPU. */
final class CpuOptimizer implements OptimizerOps {
  private final CpuContext context;

  CpuOptimizer(CpuContext context) {
    this.context = context;
  }

  @Override
  public void gradientNorm(List<Tensor> gradients, Tensor norm) {
    context.require("gradientNorm");
    throw new UnsupportedOperationException("gradientNorm");
  }

  @Override
  public void sgdStep(
      List<SgdSlot> slots,
      Tensor norm,
      float maxNorm,
      float weightDecay,
      float momentum,
      boolean first) {
    context.require("sgdStep");
    throw new UnsupportedOperationException("sgdStep");
  }
}
