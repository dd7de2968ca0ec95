package dev.wisp.backend.cuda;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PamrOps;
import dev.wisp.backend.PamrOptions;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link PamrOps} on the device. */
final class CudaPamr implements PamrOps {
  private final CudaContext context;

  CudaPamr(CudaContext context) {
    this.context = context;
  }

  @Override
  public void pamrAffinity(
      Tensor guide,
      PamrOptions options,
      Tensor affinity,
      @Nullable Tensor std,
      @Nullable Tensor logit) {
    throw new WispException("pamrAffinity is not available on cuda yet");
  }

  @Override
  public void pamrSteps(
      Tensor affinity, Tensor maps, ClassRows classes, PamrOptions options, Tensor out) {
    throw new WispException("pamrSteps is not available on cuda yet");
  }
}
