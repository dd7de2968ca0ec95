package dev.wisp.backend.cuda;

import dev.wisp.backend.Precision;

/**
 * What computes convolutions, given operands that were checked: device addresses of tensors in
 * NHWC, 0 for an absent one. Activations and their gradients are float32, or float16 all of them in
 * {@link #halves}; bias, dw and db are always float32. Called inside {@link CudaCall#run}.
 */
interface Convolver {
  /**
   * {@link dev.wisp.backend.ConvolutionOps#convForward}.
   *
   * @param residual may be y
   */
  void forward(
      CudaCall call,
      ConvolutionSizes s,
      long x,
      CudaWeights weights,
      long bias,
      long residual,
      long y,
      boolean relu);

  /** {@link dev.wisp.backend.ConvolutionOps#convBackwardData}. */
  void backwardData(CudaCall call, ConvolutionSizes s, long dy, CudaWeights weights, long dx);

  /** {@link dev.wisp.backend.ConvolutionOps#convBackwardWeights}. */
  void backwardWeights(CudaCall call, ConvolutionSizes s, long x, long dy, long dw, long db);

  /** What computes convolutions of float16 tensors beside it, and is closed with it. */
  Convolver halves();

  /** {@link dev.wisp.backend.Backend#precision}; from any thread. */
  default Precision precision() {
    return Precision.FLOAT32;
  }

  /** {@link dev.wisp.backend.Backend#setPrecision}. */
  default boolean setPrecision(Precision wanted) {
    return wanted == Precision.FLOAT32;
  }

  /** What computes, for a log; from any thread. */
  String describe();

  /** On the compute thread, before the pool closes. */
  void close();
}
