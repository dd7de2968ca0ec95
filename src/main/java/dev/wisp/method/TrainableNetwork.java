package dev.wisp.method;

import dev.wisp.backend.Backend;
import dev.wisp.nn.Parameter;
import java.util.List;

/**
 * What a training loop needs of a network. Methods may be called from any thread; they run on the
 * backend's compute thread, one at a time. Closing returns the network's memory.
 */
public interface TrainableNetwork extends AutoCloseable {
  Backend backend();

  /** All state by name: weights and running statistics. */
  List<Parameter> parameters();

  /** Image pixels per feature position. */
  int outputStride();

  /** Forward and backward; the gradients are in the parameters afterwards. */
  Losses step(TrainingBatch batch);

  /**
   * What a batch adds to the numbers that the losses are divided by, where the losses are no means
   * over images; else empty. Where devices share a batch these numbers are summed.
   */
  default double[] divisors(TrainingBatch batch) {
    return new double[0];
  }

  /**
   * Like {@link #step(TrainingBatch)} for one of several equal parts of a batch: the mean of losses
   * and gradients over the parts is the whole batch's.
   *
   * @param divisors sums over all parts of {@link #divisors}
   */
  default Losses step(TrainingBatch part, double[] divisors, int parts) {
    return step(part);
  }

  @Override
  void close();
}
