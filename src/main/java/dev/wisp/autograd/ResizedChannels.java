package dev.wisp.autograd;

import dev.wisp.backend.Backend;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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

  /** Of each part the size it was enlarged to, where only a corner of that was taken. */
  private final List<Optional<Shape>> cropped = new ArrayList<>();

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
    tape.backend().resizeBilinear(part.value(), whole, filled, false);
    added(part, null);
  }

  /**
   * Adds the next channels enlarged by a whole factor, of which the top left corner of the result's
   * size is taken; the caller may release the part then.
   *
   * @param factor enlarges the part to at least the result's size
   */
  public void addEnlarged(Var part, int factor) {
    Shape s = part.value().shape();
    long height = factor * s.size(1);
    long width = factor * s.size(2);
    if (height == whole.shape().size(1) && width == whole.shape().size(2)) {
      add(part);
      return;
    }
    Shape enlarged = Shape.of(s.size(0), height, width, s.size(3));
    Tensor large = tape.scope().allocate(whole.type(), enlarged);
    tape.backend().resizeBilinear(part.value(), large, 0, false);
    tape.backend().crop(large, whole, filled);
    large.release();
    added(part, enlarged);
  }

  private void added(Var part, @Nullable Shape enlarged) {
    Shape shape = part.value().shape();
    parts.add(part);
    shapes.add(shape);
    cropped.add(Optional.ofNullable(enlarged));
    filled += shape.dim(3);
  }

  /**
   * The result, once.
   *
   * @throws IllegalStateException if channels are missing
   */
  public Var finish() {
    return finish(false);
  }

  /** The result, or max(0, result), once; see {@link #finish()}. */
  public Var finish(boolean relu) {
    if (filled != whole.shape().size(3)) {
      throw new IllegalStateException("only %d channels were added to %s".formatted(filled, whole));
    }
    if (relu) {
      tape.backend().relu(whole, whole);
    }
    if (parts.stream().noneMatch(Var::needsGradient)) {
      return tape.result(whole);
    }
    if (!relu) {
      return tape.result(whole, out -> backward(out.takeGradient()));
    }
    return tape.resultKept(whole, out -> backward(FeatureFunctions.reluBackward(tape, whole, out)));
  }

  private void backward(Tensor dy) {
    Backend backend = tape.backend();
    int from = 0;
    for (int i = 0; i < shapes.size(); i++) {
      if (parts.get(i).needsGradient()) {
        Tensor dx = tape.scope().allocate(dy.type(), shapes.get(i));
        if (cropped.get(i).isPresent()) {
          Tensor large = tape.scope().allocate(dy.type(), cropped.get(i).get());
          backend.cropBackward(dy, from, large);
          backend.resizeBilinearBackward(large, 0, dx, false);
          large.release();
        } else {
          backend.resizeBilinearBackward(dy, from, dx, false);
        }
        parts.get(i).addGradient(dx);
      }
      from += shapes.get(i).dim(3);
    }
    dy.release();
  }
}
