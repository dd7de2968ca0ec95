package dev.wisp.method;

import dev.wisp.backend.Backend;
import dev.wisp.nn.Parameter;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

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
  default Losses step(TrainingBatch batch) {
    return step(batch, (Tensor) null);
  }

  /**
   * The same with gradients that are larger by a factor; the losses are not.
   *
   * @param lossScale its first element is the factor; or null for none
   */
  default Losses step(TrainingBatch batch, @Nullable Tensor lossScale) {
    return queue(batch, divisors(batch), 1, lossScale).get();
  }

  /**
   * What a batch adds to the numbers that the losses are divided by, where the losses are no means
   * over images; else empty. Where devices share a batch these numbers are summed.
   */
  default double[] divisors(TrainingBatch batch) {
    return new double[0];
  }

  /**
   * {@link #step} without waiting for the device, for one of several equal parts of a batch: the
   * mean of losses and gradients over the parts is the whole batch's.
   *
   * @param divisors sums over all parts of {@link #divisors}
   * @param lossScale gradients, not losses, are larger by its first element; or null
   * @return the losses, to be asked for when other work is queued too, from any thread
   */
  Supplier<Losses> queue(
      TrainingBatch part, double[] divisors, int parts, @Nullable Tensor lossScale);

  @Override
  void close();
}
