package dev.wisp.method;

import dev.wisp.nn.ResNetConfig;

/**
 * Shape of {@link IrnNet}.
 *
 * @param encoder whose first layer keeps its input's size, as all do
 * @param foreground K: labels are valid in 0..K
 * @param radius of the pairs that training compares, in positions of the boundary map, 2..64
 */
public record IrnConfig(ResNetConfig encoder, int foreground, int radius) {
  public IrnConfig {
    if (foreground < 0 || radius < 2 || radius > 64 || encoder.layers().getFirst().stride() != 1) {
      throw new IllegalArgumentException(
          "IRN of %d classes, radius %d, over %s".formatted(foreground, radius, encoder));
    }
  }

  /** As published: ResNet-50, radius 10. */
  public static IrnConfig published(int foreground) {
    return new IrnConfig(ResNetConfig.resnet50(), foreground, 10);
  }

  /** Image pixels per position of the boundary map, along one axis. */
  public int boundaryStride() {
    return encoder.stemStride() * (encoder.stemPool() ? 2 : 1);
  }

  /** Size of the boundary map along one axis for an image of this size. */
  public int boundarySize(int pixels) {
    return (pixels - 1) / boundaryStride() + 1;
  }
}
