package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.conformance.Trial.Output;
import dev.wisp.backend.conformance.Trial.Rule;
import dev.wisp.backend.reference.ReferenceBackend;
import dev.wisp.backend.reference.Rounding;
import dev.wisp.tensor.Scope;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs cases. No tolerance is picked by hand: the reference's own text, with every step rounded to
 * float32, says what plain float32 costs for the very input; a backend may be off by twice that
 * (the worst of one run that rounds to nearest and of two that round by the toss of a coin) plus
 * two units in the last place of the output's largest value, units of the output's type. Each case
 * runs twice on the backend and must give the same bits.
 */
public final class ConformanceSuite {
  /** Decisions closer than this, relatively, may go either way. An exact tie may not. */
  private static final double UNDECIDED = 1e-6;

  private static final long SEED = 15;

  private ConformanceSuite() {}

  /** All cases that every backend takes, grouped by operation. */
  public static List<ConformanceCase> cases() {
    return Stream.of(
            ConvolutionCases.all(),
            NormCases.all(),
            ResizeCases.all(),
            PointwiseCases.all(),
            MapCases.all(),
            SeedCases.all(),
            PamrCases.all(),
            CrfCases.all(),
            SegmentationCases.all(),
            GroupNormCases.all(),
            IrnCases.all(),
            OptimizerCases.all())
        .flatMap(List::stream)
        .toList();
  }

  /** Cases with F16 tensors, for backends that {@link Backend#takesF16}. */
  public static List<ConformanceCase> halfCases() {
    return HalfCases.all();
  }

  /** What the reference says of one case; the same for every backend. */
  public static final class Expectation {
    private final ConformanceCase test;
    private final List<Output> exact;
    private final List<List<Output>> rounded = new ArrayList<>();

    private Expectation(ConformanceCase test) {
      this.test = test;
      exact = trial(test, ReferenceBackend.exact());
      Stream.of(Rounding.nearest(), Rounding.random(1), Rounding.random(2))
          .map(rounding -> trial(test, new ReferenceBackend(rounding)))
          .filter(outputs -> sameDecisions(outputs, exact))
          .forEach(rounded::add);
    }

    /** Whether any output has an element. */
    boolean hasValues() {
      return hasFloats() || exact.stream().anyMatch(output -> count(output.ints()) > 0);
    }

    boolean hasFloats() {
      return exact.stream().anyMatch(output -> count(output.floats()) > 0);
    }

    private static int count(@Nullable Object array) {
      return array == null ? 0 : Array.getLength(array);
    }
  }

  /** Computes one case on the reference. */
  public static Expectation expect(ConformanceCase test) {
    return new Expectation(test);
  }

  /** Runs one case; an exception of the backend is a failed case. */
  public static ConformanceResult run(ConformanceCase test, Backend backend) {
    return run(expect(test), backend);
  }

  /** Runs a case whose expectation is at hand. */
  public static ConformanceResult run(Expectation expectation, Backend backend) {
    ConformanceCase test = expectation.test;
    List<Output> got;
    List<Output> again;
    try {
      got = backend.compute(() -> trial(test, backend));
      again = backend.compute(() -> trial(test, backend));
    } catch (RuntimeException failure) {
      return new ConformanceResult(
          test.operation(), test.text(), Double.NaN, Double.NaN, 0, 0, false, failure.toString());
    }
    return judge(expectation, got, again);
  }

  private static List<Output> trial(ConformanceCase test, Backend backend) {
    try (Scope scope = backend.scope()) {
      Trial trial = new Trial(backend, scope, SEED ^ (long) test.name().hashCode() << 8);
      test.body().accept(trial);
      return trial.outputs();
    }
  }

  /** A rounded run that decided otherwise computed something else: it measures nothing. */
  private static boolean sameDecisions(List<Output> a, List<Output> b) {
    for (int i = 0; i < a.size(); i++) {
      int[] ints = a.get(i).ints();
      if (ints != null && !Arrays.equals(ints, b.get(i).ints())) {
        return false;
      }
    }
    return true;
  }

