package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.ConvolutionOps;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link ConvolutionOps} on a card, all by the project's own kernels. */
final class CudaConvolutions implements ConvolutionOps {
  private final PlainConvolutions convolutions;
  private final CudaFolding folding;
  private final CudaPooling pooling;

  CudaConvolutions(CudaContext context) {
    convolutions = new PlainConvolutions(context);
    folding = new CudaFolding(context);
    pooling = new CudaPooling(context);
  }

  /** On the compute thread, before the pool closes. */
  void close() {
    convolutions.close();
  }

  @Override
  public ConvWeights convWeights(ConvSpec spec) {
    return convolutions.convWeights(spec);
  }

  @Override
  public void loadWeights(ConvWeights target, Tensor weight, @Nullable Tensor scale) {
    convolutions.loadWeights(target, weight, scale);
  }

  @Override
  public void convForward(
      ConvWeights weights,
      Tensor x,
      @Nullable Tensor bias,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y) {
    convolutions.convForward(weights, x, bias, residual, relu, y);
  }

  @Override
  public void convBackwardData(ConvWeights weights, Tensor dy, Tensor dx) {
    convolutions.convBackwardData(weights, dy, dx);
  }

  @Override
  public void convBackwardWeights(
      ConvSpec spec, Tensor x, Tensor dy, Tensor dw, @Nullable Tensor db) {
    convolutions.convBackwardWeights(spec, x, dy, dw, db);
  }

  @Override
  public void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    folding.foldNorm(gamma, beta, mean, var, eps, scale, bias);
  }

  @Override
  public void foldNormBackward(
      Tensor dwFolded,
      Tensor weight,
      Tensor db,
      Tensor gamma,
      Tensor mean,
      Tensor var,
      float eps,
      Tensor dw,
      Tensor dgamma) {
    folding.foldNormBackward(dwFolded, weight, db, gamma, mean, var, eps, dw, dgamma);
  }

  @Override
  public void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    pooling.maxPool(x, y, index);
  }

  @Override
  public void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    pooling.maxPoolBackward(dy, index, dx);
  }
}
