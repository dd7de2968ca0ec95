package dev.wisp.data.transform;

import dev.wisp.common.CounterRandom;

/** How training scales an image before it is cropped. */
public sealed interface Scaling {
  /** The scaled size of an image. */
  Sizes.Size size(int height, int width, CounterRandom random);

  /**
   * The longer side becomes a random integer.
   *
   * @param low smallest length, at least 1
   * @param high largest, inclusive
   */
  record LongSide(int low, int high) implements Scaling {
    @Override
    public Sizes.Size size(int height, int width, CounterRandom random) {
      return Sizes.longSide(height, width, low + random.nextInt(high - low + 1));
    }
  }

  /**
   * Both sides times a random factor, uniform in {@code [low, high)}.
   *
   * @param low smallest factor, above 0
   * @param high largest, at least {@code low}
   */
  record Factor(double low, double high) implements Scaling {
    @Override
    public Sizes.Size size(int height, int width, CounterRandom random) {
      return Sizes.scaled(height, width, low + (high - low) * random.nextDouble());
    }
  }
}
