package dev.wisp.pipeline;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Chooses the images of a set that a report shows: a third of the places for the worst scores, a
 * third for the best, the rest for the first of the list, so that not only extremes are seen. Holds
 * no more than these while images come one by one. Not thread-safe.
 *
 * @param <T> what is kept of an image
 */
public final class Showcase<T> {
  /** Places of a showcase unless a command says otherwise. */
  public static final int STANDARD = 24;

  private final int limit;
  private int scored;
  private final List<Shown<T>> worst = new ArrayList<>();
  private final List<Shown<T>> best = new ArrayList<>();
  private final List<Shown<T>> first = new ArrayList<>();

  /** Why an image is shown. */
  public enum Why {
    WORST,
    BEST,
    FIRST
  }

  /**
   * An image that is shown.
   *
   * @param score 0..1, or NaN where nobody scored it
   * @param value what was kept of it
   */
  public record Shown<T>(Why why, String id, double score, T value) {}

  /** An empty showcase of at most {@code limit} images. */
  public Showcase(int limit) {
    if (limit < 0) {
      throw new IllegalArgumentException("a showcase of " + limit + " images");
    }
    this.limit = limit;
  }

  /**
   * Offers an image.
   *
   * @param score 0..1, or NaN where nobody scored it
   */
  public void add(String id, double score, T value) {
    if (first.size() < limit) {
      first.add(new Shown<>(Why.FIRST, id, score, value));
    }
    if (!Double.isNaN(score)) {
      scored++;
      Comparator<Shown<T>> ascending = Comparator.comparingDouble(Shown::score);
      insert(worst, new Shown<>(Why.WORST, id, score, value), ascending);
      insert(best, new Shown<>(Why.BEST, id, score, value), ascending.reversed());
    }
  }

  /** The earlier of equal scores stays in front. */
  private void insert(List<Shown<T>> kept, Shown<T> one, Comparator<Shown<T>> order) {
    kept.add(one);
    kept.sort(order);
    if (kept.size() > limit / 3) {
      kept.removeLast();
    }
  }

  /** The chosen: the worst from the worst on, the best from the best on, the first; each once. */
  public List<Shown<T>> shown() {
    Map<String, Shown<T>> chosen = new LinkedHashMap<>();
    // Of a few images not all are the worst.
    int third = Math.min(limit, scored) / 3;
    worst.stream().limit(third).forEach(one -> chosen.put(one.id(), one));
    best.stream().limit(third).forEach(one -> chosen.putIfAbsent(one.id(), one));
    first.stream()
        .takeWhile(one -> chosen.size() < limit)
        .forEach(one -> chosen.putIfAbsent(one.id(), one));
    return List.copyOf(chosen.values());
  }
}
