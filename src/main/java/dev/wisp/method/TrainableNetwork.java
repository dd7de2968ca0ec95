package dev.wisp.method;

import dev.wisp.backend.Backend;
import dev.wisp.nn.Parameter;
import java.util.List;
import java.util.function.Supplier;

/**
 * What a training loop needs of a network. Methods may be called from any thread; they run on the
 * backend's compute thread, one at a time. Closing returns the network's memory.
 */
public interface TrainableNetwork extends AutoCloseable {
  Backend backend();

  /** All state by name: weights and running statistics. */
  List<Parameter> parameters();

  /** Image pixels per feature position: training crops must be multiples of it. */
  int outputStride();

  /** Forward and backward; the gradients are in the parameters afterwards. */
  default Losses step(TrainingBatch batch) {
    return queue(batch).get();
  }

  /**
   * {@link #step} without waiting for the device: the losses, to be asked for when other work is
   * queued too. From any thread.
   */
  Supplier<Losses> queue(TrainingBatch batch);

  @Override
  void close();
}
