package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;
import org.jspecify.annotations.Nullable;

/** NormOps on the CPU. */
final class CpuNorms implements NormOps {
  private final CpuContext context;

  CpuNorms(CpuContext context) {
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
    context.require("batchNormForward");
    throw new UnsupportedOperationException("batchNormForward");
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
    context.require("batchNormBackward");
    throw new UnsupportedOperationException("batchNormBackward");
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
    context.require("batchNormUpdate");
    throw new UnsupportedOperationException("batchNormUpdate");
  }

  @Override
  public void l2Normalize(Tensor x, float eps, Tensor y, Tensor norms) {
    context.require("l2Normalize");
    throw new UnsupportedOperationException("l2Normalize");
  }

  @Override
  public void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx) {
    context.require("l2NormalizeBackward");
    throw new UnsupportedOperationException("l2NormalizeBackward");
  }
}
