package dev.wisp.backend.cuda;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.SeedOps;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link SeedOps} on the device. */
final class CudaSeeds implements SeedOps {
  private final CudaContext context;

  CudaSeeds(CudaContext context) {
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
    throw new WispException("structureSeeds is not available on cuda yet");
  }

  @Override
  public void prototypes(Tensor feature, Tensor seeds, ClassRows classes, Tensor prototypes) {
    throw new WispException("prototypes is not available on cuda yet");
  }

  @Override
  public void prototypesBackward(
      Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature) {
    throw new WispException("prototypesBackward is not available on cuda yet");
  }

  @Override
  public void reactivate(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps) {
    throw new WispException("reactivate is not available on cuda yet");
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
    throw new WispException("reactivateBackward is not available on cuda yet");
  }
}
