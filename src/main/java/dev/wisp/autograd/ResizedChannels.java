package dev.wisp.autograd;

import dev.wisp.backend.Backend;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Feature tensors brought to one size (bilinear, half-pixel centres) with their channels side by
 * side, {@code [N, height, width, D]}. Each part is resized when it is added, so that it need not
 * outlive that.
 */
public final class ResizedChannels {
  private final Tape tape;
  private final Tensor whole;
  private final List<Var> parts = new ArrayList<>();
  private final List<Shape> shapes = new ArrayList<>();
  private int filled;

  /**
   * A result without parts.
   *
   * @param channels of all parts together
   */
  public ResizedChannels(Tape tape, long images, long height, long width, long channels) {
    this.tape = tape;
    whole = tape.scope().f32(images, height, width, channels);
  }

  /** Adds the next channels; the caller may release the part then. */
  public void add(Var part) {
    Shape shape = part.value().shape();
    tape.backend().resizeBilinear(part.value(), whole, filled, false);
    parts.add(part);
    shapes.add(shape);
    filled += shape.dim(3);
  }

  /**
   * The result, once.
   *
   * @throws IllegalStateException if channels are missing
   */
  public Var finish() {
    if (filled != whole.shape().size(3)) {
      throw new IllegalStateException("only %d channels were added to %s".formatted(filled, whole));
    }
    if (parts.stream().noneMatch(Var::needsGradient)) {
      return tape.result(whole);
    }
    return tape.result(whole, this::backward);
  }

  private void backward(Var out) {
    Backend backend = tape.backend();
    Tensor dy = out.takeGradient();
    int from = 0;
    for (int i = 0; i < shapes.size(); i++) {
      if (parts.get(i).needsGradient()) {
        Tensor dx = tape.scope().allocate(dy.type(), shapes.get(i));
        backend.resizeBilinearBackward(dy, from, dx, false);
        parts.get(i).addGradient(dx);
      }
      from += shapes.get(i).dim(3);
    }
    dy.release();
  }
}
