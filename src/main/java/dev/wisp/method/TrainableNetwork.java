package dev.wisp.method;

import dev.wisp.backend.Backend;
import dev.wisp.nn.Parameter;
import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
    return step(batch, (Tensor) null);
  }

  /**
   * The same with gradients that are larger by a factor; the losses are not.
   *
   * @param lossScale its first element is the factor; or null for none
   */
  Losses step(TrainingBatch batch, @Nullable Tensor lossScale);

  @Override
  void close();
}
