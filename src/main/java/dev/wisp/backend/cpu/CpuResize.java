package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;

/** ResizeOps on the CPU. */
final class CpuResize implements ResizeOps {
  private final CpuContext context;

  CpuResize(CpuContext context) {
    this.context = context;
  }

  @Override
  public void resizeBilinear(
      Tensor source, Tensor target, int channelOffset, boolean alignCorners) {
    context.require("resizeBilinear");
    throw new UnsupportedOperationException("resizeBilinear");
  }

  @Override
  public void resizeBilinearBackward(
      Tensor dTarget, int channelOffset, Tensor dSource, boolean alignCorners) {
    context.require("resizeBilinearBackward");
    throw new UnsupportedOperationException("resizeBilinearBackward");
  }
}
