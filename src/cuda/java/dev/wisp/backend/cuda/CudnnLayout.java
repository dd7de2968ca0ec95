package dev.wisp.backend.cuda;

/** How a convolution's tensors lie in memory while cuDNN computes it. */
enum CudnnLayout {
  /** float32, channels last: the tensors themselves. */
  NHWC,
  /** float32, channels first: turned copies. */
  NCHW,
  /** float16, channels last: the tensors themselves if they are so, else rounded copies. */
  HALF,
  /** None of cuDNN's algorithms will do: the plain kernels. */
  PLAIN
}
