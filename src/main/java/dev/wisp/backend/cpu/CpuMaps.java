package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;
import org.jspecify.annotations.Nullable;

/** MapOps on the CPU. */
final class CpuMaps implements MapOps {
  private final CpuContext context;

  CpuMaps(CpuContext context) {
    this.context = context;
  }

  @Override
  public void camToMaps(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor maps,
      Tensor peak,
      Tensor winner) {
    context.require("camToMaps");
    throw new UnsupportedOperationException("camToMaps");
  }

  @Override
  public void camToMapsBackward(
      Tensor cam,
      @Nullable Tensor valid,
      ClassRows classes,
      float eps,
      Tensor peak,
      Tensor winner,
      Tensor dMaps,
      Tensor dCam) {
    context.require("camToMapsBackward");
    throw new UnsupportedOperationException("camToMapsBackward");
  }

  @Override
  public void normalizeMaps(Tensor maps, Normalization mode, float eps, Tensor out, Tensor peak) {
    context.require("normalizeMaps");
    throw new UnsupportedOperationException("normalizeMaps");
  }

  @Override
  public void normalizeMapsBackward(
      Tensor maps, Normalization mode, float eps, Tensor peak, Tensor dOut, Tensor dMaps) {
    context.require("normalizeMapsBackward");
    throw new UnsupportedOperationException("normalizeMapsBackward");
  }

  @Override
  public void argmaxMaps(Tensor maps, ClassRows classes, float backgroundFactor, Tensor seeds) {
    context.require("argmaxMaps");
    throw new UnsupportedOperationException("argmaxMaps");
  }
}
