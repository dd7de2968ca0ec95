package dev.wisp.method;

import dev.wisp.nn.ResNetConfig;
import java.util.List;

/**
 * Shape of a DeepLabV3 network (method.md section 11).
 *
 * @param encoder with dilation in place of its last strides
 * @param foreground number of foreground classes, K
 * @param rates dilations of the pyramid
 * @param channels of the pyramid and the layers over it
 * @param dropout probability, in [0, 1)
 * @param liveNorms whether norms are trained with the batch's own statistics; else the running ones
 *     are constants
 */
public record DeepLabConfig(
    ResNetConfig encoder,
    int foreground,
    List<Integer> rates,
    int channels,
    float dropout,
    boolean liveNorms) {

  /** Rates at output stride 16; at half the stride they are twice as large. */
  private static final List<Integer> RATES = List.of(6, 12, 18);

  private static final int RATES_STRIDE = 16;

  public DeepLabConfig {
    rates = List.copyOf(rates);
    if (foreground < 1
        || channels < 1
        || rates.stream().anyMatch(rate -> rate < 1)
        || !(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException(
          "DeepLabV3 of %d classes, rates %s, %d channels, dropout %s"
              .formatted(foreground, rates, channels, dropout));
    }
  }

  /**
   * The published network: 256 channels, dropout 0.5, live norms.
   *
   * @param outputStride 8 or 16: image pixels per score, along one axis
   */
  public static DeepLabConfig standard(ResNetConfig encoder, int foreground, int outputStride) {
    return new DeepLabConfig(
        encoder.dilated(outputStride), foreground, rates(RATES, outputStride), 256, 0.5f, true);
  }

  /** The demonstration's: a pyramid that fits maps of 16 positions. */
  public static DeepLabConfig demo(int foreground, int outputStride) {
    return new DeepLabConfig(
        ResNetConfig.demo().dilated(outputStride),
        foreground,
        rates(List.of(1, 2, 3), outputStride),
        64,
        0.1f,
        true);
  }

  private static List<Integer> rates(List<Integer> at16, int outputStride) {
    return at16.stream().map(rate -> rate * RATES_STRIDE / outputStride).toList();
  }

  public DeepLabConfig withDropout(float value) {
    return new DeepLabConfig(encoder, foreground, rates, channels, value, liveNorms);
  }

  public DeepLabConfig withLiveNorms(boolean value) {
    return new DeepLabConfig(encoder, foreground, rates, channels, dropout, value);
  }
}
