package dev.wisp.backend;

import dev.wisp.tensor.Tensor;
import java.util.List;

/**
 * Sums over several devices, for training that shares a batch among them. Made by {@link
 * Backends#collective}; it does not own the backends. One call at a time, from a thread that is no
 * backend's compute thread.
 */
public interface Collective extends AutoCloseable {
  /**
   * Replaces tensors that exist on every device by their mean over the devices, equal in every bit
   * on all of them. The sum's order is that of the devices.
   *
   * @param tensors one list for each device, in the order of the backends; F32, and the lists agree
   *     in length and shapes
   * @throws IllegalArgumentException if they do not
   * @throws dev.wisp.common.WispException if a device fails meanwhile
   */
  void average(List<List<Tensor>> tensors);

  /** What does the work, in a few words, for the log. */
  String describe();

  @Override
  void close();
}
