package dev.wisp.autograd;

import dev.wisp.tensor.Tensor;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A value computed on a {@link Tape} and, during the backward pass, its gradient.
 *
 * <p>A value is held by the code that made it, until {@link #release}, and by each recorded step
 * that needs it again. The last holder returns the memory to the pool. Gradients belong to the
 * variable: what is given to {@link #addGradient} must not be used by the giver afterwards.
 */
public final class Var {
  /** A value shared by a variable and its detached copies. */
  private static final class Value {
    final Tensor tensor;
    final boolean owned;
    int holds = 1;

    Value(Tensor tensor, boolean owned) {
      this.tensor = tensor;
      this.owned = owned;
    }
  }

  private final Tape tape;
  private final Value value;
  private final boolean needsGradient;
  private final ArrayDeque<Tensor> gradients = new ArrayDeque<>(2);

  Var(Tape tape, Tensor tensor, boolean owned, boolean needsGradient) {
    this(tape, new Value(tensor, owned), needsGradient);
  }

  private Var(Tape tape, Value value, boolean needsGradient) {
    this.tape = tape;
    this.value = value;
    this.needsGradient = needsGradient;
  }

  /** The value; throws {@link IllegalStateException} when used after its last holder let go. */
  public Tensor value() {
    return value.tensor;
  }

  /** Whether a gradient is wanted: false for constants and behind a stop-gradient. */
  public boolean needsGradient() {
    return needsGradient;
  }

  /** The same value behind a stop-gradient. It is held once more: release both. */
  public Var detached() {
    retain();
    return new Var(tape, value, false);
  }

  /**
   * Whether the calling code, which holds the value, is the only one that does: then it may compute
   * a result into the value's memory, see {@link #overwritten}.
   */
  public boolean isHeldOnce() {
    return value.owned && value.holds == 1;
  }

  /**
   * The result of a step without gradient that was computed into this value's memory. Like {@link
   * #detached} it holds the memory once more: release both.
   */
  public Var overwritten() {
    return detached();
  }

  /** Says that the calling code will not use the value again; recorded steps still can. */
  public void release() {
    value.holds--;
    if (value.holds == 0 && value.owned) {
      value.tensor.release();
    }
  }

  /** Holds the value once more: one more {@link #release} is needed. */
  public void retain() {
    if (value.holds == 0) {
      throw new IllegalStateException("variable " + value.tensor + " was released");
    }
    value.holds++;
  }

  /** Adds a gradient of the value's shape; the tensor belongs to the variable from now on. */
  public void addGradient(Tensor gradient) {
    if (!needsGradient) {
      gradient.release();
      return;
    }
    if (gradients.size() == 2) {
      // Two stay apart, since a fused pass can add them; a third is summed at once.
      tape.backend().addScaled(1, gradient, gradients.getFirst());
      gradient.release();
    } else {
      gradients.add(gradient);
    }
  }

  /** A gradient to add into, zero when there was none; for operations that accumulate. */
  public Tensor gradientBuffer() {
    Tensor first = gradients.peekFirst();
    if (first == null) {
      first = tape.scope().allocate(value.tensor.type(), value.tensor.shape());
      tape.backend().fill(first, 0);
      gradients.add(first);
    }
    return first;
  }

  /** Whether any gradient has arrived. */
  public boolean hasGradient() {
    return !gradients.isEmpty();
  }

  /** The whole gradient; the caller owns it and releases it. */
  public Tensor takeGradient() {
    Tensor sum = takeFirst();
    Tensor second = takeSecond();
    if (second != null) {
      tape.backend().addScaled(1, second, sum);
      second.release();
    }
    return sum;
  }

  /** The first part of the gradient, for passes that add {@link #takeSecond} themselves. */
  public Tensor takeFirst() {
    Tensor first = gradients.pollFirst();
    if (first == null) {
      throw new IllegalStateException("no gradient has reached " + value.tensor);
    }
    return first;
  }

  /** The second part of the gradient, or null. */
  public @Nullable Tensor takeSecond() {
    return gradients.pollFirst();
  }

  void dropGradients() {
    for (Tensor gradient : gradients) {
      gradient.release();
    }
    gradients.clear();
  }
}
