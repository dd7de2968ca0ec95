package dev.wisp.backend;

/**
 * A 2-D convolution without groups, the same in both directions. Output size per axis: {@code (in +
 * 2 padding - dilation (kernel - 1) - 1) / stride + 1}, rounded down.
 */
public record ConvSpec(
    int inChannels, int outChannels, int kernel, int stride, int padding, int dilation) {
  public ConvSpec {
    if (inChannels < 1
        || outChannels < 1
        || kernel < 1
        || stride < 1
        || padding < 0
        || dilation < 1) {
      throw new IllegalArgumentException(
          "convolution %d->%d kernel %d stride %d padding %d dilation %d"
              .formatted(inChannels, outChannels, kernel, stride, padding, dilation));
    }
  }

  /** A 1x1 convolution of stride 1. */
  public static ConvSpec pointwise(int inChannels, int outChannels) {
    return new ConvSpec(inChannels, outChannels, 1, 1, 0, 1);
  }

  /** Output size along one axis; throws when the input is smaller than the kernel's reach. */
  public long outSize(long in) {
    long out = Math.floorDiv(in + 2L * padding - (long) dilation * (kernel - 1) - 1, stride) + 1;
    if (out < 1) {
      throw new IllegalArgumentException("input of size " + in + " is too small for " + this);
    }
    return out;
  }

  /** Number of weights. */
  public long weights() {
    return (long) outChannels * inChannels * kernel * kernel;
  }
}
