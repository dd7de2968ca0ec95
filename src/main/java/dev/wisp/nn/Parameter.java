package dev.wisp.nn;

import dev.wisp.backend.Backend;
import dev.wisp.io.FloatSource;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A named tensor of a network's state: a weight, or a running statistic. Lives in the network's
 * scope. Used on the backend's compute thread.
 */
public final class Parameter {
  /** Which learning rate a parameter follows. */
  public enum Group {
    /** The encoder, which starts from a pretrained state. */
    PRETRAINED,
    /** Layers that start from random numbers. */
    NEW,
    /** IRN's boundary branch. */
    BOUNDARY,
    /** IRN's displacement branch. */
    DISPLACEMENT,
    /** Running statistics: stored, never learned. */
    STATISTIC
  }

  private final String name;
  private final Group group;
  private final Scope scope;
  private final Backend backend;
  private final Tensor value;
  private @Nullable Tensor gradient;
  private boolean hasGradient;
  private long version;

  Parameter(Backend backend, Scope scope, String name, Group group, long... sizes) {
    this.backend = backend;
    this.scope = scope;
    this.name = name;
    this.group = group;
    this.value = scope.f32(sizes);
  }

  /** State-dict name such as {@code resnet.layer1.0.conv1.weight}. */
  public String name() {
    return name;
  }

  public Group group() {
    return group;
  }

  public Shape shape() {
    return value.shape();
  }

  /** The value; after changing it call {@link #changed}. */
  public Tensor value() {
    return value;
  }

  /** Grows whenever the value changes, so that whoever derived something knows it is stale. */
  public long version() {
    return version;
  }

  /** Says that the value was changed. */
  public void changed() {
    version++;
  }

  /** Sets the value; the length must agree with the shape. */
  public void set(float[] values) {
    backend.upload(values, value);
    changed();
  }

  /** Sets the value in pieces; the source must have as many elements. */
  public void set(FloatSource source) {
    long elements = value.shape().elements();
    float[] piece = new float[(int) Math.min(elements, FloatSource.PIECE)];
    for (long at = 0; at < elements; at += piece.length) {
      int count = (int) Math.min(piece.length, elements - at);
      source.read(at, piece, count);
      backend.upload(piece, count, value, at);
    }
    changed();
  }

  /** Whether a backward pass has reached the parameter since {@link #clearGradient}. */
  public boolean hasGradient() {
    return hasGradient;
  }

  /** The gradient; throws {@link IllegalStateException} when there is none. */
  public Tensor gradient() {
    if (!hasGradient || gradient == null) {
      throw new IllegalStateException("no gradient has reached " + name);
    }
    return gradient;
  }

  /** Forgets the gradient; its memory is kept for the next one. */
  public void clearGradient() {
    hasGradient = false;
  }

  /**
   * A tensor to write the gradient into, which thereby exists. A second one before {@link
   * #clearGradient} is refused: every layer of these networks runs once in a pass.
   */
  Tensor newGradient() {
    if (hasGradient) {
      throw new IllegalStateException(name + " already has a gradient; clear it first");
    }
    hasGradient = true;
    Tensor target = gradient;
    if (target == null) {
      target = scope.allocate(value.type(), value.shape());
      gradient = target;
    }
    return target;
  }

  /**
   * The gradient; zeros if none has reached the parameter, for steps that devices share: what one
   * of them reaches is reached.
   */
  public Tensor gradientOrZero() {
    if (!hasGradient) {
      backend.fill(newGradient(), 0);
    }
    return gradient();
  }

  /** Lets go of the value, for good: what was derived from it is all that is needed from now on. */
  void drop() {
    value.release();
  }

  @Override
  public String toString() {
    return name + shape();
  }
}
