package dev.wisp.backend;

import dev.wisp.tensor.Shape;
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
   * on all of them. The order of the sum is the same in each call.
   *
   * @param tensors one list for each device, in the order of the backends; F32, and the lists agree
   *     in length and shapes
   * @throws IllegalArgumentException if they do not
   * @throws dev.wisp.common.WispException if a device fails meanwhile
   */
  void average(List<List<Tensor>> tensors);

  /**
   * The shapes of each device's list.
   *
   * @param tensors as for {@link #average}
   * @throws IllegalArgumentException if the lists are not one for each device or do not agree
   */
  static List<Shape> commonShapes(List<List<Tensor>> tensors, int devices) {
    List<List<Shape>> shapes =
        tensors.stream().map(list -> list.stream().map(Tensor::shape).toList()).distinct().toList();
    if (tensors.size() != devices || shapes.size() != 1) {
      throw new IllegalArgumentException(
          "average: tensors %s on %d devices".formatted(tensors, devices));
    }
    return shapes.getFirst();
  }

  /** What does the work, in a few words, for the log. */
  String describe();

  @Override
  void close();
}
