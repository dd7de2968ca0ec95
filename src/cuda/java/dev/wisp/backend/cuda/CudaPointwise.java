package dev.wisp.backend.cuda;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PointwiseOps;
import dev.wisp.common.WispException;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link PointwiseOps} on the device. */
final class CudaPointwise implements PointwiseOps {
  private final CudaContext context;

  CudaPointwise(CudaContext context) {
    this.context = context;
  }

  @Override
  public void fill(Tensor target, float value) {
    throw new WispException("fill is not available on cuda yet");
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    throw new WispException("copy is not available on cuda yet");
  }

  @Override
  public void addScaled(float factor, Tensor source, Tensor target) {
    throw new WispException("addScaled is not available on cuda yet");
  }

  @Override
  public void relu(Tensor x, Tensor out) {
    throw new WispException("relu is not available on cuda yet");
  }

  @Override
  public void reluBackward(Tensor y, Tensor dy, @Nullable Tensor extra, Tensor dx) {
    throw new WispException("reluBackward is not available on cuda yet");
  }

  @Override
  public void addMirrored(Tensor mirrored, Tensor target) {
    throw new WispException("addMirrored is not available on cuda yet");
  }

  @Override
  public void denormalize(Tensor x, float[] mean, float[] std, Tensor out) {
    throw new WispException("denormalize is not available on cuda yet");
  }

  @Override
  public void spatialMean(Tensor x, Tensor out) {
    throw new WispException("spatialMean is not available on cuda yet");
  }

  @Override
  public void spatialMeanBackward(Tensor dOut, Tensor dx) {
    throw new WispException("spatialMeanBackward is not available on cuda yet");
  }

  @Override
  public void softMarginLoss(Tensor score, Tensor label, Tensor loss, @Nullable Tensor dScore) {
    throw new WispException("softMarginLoss is not available on cuda yet");
  }

  @Override
  public void meanAbsoluteDifference(
      Tensor a, Tensor b, ClassRows classes, Tensor loss, @Nullable Tensor dA) {
    throw new WispException("meanAbsoluteDifference is not available on cuda yet");
  }
}
