package dev.wisp.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Numbers to places on a line, with round numbers marked.
 *
 * @param low a round number at or below all values
 * @param high a round number at or above the values, or the last of them
 * @param step between marks
 * @param from place of {@code low}
 * @param to place of {@code high}
 */
record Axis(double low, double high, double step, double from, double to) {
  /**
   * An axis over a range.
   *
   * @param marks about how many marks it should have
   */
  static Axis over(double least, double most, int marks, double from, double to) {
    double low = Double.isFinite(least) ? least : 0;
    double high = Double.isFinite(most) && most > low ? most : low + 1;
    double step = round((high - low) / marks);
    return new Axis(Math.floor(low / step) * step, Math.ceil(high / step) * step, step, from, to);
  }

  /** An axis from zero that ends at a value, round or not. */
  static Axis upTo(double most, int marks, double from, double to) {
    double high = most > 0 ? most : 1;
    return new Axis(0, high, round(high / marks), from, to);
  }

  /** 1, 2 or 5 times a power of ten, at or above a length. */
  private static double round(double length) {
    double power = Math.pow(10, Math.floor(Math.log10(length)));
    double share = length / power;
    return (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10) * power;
  }

  /** The round numbers from low to high. */
  List<Double> marks() {
    List<Double> marks = new ArrayList<>();
    for (int i = 0; low + i * step <= high + step / 1000; i++) {
      marks.add(low + i * step);
    }
    return marks;
  }

  /** A number's place; of one beyond the axis its end. */
  double at(double value) {
    return from + (Math.clamp(value, low, high) - low) / (high - low) * (to - from);
  }

  /** A number's place as an attribute. */
  String place(double value) {
    return coordinate(at(value));
  }

  /** A coordinate with as many digits as can be seen. */
  static String coordinate(double value) {
    double rounded = Math.rint(value * 10) / 10;
    return rounded == Math.rint(rounded) ? Long.toString((long) rounded) : Double.toString(rounded);
  }
}
