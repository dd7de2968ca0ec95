package dev.wisp.backend.cuda;

import static org.bytedeco.cuda.global.cudnn.*;

import dev.wisp.backend.ConvSpec;
import org.bytedeco.cuda.cudnn.cudnnConvolutionStruct;
import org.bytedeco.cuda.cudnn.cudnnFilterStruct;
import org.bytedeco.cuda.cudnn.cudnnTensorStruct;

/** cuDNN's descriptors of one convolution in one layout: input, weights, output, bias. */
@SuppressWarnings("deprecation") // cuDNN 9 deprecates all that is not its graphs.
final class CudnnShape implements AutoCloseable {
  final cudnnTensorStruct x = new cudnnTensorStruct();
  final cudnnTensorStruct y = new cudnnTensorStruct();
  final cudnnTensorStruct bias = new cudnnTensorStruct();
  final cudnnFilterStruct weights = new cudnnFilterStruct();
  final cudnnConvolutionStruct convolution = new cudnnConvolutionStruct();
  private final CudnnStatus cudnn;
  private final String text;
  private int math;

  /** Sizes that fit 32 bits. */
  CudnnShape(CudnnStatus cudnn, ConvolutionSizes s, CudnnLayout layout) {
    this.cudnn = cudnn;
    text = s.toString();
    try {
      describe(s, layout);
    } catch (RuntimeException refused) {
      close();
      throw refused;
    }
  }

  private void describe(ConvolutionSizes s, CudnnLayout layout) {
    ConvSpec spec = s.spec();
    int format = layout == CudnnLayout.NCHW ? CUDNN_TENSOR_NCHW : CUDNN_TENSOR_NHWC;
    int type = layout == CudnnLayout.HALF ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT;
    long[] out = s.out();
    tensor(x, format, type, s.n(), spec.inChannels(), s.h(), s.w());
    tensor(y, format, type, s.n(), spec.outChannels(), out[1], out[2]);
    tensor(bias, format, type, 1, spec.outChannels(), 1, 1);
    cudnn.check(cudnnCreateFilterDescriptor(weights), "cudnnCreateFilterDescriptor", text);
    cudnn.check(
        cudnnSetFilter4dDescriptor(
            weights,
            type,
            format,
            spec.outChannels(),
            spec.inChannels(),
            spec.kernel(),
            spec.kernel()),
        "cudnnSetFilter4dDescriptor",
        text);
    cudnn.check(
        cudnnCreateConvolutionDescriptor(convolution), "cudnnCreateConvolutionDescriptor", text);
    cudnn.check(
        cudnnSetConvolution2dDescriptor(
            convolution,
            spec.padding(),
            spec.padding(),
            spec.stride(),
            spec.stride(),
            spec.dilation(),
            spec.dilation(),
            CUDNN_CROSS_CORRELATION,
            CUDNN_DATA_FLOAT),
        "cudnnSetConvolution2dDescriptor",
        text);
    // Without a word about it, newer cards would round float32 operands to TF32.
    math(layout == CudnnLayout.HALF ? CUDNN_TENSOR_OP_MATH : CUDNN_FMA_MATH);
  }

  private void tensor(
      cudnnTensorStruct descriptor, int format, int type, long n, long c, long h, long w) {
    cudnn.check(cudnnCreateTensorDescriptor(descriptor), "cudnnCreateTensorDescriptor", text);
    cudnn.check(
        cudnnSetTensor4dDescriptor(
            descriptor,
            format,
            type,
            Math.toIntExact(n),
            Math.toIntExact(c),
            Math.toIntExact(h),
            Math.toIntExact(w)),
        "cudnnSetTensor4dDescriptor",
        text);
  }

  /** Sets the convolution's math type. */
  void math(int type) {
    cudnn.check(
        cudnnSetConvolutionMathType(convolution, type), "cudnnSetConvolutionMathType", text);
    math = type;
  }

  /** The convolution's math type. */
  int math() {
    return math;
  }

  /** The convolution, for messages. */
  @Override
  public String toString() {
    return text;
  }

  @Override
  public void close() {
    for (cudnnTensorStruct tensor : new cudnnTensorStruct[] {x, y, bias}) {
      if (!tensor.isNull()) {
        cudnn.release(cudnnDestroyTensorDescriptor(tensor));
        tensor.setNull();
      }
    }
    if (!weights.isNull()) {
      cudnn.release(cudnnDestroyFilterDescriptor(weights));
      weights.setNull();
    }
    if (!convolution.isNull()) {
      cudnn.release(cudnnDestroyConvolutionDescriptor(convolution));
      convolution.setNull();
    }
  }
}
