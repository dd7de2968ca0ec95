package dev.wisp.backend.cuda;

import dev.wisp.tensor.DType;

/**
 * Convolutions of float16 tensors by the plain kernels of float32: inputs are widened before,
 * results rounded after, in workspace. For what cuDNN does not do.
 */
final class WidenedConvolutions implements Convolver {
  private final PlainConvolutions plain;
  private final CudaHalf half;

  WidenedConvolutions(PlainConvolutions plain, CudaHalf half) {
    this.plain = plain;
    this.half = half;
  }

  private static long space(CudaCall call, long elements) {
    return call.workspace(elements * DType.F32.bytes());
  }

  @Override
  public void forward(
      CudaCall call,
      ConvolutionSizes s,
      long x,
      CudaWeights weights,
      long bias,
      long residual,
      long y,
      boolean relu) {
    long outputs = s.outputElements();
    long from = half.widened(call, x, s.inputElements());
    // The residual is widened to where the result replaces it.
    long to = residual == 0 ? space(call, outputs) : half.widened(call, residual, outputs);
    plain.forward(call, s, from, weights, bias, residual == 0 ? 0 : to, to, relu);
    half.narrow(to, y, outputs);
  }

  @Override
  public void backwardData(
      CudaCall call, ConvolutionSizes s, long dy, CudaWeights weights, long dx) {
    long from = half.widened(call, dy, s.outputElements());
    long to = space(call, s.inputElements());
    plain.backwardData(call, s, from, weights, to);
    half.narrow(to, dx, s.inputElements());
  }

  @Override
  public void backwardWeights(
      CudaCall call, ConvolutionSizes s, long x, long dy, long dw, long db) {
    plain.backwardWeights(
        call,
        s,
        half.widened(call, x, s.inputElements()),
        half.widened(call, dy, s.outputElements()),
        dw,
        db);
  }

  @Override
  public Convolver halves() {
    return this;
  }

  @Override
  public String describe() {
    return plain.describe();
  }

  @Override
  public void close() {}
}