  private static ConformanceResult judge(
      Expectation expectation, List<Output> got, List<Output> again) {
    List<Output> exact = expectation.exact;
    Verdict verdict = new Verdict();
    for (int i = 0; i < exact.size(); i++) {
      Output expected = exact.get(i);
      Output actual = got.get(i);
      if (!sameBits(actual, again.get(i))) {
        verdict.fail(actual.name() + ": the second run gave other bits");
      }
      if (expected.floats() == null) {
        verdict.decisions(actual, expected);
      } else {
        double floor = 0;
        for (List<Output> run : expectation.rounded) {
          floor = Math.max(floor, error(run.get(i), expected));
        }
        verdict.floats(actual, expected, floor);
      }
    }
    return verdict.result(expectation.test);
  }

  private static boolean sameBits(Output a, Output b) {
    return Arrays.equals(a.floats(), b.floats()) && Arrays.equals(a.ints(), b.ints());
  }

  private static double error(Output a, Output b) {
    double[] x = Objects.requireNonNull(a.floats());
    double[] y = Objects.requireNonNull(b.floats());
    double worst = 0;
    for (int i = 0; i < x.length; i++) {
      double error = error(x[i], y[i]);
      // A plain float32 that is not a number where float64 is one gives no licence.
      worst = Math.max(worst, Double.isFinite(error) ? error : 0);
    }
    return worst;
  }

  /** Distance; NaN must meet NaN, infinity the same infinity. */
  private static double error(double a, double b) {
    if (a == b || (Double.isNaN(a) && Double.isNaN(b))) {
      return 0;
    }
    double error = Math.abs(a - b);
    return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
  }

  /** Collects the outputs' errors. */
  private static final class Verdict {
    private final List<String> failures = new ArrayList<>();
    private double share = -1;
    private double maxAbs;
    private double maxRel;
    private double tolerance;
    private int excused;
    private String worst = "exact";

    void fail(String message) {
      failures.add(message);
    }

    void decisions(Output actual, Output expected) {
      int[] got = Objects.requireNonNull(actual.ints());
      int[] want = Objects.requireNonNull(expected.ints());
      double[] margins = expected.margins();
      for (int i = 0; i < want.length; i++) {
        if (got[i] == want[i]) {
          continue;
        }
        if (margins != null && margins[i] > 0 && margins[i] < UNDECIDED) {
          excused++;
        } else {
          fail("%s[%d] is %d, expected %d".formatted(actual.name(), i, got[i], want[i]));
          return;
        }
      }
    }

    void floats(Output actual, Output expected, double plain) {
      double[] got = Objects.requireNonNull(actual.floats());
      double[] want = Objects.requireNonNull(expected.floats());
      double largest = 0;
      double error = 0;
      int at = 0;
      for (int i = 0; i < want.length; i++) {
        if (Double.isFinite(want[i])) {
          largest = Math.max(largest, Math.abs(want[i]));
        }
        double e = error(got[i], want[i]);
        if (e > error) {
          error = e;
          at = i;
        }
        boolean stray = expected.rule() == Rule.CLOSE_AND_ZERO && want[i] == 0 && got[i] != 0;
        boolean inexact = expected.rule() == Rule.EXACT && error(got[i], (float) want[i]) != 0;
        if (stray || inexact) {
          fail("%s[%d] is %s, expected exactly %s".formatted(actual.name(), i, got[i], want[i]));
          break;
        }
      }
      double allowed = 2 * plain + 2 * expected.unit() * largest;
      double used = error == 0 ? 0 : error / allowed;
      if (used > share) {
        share = used;
        maxAbs = error;
        maxRel = largest == 0 ? error : error / largest;
        tolerance = allowed;
        worst = actual.name();
      }
      if (!(error <= allowed)) {
        fail(
            "%s[%d] is %s, expected %s, tolerance %.3g"
                .formatted(actual.name(), at, got[at], want[at], allowed));
      }
    }

    ConformanceResult result(ConformanceCase test) {
      return new ConformanceResult(
          test.operation(),
          test.text(),
          maxAbs,
          maxRel,
          tolerance,
          excused,
          failures.isEmpty(),
          failures.isEmpty() ? worst : String.join("; ", failures));
    }
  }
}
