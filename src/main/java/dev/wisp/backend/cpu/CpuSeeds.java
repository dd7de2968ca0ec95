package dev.wisp.backend.cpu;

import dev.wisp.backend.*;
import dev.wisp.tensor.*;
import java.util.*;
import org.jspecify.annotations.Nullable;

/** SeedOps on the CPU. */
final class CpuSeeds implements SeedOps {
  private final CpuContext context;

  CpuSeeds(CpuContext context) {
    this.context = context;
  }

  @Override
  public void structureSeeds(
      Tensor feature,
      Tensor maps,
      ClassRows classes,
      ClassRows present,
      @Nullable Tensor valid,
      float eps,
      Tensor seeds,
      @Nullable Tensor iou) {
    context.require("structureSeeds");
    throw new UnsupportedOperationException("structureSeeds");
  }

  @Override
  public void prototypes(Tensor feature, Tensor seeds, ClassRows classes, Tensor prototypes) {
    context.require("prototypes");
    throw new UnsupportedOperationException("prototypes");
  }

  @Override
  public void prototypesBackward(
      Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature) {
    context.require("prototypesBackward");
    throw new UnsupportedOperationException("prototypesBackward");
  }

  @Override
  public void reactivate(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps) {
    context.require("reactivate");
    throw new UnsupportedOperationException("reactivate");
  }

  @Override
  public void reactivateBackward(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps,
      Tensor dMaps,
      Tensor dFeature,
      Tensor dPrototypes) {
    context.require("reactivateBackward");
    throw new UnsupportedOperationException("reactivateBackward");
  }
}
