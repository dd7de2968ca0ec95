package dev.wisp.backend.cuda;

/**
 * What computes convolutions, given operands that were checked: device addresses of float32 tensors
 * in NHWC, 0 for an absent one. Called inside {@link CudaCall#run}.
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

  /** What computes, for a log. */
  String describe();

  /** On the compute thread, before the pool closes. */
  void close();
}
