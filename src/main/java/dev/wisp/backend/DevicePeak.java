package dev.wisp.backend;

/**
 * What a device could do at best, calculated from its clocks and widths.
 *
 * @param bytesPerSecond to and from its memory
 * @param operationsPerSecond in float32, a fused multiply-add being two
 */
public record DevicePeak(double bytesPerSecond, double operationsPerSecond) {
  /**
   * The least time that so much work can take: whichever of memory and arithmetic takes longer
   * (roofline; Williams, Waterman, Patterson, CACM 52, 2009).
   *
   * @return seconds
   */
  public double bound(double bytes, double operations) {
    return Math.max(bytes / bytesPerSecond, operations / operationsPerSecond);
  }
}
