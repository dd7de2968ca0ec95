package dev.wisp.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers for people. */
final class Numbers {
  private static final MathContext FOUR_DIGITS = new MathContext(4);

  private Numbers() {}

  /** A share as a percentage with two decimals; "-" for NaN. */
  static String percent(double share) {
    return Double.isNaN(share) ? "-" : String.format(Locale.ROOT, "%.2f", 100 * share);
  }

  /** Four significant digits, without an exponent where that stays short. */
  static String plain(double value) {
    if (!Double.isFinite(value)) {
      return Double.isNaN(value) ? "-" : Double.toString(value);
    }
    BigDecimal rounded = new BigDecimal(value).round(FOUR_DIGITS);
    double size = Math.abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e7)) {
      return String.format(Locale.ROOT, "%.3g", value);
    }
    return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
  }

  /** Seconds, from two minutes on with minutes, from two hours on with hours. */
  static String seconds(double seconds) {
    if (seconds < 120) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long whole = Math.round(seconds);
    return whole < 7200
        ? "%d min %d s".formatted(whole / 60, whole % 60)
        : "%d h %d min".formatted(whole / 3600, whole % 3600 / 60);
  }

  /** Megabytes, from a thousand on as gigabytes. */
  static String megabytes(long megabytes) {
    return megabytes < 1000
        ? megabytes + " MB"
        : String.format(Locale.ROOT, "%.1f GB", megabytes / 1024.0);
  }
}
