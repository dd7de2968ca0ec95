package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;

/** Folding of fixed batch norm into convolutions. */
final class CpuFolding {
  private final CpuContext context;

  CpuFolding(CpuContext context) {
    this.context = context;
  }

  void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    context.require("foldNorm");
    throw new UnsupportedOperationException("foldNorm");
  }

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
    context.require("foldNormBackward");
    throw new UnsupportedOperationException("foldNormBackward");
  }
}
