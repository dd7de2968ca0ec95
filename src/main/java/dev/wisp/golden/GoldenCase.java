package dev.wisp.golden;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Collects one case's comparisons, tells them in a line and fails when a tensor is outside. It has
 * the name, the largest absolute and relative error of all tensors, and the tolerance of the tensor
 * that comes nearest to its own, with that tensor's name and error. Relative errors are relative to
 * the tensor's largest value.
 */
public final class GoldenCase {
  private final GoldenFile file;
  private final String name;
  private final String label;
  private final List<String> failures = new ArrayList<>();
  private @Nullable Throwable interruption;
  private int tensors;
  private double maxAbs;
  private double maxRel;
  private double worstShare = -1;
  private double worstError;
  private double worstTolerance;
  private String worst = "";

  GoldenCase(GoldenFile file, String name, String label) {
    this.file = file;
    this.name = name;
    this.label = label;
  }

  /** The file that holds the case. */
  public GoldenFile file() {
    return file;
  }

  /** The case's name, empty where a file is one case. */
  public String name() {
    return name;
  }

  /** Full name of a tensor of this case. */
  public String tensor(String suffix) {
    return name.isEmpty() ? suffix : name + "/" + suffix;
  }

  /** Whether the file has a tensor of this case. */
  public boolean has(String suffix) {
    return file.has(tensor(suffix));
  }

  /** Compares all elements, in the stored tensor's row-major order; NaN must meet NaN. */
  public GoldenCase check(String suffix, float[] actual) {
    double[] values = new double[actual.length];
    for (int i = 0; i < actual.length; i++) {
      values[i] = actual[i];
    }
    return check(suffix, values);
  }

  /** Like {@link #check(String, float[])} within a share of the tensor's largest value. */
  public GoldenCase checkShare(String suffix, double share, float[] actual) {
    double[] values = new double[actual.length];
    for (int i = 0; i < actual.length; i++) {
      values[i] = actual[i];
    }
    return check(suffix, (tensor, largest) -> share * largest, values);
  }

  /** Compares all elements, in the stored tensor's row-major order; NaN must meet NaN. */
  public GoldenCase check(String suffix, double... actual) {
    return check(suffix, file::tolerance, actual);
  }

  /** Compares with a tensor within the tolerance of another, which has an entry. */
  public GoldenCase checkLike(String suffix, String like, float[] actual) {
    double[] values = new double[actual.length];
    for (int i = 0; i < actual.length; i++) {
      values[i] = actual[i];
    }
    return check(suffix, (tensor, largest) -> file.tolerance(tensor(like), largest), values);
  }

  private interface Tolerance {
    double of(String tensor, double largest);
  }

  private GoldenCase check(String suffix, Tolerance rule, double... actual) {
    String tensor = tensor(suffix);
    double[] expected = file.values(tensor);
    int stride = file.stride(tensor);
    if (!complete(suffix, actual.length)) {
      return this;
    }
    double largest = 0;
    double worstError = 0;
    for (int i = 0; i < expected.length; i++) {
      double value = actual[i * stride];
      if (Double.isNaN(expected[i]) || Double.isNaN(value)) {
        if (Double.isNaN(expected[i]) != Double.isNaN(value)) {
          worstError = Double.POSITIVE_INFINITY;
        }
        continue;
      }
      largest = Math.max(largest, Math.abs(expected[i]));
      worstError = Math.max(worstError, Math.abs(value - expected[i]));
    }
    double tolerance = rule.of(tensor, largest);
    note(suffix, worstError, largest, tolerance);
    file.stats(tensor).ifPresent(stats -> checkStats(suffix, stats, actual, tolerance));
    return this;
  }

