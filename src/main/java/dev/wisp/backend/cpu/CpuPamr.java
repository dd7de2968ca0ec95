package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;
import org.jspecify.annotations.Nullable;

/** PamrOps on the CPU. */
final class CpuPamr implements PamrOps {
  private final CpuContext context;

  CpuPamr(CpuContext context) {
    this.context = context;
  }

  @Override
  public void pamrAffinity(
      Tensor guide,
      PamrOptions options,
      Tensor affinity,
      @Nullable Tensor std,
      @Nullable Tensor logit) {
    context.require("pamrAffinity");
    throw new UnsupportedOperationException("pamrAffinity");
  }

  @Override
  public void pamrSteps(
      Tensor affinity, Tensor maps, ClassRows classes, PamrOptions options, Tensor out) {
    context.require("pamrSteps");
    throw new UnsupportedOperationException("pamrSteps");
  }
}
