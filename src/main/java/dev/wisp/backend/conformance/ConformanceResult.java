package dev.wisp.backend.conformance;

import java.util.Locale;

/**
 * Outcome of one case on one backend. The figures are those of the output that used most of its
 * tolerance.
 *
 * @param operation name of the SPI method
 * @param text the case's line
 * @param maxAbsError largest absolute error against float64
 * @param maxRelError the same divided by the output's largest value
 * @param tolerance largest absolute error allowed
 * @param excused decisions (seeds, arguments of maxima) that differ where float64's best two are
 *     closer than 1e-6 relative
 * @param pass whether all outputs are within their tolerances and two runs gave the same bits
 * @param detail what failed, or the output the figures belong to
 */
public record ConformanceResult(
    String operation,
    String text,
    double maxAbsError,
    double maxRelError,
    double tolerance,
    int excused,
    boolean pass,
    String detail) {
  /** One line. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s %s: %s, max abs %.2e, max rel %.2e, tolerance %.1e%s (%s)",
        pass ? "ok  " : "FAIL",
        operation,
        text,
        maxAbsError,
        maxRelError,
        tolerance,
        excused == 0 ? "" : ", excused decisions " + excused,
        detail);
  }
}
