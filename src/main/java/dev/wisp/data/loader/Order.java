package dev.wisp.data.loader;

import dev.wisp.common.CounterRandom;
import java.util.Arrays;

/**
 * Which samples each step sees: every epoch a shuffle of its own, the last partial batch dropped. A
 * function of seed and step alone.
 *
 * @param seed decides the shuffles
 * @param samples number of samples
 * @param batch samples per step, at most {@code samples}
 */
public record Order(long seed, int samples, int batch) {
  private static final long SHUFFLE = 0x5355;

  public Order {
    if (batch < 1 || batch > samples) {
      throw new IllegalArgumentException("batches of %d out of %d".formatted(batch, samples));
    }
  }

  /** Steps of one epoch. */
  public int stepsPerEpoch() {
    return samples / batch;
  }

  /** Epoch of a step, from 0. */
  public int epoch(long step) {
    return Math.toIntExact(step / stepsPerEpoch());
  }

  /** The samples of a step. */
  public int[] at(long step) {
    int[] order = new int[samples];
    Arrays.setAll(order, i -> i);
    CounterRandom.of(seed, SHUFFLE, epoch(step)).shuffle(order);
    int begin = (int) (step % stepsPerEpoch()) * batch;
    return Arrays.copyOfRange(order, begin, begin + batch);
  }
}
