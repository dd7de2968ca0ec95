package dev.wisp.pipeline;

import dev.wisp.data.loader.Batch;
import java.util.Map;
import java.util.function.Supplier;

/** What {@link TrainingLoop} trains: a network with its optimiser. Used on one thread. */
interface Learner {
  /**
   * One optimiser step. A device may still be computing it on return.
   *
   * @param step from 0
   * @param total steps of the whole training, for the schedule
   * @return numbers for the metrics, waited for when they are asked for, once
   */
  Supplier<Map<String, Double>> step(Batch batch, long step, long total);

  /** Says which batch is the next step's: a device may copy it while it computes. */
  void prefetch(Batch batch);

  /** Everything that decides the next step besides the batch: weights, statistics, velocities. */
  Map<String, Checkpoint.Value> state();

  /**
   * Takes what {@link #state} gave after {@code step} steps.
   *
   * @throws dev.wisp.common.WispException if a tensor is missing or has another shape
   */
  void restore(long step, Checkpoint state);

  /** What remains after training: weights and statistics under their public names. */
  Map<String, Checkpoint.Value> weights();

  /**
   * Numbers on images that are not trained on, after an epoch; empty if there are none. The entry
   * {@value #SELECTION}, if any, ranks epochs.
   */
  Map<String, Double> validate();

  /** The validation number that selects {@code best.safetensors}. */
  String SELECTION = "val/miou";
}