  /** Compares a tensor of which only the statistics are stored, within another's tolerance. */
  public GoldenCase checkStats(String suffix, String like, float[] actual) {
    double largest = 0;
    for (double value : file.values(tensor(like))) {
      largest = Math.max(largest, Math.abs(value));
    }
    double[] values = new double[actual.length];
    for (int i = 0; i < actual.length; i++) {
      values[i] = actual[i];
    }
    if (complete(suffix, actual.length)) {
      tensors++;
      double tolerance = file.tolerance(tensor(like), largest);
      checkStats(suffix, file.stats(tensor(suffix)).orElseThrow(), values, tolerance);
    }
    return this;
  }

  /** Whether there are as many elements as the stored shape says; else a failure. */
  private boolean complete(String suffix, int length) {
    long count = 1;
    for (long size : file.shape(tensor(suffix))) {
      count *= size;
    }
    if (length != count) {
      fail(suffix, "%d elements, expected %d".formatted(length, count));
    }
    return length == count;
  }

  /** The whole tensor's sum, sum of absolute values, maximum, minimum and L2 norm. */
  private void checkStats(String suffix, double[] expected, double[] actual, double tolerance) {
    double sum = 0;
    double absolute = 0;
    double max = Double.NEGATIVE_INFINITY;
    double min = Double.POSITIVE_INFINITY;
    double squares = 0;
    for (double value : actual) {
      sum += value;
      absolute += Math.abs(value);
      max = Math.max(max, value);
      min = Math.min(min, value);
      squares += value * value;
    }
    double[] got = {sum, absolute, max, min, Math.sqrt(squares)};
    double n = actual.length;
    double[] allowed = {
      n * tolerance, n * tolerance, tolerance, tolerance, Math.sqrt(n) * tolerance
    };
    for (int i = 0; i < got.length; i++) {
      boolean undefined = Double.isNaN(got[i]) && Double.isNaN(expected[i]);
      if (!undefined && !(Math.abs(got[i] - expected[i]) <= allowed[i])) {
        fail(suffix + "@stats[" + i + "]", got[i] + ", expected " + expected[i]);
      }
    }
  }

  /** Compares with a tolerance that the folder's README states in words. */
  public GoldenCase checkRelative(String suffix, double relative, double... actual) {
    double[] expected = file.tensors().doubles(tensor(suffix));
    if (actual.length != expected.length) {
      return fail(suffix, "%d elements, expected %d".formatted(actual.length, expected.length));
    }
    for (int i = 0; i < actual.length; i++) {
      double size = Math.abs(expected[i]);
      note(suffix, Math.abs(actual[i] - expected[i]), size, relative * size);
    }
    return this;
  }

  /** Takes a distance that the caller measured, of a value of that size. */
  public GoldenCase checkDistance(String suffix, double distance, double size, double tolerance) {
    note(suffix, distance, size, tolerance);
    return this;
  }

  /** Compares class ids or bytes: all must be equal. */
  public GoldenCase checkExact(String suffix, int[] actual) {
    double[] expected = file.values(tensor(suffix));
    int stride = file.stride(tensor(suffix));
    if (!complete(suffix, actual.length)) {
      return this;
    }
    int differing = 0;
    for (int i = 0; i < expected.length; i++) {
      differing += actual[i * stride] == expected[i] ? 0 : 1;
    }
    tensors++;
    if (differing > 0) {
      fail(suffix, "%d of %d differ".formatted(differing, expected.length));
    }
    return this;
  }

  /** Compares unsigned bytes: all must be equal. */
  public GoldenCase checkExact(String suffix, byte[] actual) {
    int[] values = new int[actual.length];
    for (int i = 0; i < actual.length; i++) {
      values[i] = actual[i] & 0xff;
    }
    return checkExact(suffix, values);
  }

  /** Compares a gradient with its summary: L2 norm, sum, max |.|, first 16 values. */
  public GoldenCase checkGradient(String suffix, float[] gradient) {
    double[] expected = file.tensors().doubles(tensor(suffix));
    double norm = l2(gradient);
    double scale = expected[0];
    double relative = file.relativeL2(tensor(suffix));
    note(suffix, Math.abs(norm - scale), scale, relative * scale);
    note(suffix, Math.abs(max(gradient) - expected[2]), scale, relative * scale);
    note(
        suffix,
        Math.abs(sum(gradient) - expected[1]),
        scale * Math.sqrt(gradient.length),
        relative * scale * Math.sqrt(gradient.length));
    return first(suffix, gradient, expected, 3, relative * scale);
  }

