package dev.wisp.backend;

/**
 * A convolution's weights in the layouts a backend wants, made by {@link
 * ConvolutionOps#convWeights}. Packed lazily per layout, again after each {@link
 * ConvolutionOps#loadWeights}. Close it to return its memory.
 */
public interface ConvWeights extends AutoCloseable {
  ConvSpec spec();

  @Override
  void close();
}
