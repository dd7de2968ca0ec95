package dev.wisp.method;

import dev.wisp.common.WispException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The steps after structure analysis (the paper's Table 3). The first prototypes come from the
 * structure seeds, later ones from the argmax of the current maps.
 */
public record MapSequence(List<Step> steps) {
  /** One step. */
  public enum Step {
    /** Prototypes from seeds. */
    PR,
    /** Reactivation: image-specific maps from prototypes. */
    IS,
    /** Refinement of the maps by colour affinity, back at the feature grid. */
    PAMR
  }

  /** SIPE, the baseline. */
  public static final MapSequence SIPE = parse("pr,is");

  /** AE-SIPE. */
  public static final MapSequence AE = parse("pr,is,pamr,pr,is");

  public MapSequence {
    steps = List.copyOf(steps);
    boolean legal = !steps.isEmpty() && steps.getLast() == Step.IS;
    Step before = null;
    for (Step step : steps) {
      legal &= mayFollow(before, step);
      before = step;
    }
    if (!legal) {
      throw new WispException(
          "sequence '%s' is not legal; begin with pr,is and follow with pr,is or pamr,pr,is"
              .formatted(text(steps)));
    }
  }

  private static boolean mayFollow(@Nullable Step before, Step step) {
    return switch (step) {
      case PR -> before != Step.PR;
      case IS -> before == Step.PR;
      case PAMR -> before == Step.IS;
    };
  }

  /**
   * Reads {@code pr,is,pamr,pr,is}.
   *
   * @throws WispException in one line for an unknown step or an illegal order
   */
  public static MapSequence parse(String text) {
    return new MapSequence(
        Stream.of(text.split(",", -1)).map(part -> step(text, part.strip())).toList());
  }

  private static Step step(String text, String part) {
    for (Step step : Step.values()) {
      if (step.name().toLowerCase(Locale.ROOT).equals(part)) {
        return step;
      }
    }
    throw new WispException(
        "sequence '%s': step '%s' is unknown; use pr, is and pamr".formatted(text, part));
  }

  /** Position of the last PR: the gradient flows from there on. */
  int lastPrototypes() {
    return steps.lastIndexOf(Step.PR);
  }

  private static String text(List<Step> steps) {
    return steps.stream()
        .map(step -> step.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(","));
  }

  /** The form that {@link #parse} reads. */
  @Override
  public String toString() {
    return text(steps);
  }
}