  /** Compares weights after steps with their summary: see the folder's README, {@code after/}. */
  public GoldenCase checkUpdate(String suffix, float[] before, float[] after) {
    double[] expected = file.tensors().doubles(tensor(suffix));
    float[] update = new float[after.length];
    for (int i = 0; i < after.length; i++) {
      update[i] = after[i] - before[i];
    }
    double scale = expected[3];
    double allowed = file.relativeL2(tensor(suffix)) * scale;
    double spread = Math.sqrt(after.length);
    note(suffix, Math.abs(sum(after) - expected[0]), scale * spread, allowed * spread);
    note(suffix, Math.abs(l2(after) - expected[1]), scale, allowed);
    note(suffix, Math.abs(sum(update) - expected[2]), scale * spread, allowed * spread);
    note(suffix, Math.abs(l2(update) - expected[3]), scale, allowed);
    note(suffix, Math.abs(max(update) - expected[4]), scale, allowed);
    return first(suffix, after, expected, 5, allowed);
  }

  private GoldenCase first(
      String suffix, float[] values, double[] expected, int from, double allowed) {
    double squares = 0;
    for (int i = from; i < expected.length && i - from < values.length; i++) {
      double d = values[i - from] - expected[i];
      squares += d * d;
    }
    note(suffix, Math.sqrt(squares), expected[0] == 0 ? 1 : Math.abs(expected[0]), allowed);
    return this;
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  private static double l2(float[] values) {
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares);
  }

  private static double max(float[] values) {
    double max = 0;
    for (float value : values) {
      max = Math.max(max, Math.abs(value));
    }
    return max;
  }

  private void note(String suffix, double error, double scale, double tolerance) {
    tensors++;
    maxAbs = Math.max(maxAbs, error);
    maxRel = Math.max(maxRel, scale == 0 ? error : error / scale);
    double share = error == 0 ? 0 : error / tolerance;
    if (share > worstShare) {
      worstShare = share;
      worstError = error;
      worstTolerance = tolerance;
      worst = suffix;
    }
    if (!(error <= tolerance)) {
      fail(suffix, "error %.3g, tolerance %.3g".formatted(error, tolerance));
    }
  }

  private GoldenCase fail(String suffix, String message) {
    failures.add(tensor(suffix) + ": " + message);
    return this;
  }

  /**
   * Runs the comparisons and finishes, so that a case which breaks off has its line too.
   *
   * @return as {@link #finish}
   */
  public String run(Consumer<GoldenCase> comparisons) {
    try {
      comparisons.accept(this);
    } catch (RuntimeException | AssertionError broken) {
      interruption = broken;
      failures.add("broke off: " + broken);
    }
    return finish();
  }

  /**
   * Ends the case.
   *
   * @return its line
   * @throws GoldenMismatch with the line, if something was outside or nothing was compared
   */
  public String finish() {
    if (tensors == 0 && failures.isEmpty()) {
      failures.add("nothing was compared");
    }
    String line =
        String.format(
            Locale.ROOT,
            "golden %-16s %-12s %-10s %4d checks, max abs %.2e, max rel %.2e, tolerance %.2e"
                + " (%s)%s",
            file.stem(),
            name,
            label,
            tensors,
            maxAbs,
            maxRel,
            worstTolerance,
            worst.isEmpty() ? "exact" : String.format(Locale.ROOT, "%s: %.2e", worst, worstError),
            failures.isEmpty() ? "" : " FAILED");
    if (!failures.isEmpty()) {
      throw new GoldenMismatch(line, failures, interruption);
    }
    return line;
  }
}
