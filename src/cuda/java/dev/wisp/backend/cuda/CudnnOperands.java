package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.cuda.CudaWeights.Form;
import dev.wisp.backend.cuda.CudnnPass.Operands;

/**
 * A convolution's operands in the layout it is computed in: the tensors themselves, or workspace
 * that inputs have been turned or rounded into and that a result is still to be fetched from.
 */
final class CudnnOperands {
  private final CudaLayouts layouts;
  private final CudaHalf half;

  CudnnOperands(CudaLayouts layouts, CudaHalf half) {
    this.layouts = layouts;
    this.half = half;
  }

  /** Of a forward convolution into y. */
  Operands forward(
      CudaCall call, CudnnLayout layout, ConvolutionSizes s, long x, CudaWeights weights, long y) {
    return switch (layout) {
      case NHWC -> new Operands(x, weights.packed(), y);
      case NCHW ->
          new Operands(
              planarInput(call, s, x),
              planarWeights(weights),
              call.workspace(s.outputElements() * Float.BYTES));
      case HALF ->
          new Operands(
              half.narrowed(call, x, s.inputElements()),
              narrowWeights(weights),
              call.workspace(s.outputElements() * Short.BYTES));
      case PLAIN -> throw new AssertionError(layout);
    };
  }

  /** Of a gradient of the input, into dx. */
  Operands data(
      CudaCall call,
      CudnnLayout layout,
      ConvolutionSizes s,
      long dy,
      CudaWeights weights,
      long dx) {
    return switch (layout) {
      case NHWC -> new Operands(dx, weights.packed(), dy);
      case NCHW ->
          new Operands(
              call.workspace(s.inputElements() * Float.BYTES),
              planarWeights(weights),
              planarOutput(call, s, dy));
      case HALF ->
          new Operands(
              call.workspace(s.inputElements() * Short.BYTES),
              narrowWeights(weights),
              half.narrowed(call, dy, s.outputElements()));
      case PLAIN -> throw new AssertionError(layout);
    };
  }

  /** Of a gradient of the weights, into dw. */
  Operands weights(
      CudaCall call, CudnnLayout layout, ConvolutionSizes s, long x, long dy, long dw) {
    return switch (layout) {
      case NHWC -> new Operands(x, gradient(call, s, dw), dy);
      case NCHW -> new Operands(planarInput(call, s, x), dw, planarOutput(call, s, dy));
      case HALF ->
          new Operands(
              half.narrowed(call, x, s.inputElements()),
              call.workspace(s.spec().weights() * Short.BYTES),
              half.narrowed(call, dy, s.outputElements()));
      case PLAIN -> throw new AssertionError(layout);
    };
  }

  /** Memory for a gradient {@code [O, kH, kW, I]}: dw itself where there is one tap. */
  static long gradient(CudaCall call, ConvolutionSizes s, long dw) {
    return s.taps() == 1 ? dw : call.workspace(s.spec().weights() * Float.BYTES);
  }

  /** Widens a gradient {@code [O, kH, kW, I]} of the weights and turns it into dw. */
  void fetchGradient(CudaCall call, ConvolutionSizes s, long rounded, long dw) {
    long result = gradient(call, s, dw);
    half.widen(rounded, result, s.spec().weights());
    turnGradient(s, result, dw);
  }

  /** Turns a gradient {@code [O, kH, kW, I]} into dw, unless it lies there already. */
  void turnGradient(ConvolutionSizes s, long result, long dw) {
    if (result != dw) {
      layouts.transpose(result, dw, s.spec().outChannels(), s.taps(), s.spec().inChannels());
    }
  }

  private long planarInput(CudaCall call, ConvolutionSizes s, long x) {
    long target = call.workspace(s.inputElements() * Float.BYTES);
    layouts.transpose(x, target, s.n(), s.h() * s.w(), s.spec().inChannels());
    return target;
  }

  private long planarOutput(CudaCall call, ConvolutionSizes s, long y) {
    long target = call.workspace(s.outputElements() * Float.BYTES);
    layouts.transpose(y, target, s.n(), s.outputs() / s.n(), s.spec().outChannels());
    return target;
  }

  private long planarWeights(CudaWeights weights) {
    ConvSpec spec = weights.spec();
    long taps = (long) spec.kernel() * spec.kernel();
    return taps == 1
        ? weights.packed()
        : weights.in(
            Form.PLANAR,
            target ->
                layouts.transpose(
                    weights.packed(), target, spec.outChannels(), taps, spec.inChannels()));
  }

  /** The weights in float16. */
  long narrowWeights(CudaWeights weights) {
    return weights.in(
        Form.HALF, target -> half.narrow(weights.packed(), target, weights.spec().weights()));
  }
}
