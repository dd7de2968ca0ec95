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

  @Override
  void close();
}
